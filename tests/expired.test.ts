import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Address,
  createWalletClient,
  type EncodeFunctionDataParameters,
  encodeFunctionData,
  type Hex,
  http,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { auditBus } from '../cli/audit/bus.ts';
import { auditChain } from '../cli/audit/chain.ts';
import { type ChainLog, partsOfId, readChainLogs } from '../cli/audit/chainLogs.ts';
import { effectsOf } from '../cli/audit/effects.ts';
import { auditLedger } from '../cli/audit/ledger.ts';
import { createMismatches } from '../cli/audit/mismatch.ts';
import type { AcceptedAction } from '../cli/audit/record.ts';
import { auditWarehouse } from '../cli/audit/warehouse.ts';
import { DEFAULT_CONFIG } from '../cli/contractsConfig.ts';
import { BUY_IN_UNITS } from '../cli/demo/plan.ts';
import { type Exchange, openDemoRecord } from '../cli/demo/record.ts';
import { takeSeats } from '../cli/demo/seats.ts';
import { createDevClients, mintToPlayers } from '../cli/deployment.ts';
import { type Stack, startStack } from '../cli/stack.ts';
import { encodePreimage } from '../contracts/encoding/batch.ts';
import { betBookAbi } from '../contracts/generated/betBook.ts';
import { createProviderClient, type NativeAction, type ProviderClient } from '../gateway/client.ts';
import { systemClock } from '../platform/clock.ts';
import { runCroupier } from './croupierProcess.ts';

const STAKE_UNITS = 700n;
const MAX_PAYOUT_UNITS = 1_900n;
/** Beyond the due time of the demo provider's bets. */
const TRAVEL_S = 8 * 86_400;
const TIMEOUT_MS = 60_000;
/** Somebody who has no role anywhere. */
const stranger = mnemonicToAccount('test test test test test test test test test test test junk', {
  addressIndex: 7,
});

let folder: string;
let stack: Stack;
let client: ProviderClient;
let session: string;
let player: Address;
const exchanges: Exchange[] = [];
const accepted: AcceptedAction[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'croupier-expired-'));
  stack = await startStack({
    dataFolder: folder,
    port: 0,
    configPath: DEFAULT_CONFIG,
    say: () => {},
  });
  const { id, facts } = stack.deployment();
  const { keyId, secret } = stack.demoCredentials;
  client = createProviderClient({ baseUrl: stack.url, keyId, secret, clock: systemClock });
  const seed = 'expired';
  const record = openDemoRecord({ path: join(folder, 'demo.sqlite'), deployment: id, seed });
  const [seated] =
    (await takeSeats({
      ...{ client, record, seed, playerCount: 1, chain: { deployment: id, ...facts } },
      chainTimeS: async () => Number((await publicClient().getBlock()).timestamp),
      faucet: (players, units) => mintToPlayers(stack.chain, facts.token, players, units),
      clock: systemClock,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })) ?? [];
  record.close();
  if (!seated) throw new Error('got no seat, expected one');
  session = seated.session;
  player = seated.address;
}, 2 * TIMEOUT_MS);

afterAll(async () => {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
});

function publicClient() {
  return createDevClients(stack.chain).publicClient;
}

/** Sends the action and keeps it, as the demo's record would. */
async function send(
  action: NativeAction,
): Promise<{ status: number; body: Record<string, string> }> {
  const { type, txId } = action;
  const body = JSON.stringify({ session, game: 'dice', round: 'late', actions: [action] });
  const answer = await client.request(body, txId);
  const answered = JSON.parse(answer.text) as Record<string, string>;
  const betTxId = 'betTxId' in action ? action.betTxId : txId;
  const outcome = answer.status === 200 ? 'accepted' : 'refused';
  exchanges.push({
    ...{
      play: 0,
      step: exchanges.length,
      playerSeq: exchanges.length,
      player,
      type,
      txId,
      betTxId,
    },
    ...{ amount: '', maxPayout: '', idempotencyKey: txId, body, expectedBalance: '' },
    ...{ expectedOutcome: outcome, outcome, status: answer.status, mismatch: null },
    answer: answer.text,
  });
  if (outcome === 'accepted' && action.type === 'bet') {
    const [amount, maxPayout] = [BigInt(action.stake), BigInt(action.maxPayout)];
    accepted.push({ type, txId, betTxId, player, amount, maxPayout, ref: String(answered.ref) });
  }
  return { status: answer.status, body: answered };
}

async function get(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(new URL(path, stack.url));
  return (await response.json()) as Record<string, unknown>;
}

async function until(path: string, expected: Record<string, unknown>): Promise<void> {
  await vi.waitFor(async () => expect(await get(path)).toMatchObject(expected), {
    timeout: TIMEOUT_MS,
    interval: 200,
  });
}

async function logsNow(): Promise<ChainLog[]> {
  const { id, facts } = stack.deployment();
  const block = await publicClient().getBlockNumber({ cacheTime: 0 });
  return await readChainLogs(publicClient(), { deployment: id, ...facts }, Number(block));
}

/** Lands a call of the BetBook. */
async function call(
  from: typeof stranger,
  name: 'expire' | 'pause' | 'requestExit' | 'setLimits',
  args: readonly unknown[],
): Promise<void> {
  const { betBook } = stack.deployment().facts;
  const { chain } = publicClient();
  const wallet = createWalletClient({ account: from, chain, transport: http(stack.chain.rpcUrl) });
  const parameters = { abi: betBookAbi, functionName: name, args } as EncodeFunctionDataParameters;
  const hash = await wallet.sendTransaction({ to: betBook, data: encodeFunctionData(parameters) });
  const receipt = await publicClient().waitForTransactionReceipt({ hash, timeout: TIMEOUT_MS });
  expect(receipt.status).toBe('success');
}

/** Waits until every store has all events as final, then compares everything with the node. */
async function expectNoMismatch(): Promise<void> {
  const logs = await logsNow();
  const last = logs.at(-1)?.blockNumber ?? 0;
  const query = (sql: string) => stack.warehouse.query<Record<string, unknown>>(sql);
  await vi.waitFor(
    async () => {
      expect(await stack.unfinal()).toBe(0);
      const [row] = await query('SELECT max(block_number) AS block FROM finality');
      expect(Number(row?.block)).toBeGreaterThanOrEqual(last);
    },
    { timeout: TIMEOUT_MS, interval: 200 },
  );
  const { id, facts: deployed } = stack.deployment();
  const deployment = { deployment: id, ...deployed };
  const { partitions } = deployed;
  const facts = { exchanges, accepted, balances: new Map([[player as string, BUY_IN_UNITS]]) };
  const effects = effectsOf(logs, deployment);
  await vi.waitFor(
    async () => {
      const mismatches = createMismatches();
      const block = await publicClient().getBlockNumber({ cacheTime: 0 });
      const chain = await auditChain(
        { client: publicClient(), deployment, facts, logs, effects, block },
        mismatches,
      );
      const path = join(folder, 'ledger.sqlite');
      auditLedger({ path, deployment: id, facts, chain, effects, partitions }, mismatches);
      await auditWarehouse({ query, deployment: id, logs }, mismatches);
      await auditBus(
        { bus: stack.bus, partitions, deployment: id, logs, finalBlock: last },
        mismatches,
      );
      expect(mismatches.list).toEqual([]);
    },
    { timeout: TIMEOUT_MS, interval: 500 },
  );
}

test('a bet that nobody settled is expired by a stranger, and every store says so', {
  timeout: 3 * TIMEOUT_MS,
}, async () => {
  const stakes = { stake: `${STAKE_UNITS}`, maxPayout: `${MAX_PAYOUT_UNITS}` };
  expect((await send({ type: 'bet', txId: 'b1', ...stakes })).status).toBe(200);
  const path = '/v1/bets/b1?provider=dice';
  await until(path, { state: 'open', actions: [{ state: 'final' }] });

  await stack.chain.rpc.call('evm_increaseTime', [TRAVEL_S]);
  await stack.chain.rpc.call('evm_mine', []);
  const opened = (await logsNow()).find(({ event }) => event === 'Opened');
  if (!opened) throw new Error('got no Opened, expected the bet');
  // Logs alone are enough to expire a page.
  const { args } = opened;
  const { lane, seq, bank } = partsOfId(String(args.id));
  const preimage = encodePreimage({
    firstSeq: seq,
    dueS: Number(args.due),
    round: args.round as Hex,
    bonded: false,
    bets: [{ player, bank, stakeUnits: STAKE_UNITS, profitUnits: MAX_PAYOUT_UNITS - STAKE_UNITS }],
  });
  const slot = Number(BigInt(String(args.page)) & 0xffff_ffffn);
  await call(stranger, 'expire', [lane, slot, preimage]);

  await until(path, { state: 'expired', final: true, payout: null });
  await until(`/v1/players/${player}`, { balance: `${BUY_IN_UNITS}`, unfinalCredits: '0' });
  await until(`/v1/banks/${bank}`, { reserved: '0', locked: '0', hold: '0', unfinalGains: '0' });
  const late = await send({ type: 'win', txId: 'w1', betTxId: 'b1', payout: '1900' });
  expect(late).toMatchObject({ status: 422, body: { code: 'BET_EXPIRED' } });
  await vi.waitFor(
    async () => {
      const rows = await stack.warehouse.query('SELECT bonded, mask FROM final_bet_book_expired');
      expect(rows).toEqual([{ bonded: false, mask: '1' }]);
    },
    { timeout: TIMEOUT_MS, interval: 200 },
  );
  const trace = await runCroupier(['trace', 'b1', '--json', '--data', folder]);
  expect(JSON.parse(trace.stdout)).toMatchObject({
    bet: { state: 'expired' },
    actions: [{ action: 'bet', final: true, events: [{ event: 'Opened' }] }],
    expiries: [{ event: 'Expired', table: 'bet_book_expired', sign: 1 }],
  });
  await expectNoMismatch();
});

test('a pause, an exit and other limits reach every store', {
  timeout: 3 * TIMEOUT_MS,
}, async () => {
  const { bank } = stack.deployment();
  const admin = createDevClients(stack.chain).walletClient.account as typeof stranger;
  const nowS = Number((await publicClient().getBlock()).timestamp);
  await call(admin, 'pause', [bank, nowS + 3_600]);
  await call(admin, 'requestExit', [bank, 12_345n]);
  const limits = { maxPayout: 10_000n, stopLoss: 2n ** 90n, dayWon: 7n, dayCredit: 6n };
  await call(admin, 'setLimits', [bank, { ...limits, maxHorizon: 864_000 }]);
  await until(`/v1/banks/${bank}`, {
    ...{ pausedUntilS: nowS + 3_600, exiting: '12345', maxPayout: '10000', dayWon: '7' },
    maxHorizonS: 864_000,
    announced: { stopLoss: `${2n ** 90n}` },
  });
  await expectNoMismatch();
});
