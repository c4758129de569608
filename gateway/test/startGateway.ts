import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Address } from 'viem';
import { createAccountCache } from '../../ledger/accountCache.ts';
import { emptyAccount, emptyBank, writeAccounts, writeBanks } from '../../ledger/balances.ts';
import { registerDeployment } from '../../ledger/deployments.ts';
import type { DeploymentFacts, LedgerContext } from '../../ledger/ledger.ts';
import { ledgerMigrations } from '../../ledger/migrations.ts';
import { putProvider } from '../../ledger/providers.ts';
import type { LedgerDatabase } from '../../ledger/schema.ts';
import type { Cache } from '../../platform/cache/cache.ts';
import { createMemoryCache } from '../../platform/cache/memory.ts';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { noCrash } from '../../platform/crash.ts';
import { openSqliteJournal } from '../../platform/journal/sqlite.ts';
import type { AdminHandlers } from '../admin.ts';
import { createProviderClient, type ProviderClient } from '../client.ts';
import type { Health } from '../health.ts';
import { createGateway } from '../server.ts';

export const KEY = { keyId: 'dice-key', secret: 'aa'.repeat(32) } as const;
export const OPERATOR_TOKEN = 'operator-token-of-the-test';
export const PLAYER: Address = `0x${'11'.repeat(20)}`;
export const BANK = 1;
export const BALANCE = 10_000n;

const FACTS: DeploymentFacts = {
  chainId: 31_829,
  betBook: `0x${'b0'.repeat(20)}`,
  treasury: `0x${'7e'.repeat(20)}`,
  token: `0x${'70'.repeat(20)}`,
  tokenDecimals: 2,
  deployedBlock: 3,
  deployedBlockHash: `0x${'d1'.repeat(32)}`,
  operator: `0x${'0e'.repeat(20)}`,
  operatorNo: 1,
  shards: 4,
  partitions: 4,
  noticeS: 60,
};

/** A listening gateway over a ledger on SQLite, with one provider, one bank and one seated player. */
export interface TestGateway {
  readonly url: string;
  readonly ledger: LedgerContext;
  readonly client: ProviderClient;
  /** Tokens of a session of `PLAYER`. */
  readonly session: string;
  /** Ids of the deployments in use, the latest last. */
  readonly deployments: string[];
  /** Failures that the gateway reported. */
  readonly errors: unknown[];
  /** The calls of the gateway's callbacks. */
  readonly wakes: { accepted: number; call: number };
  /** What `/readyz` is told. */
  health: Health;
  /** Moves the gateway's clock, not the client's. */
  shiftMs: number;
  /** Rows of what requests write. */
  counts(): Promise<Record<'request' | 'intent' | 'bet' | 'outbox' | 'call' | 'session', number>>;
  /** Registers another deployment, as after a reset of the chain. */
  redeploy(): Promise<void>;
  seat(player: Address, balance: bigint): Promise<void>;
  close(): Promise<void>;
}

export async function startGateway(
  options: { admin?: AdminHandlers; balance?: bigint; cache?: Cache } = {},
): Promise<TestGateway> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'croupier-gateway-'));
  const journal = await openSqliteJournal<LedgerDatabase>({
    path: path.join(folder, 'ledger.sqlite'),
    migrations: ledgerMigrations,
    clock: systemClock,
  });
  const clock: Clock = { ...systemClock, nowMs: () => Date.now() + test.shiftMs };
  const ledger: LedgerContext = { journal, clock, crash: noCrash, refKey: randomBytes(32) };

  async function deploy(facts: DeploymentFacts): Promise<void> {
    const { deployment } = await registerDeployment(ledger, facts);
    test.deployments.push(deployment);
    await putProvider(ledger, {
      provider: 'dice',
      brand: 'blue',
      key_id: KEY.keyId,
      secret: KEY.secret,
      deployment,
      bank: BANK,
      play_window_ms: 1_000,
      due_ms: 86_400_000,
    });
  }

  const gateway = createGateway({
    ledger,
    accounts: createAccountCache({
      ledger,
      cache: options.cache ?? createMemoryCache({ clock, maxKeys: 100 }),
      onError: (error) => test.errors.push(error),
    }),
    currentDeployment: () => test.deployments.at(-1) ?? '',
    host: '127.0.0.1',
    port: 0,
    operatorToken: OPERATOR_TOKEN,
    admin: options.admin ?? {
      trace: async (id) => ({ id }),
      status: async () => ({ accepted: '1' }),
      session: async (args) => args,
      sql: async (sql) => ({ sql }),
    },
    health: async () => test.health,
    randomBytes,
    onAccepted: () => {
      test.wakes.accepted++;
    },
    onCall: () => {
      test.wakes.call++;
    },
    onError: (error) => test.errors.push(error),
  });
  const url = await gateway.listen();

  const test = {
    url,
    ledger,
    client: createProviderClient({ baseUrl: url, ...KEY, clock: systemClock }),
    session: '',
    deployments: [] as string[],
    errors: [] as unknown[],
    wakes: { accepted: 0, call: 0 },
    health: { ready: true, details: { mirrorLag: 0 } } as Health,
    shiftMs: 0,
    counts: async () => {
      const tables = ['request', 'intent', 'bet', 'outbox', 'call', 'session'] as const;
      const counts = { request: 0, intent: 0, bet: 0, outbox: 0, call: 0, session: 0 };
      for (const table of tables) {
        const rows = await journal.read.selectFrom(table).select('deployment').execute();
        counts[table] = rows.length;
      }
      return counts;
    },
    redeploy: () => deploy({ ...FACTS, deployedBlockHash: `0x${'d2'.repeat(32)}` }),
    seat: async (player: Address, balance: bigint) => {
      await journal.transaction(async (tx) => {
        await writeAccounts(tx, [
          {
            ...emptyAccount(test.deployments.at(-1) ?? '', player),
            chainBalance: balance,
            maxStake: balance,
            endsAtS: 4_000_000_000,
            grantNo: 1,
          },
        ]);
      });
    },
    close: async () => {
      await gateway.close();
      await journal.close();
      await fs.rm(folder, { recursive: true });
    },
  };

  await deploy(FACTS);
  await test.seat(PLAYER, options.balance ?? BALANCE);
  await journal.transaction(async (tx) => {
    await writeBanks(tx, [
      {
        ...emptyBank(test.deployments.at(-1) ?? '', BANK),
        bankroll: 1_000_000_000n,
        limits: {
          maxPayoutUnits: 500_000_000n,
          stopLossUnits: 1_000_000_000n,
          dayWonUnits: 1_000_000_000n,
          dayCreditUnits: 1_000_000_000n,
          maxHorizonS: 30 * 86_400,
        },
      },
    ]);
  });
  const opened = await test.client.session({ player: PLAYER });
  test.session = JSON.parse(opened.text).session;
  return test;
}
