import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from 'viem';
import type { BankLimits } from '../../contracts/deploy.ts';
import { type ChainMessage, shardOf } from '../../contracts/encoding/message.ts';
import { consume, readPosition } from '../../mirror/consume.ts';
import type { BusMessage } from '../../platform/bus/bus.ts';
import type { Clock } from '../../platform/clock.ts';
import { noCrash } from '../../platform/crash.ts';
import { openSqliteJournal } from '../../platform/journal/sqlite.ts';
import { accept } from '../accept.ts';
import { registerDeployment } from '../deployments.ts';
import { plannedItems } from '../items.ts';
import { takeLease } from '../leases.ts';
import type { DeploymentFacts, Fence, LedgerContext } from '../ledger.ts';
import { ledgerMigrations } from '../migrations.ts';
import { planLane } from '../plan.ts';
import { putProvider } from '../providers.ts';
import type { AcceptedBody, Action, Answer, CanonicalRequest } from '../request.ts';
import type { LedgerDatabase } from '../schema.ts';
import { createModelChain, type Refuse } from './modelChain.ts';

export const BANK = 1;
export const PLAY_WINDOW_MS = 1_000;
const SHARDS = 4;
const START_MS = 1_700_000_000_000;
/** Limits that no test reaches by chance. */
export const WIDE_LIMITS: BankLimits = {
  maxPayoutUnits: 1_000_000n,
  stopLossUnits: 10n ** 12n,
  dayWonUnits: 10n ** 12n,
  dayCreditUnits: 10n ** 12n,
  maxHorizonS: 864_000,
};
/** A seat that outlasts every test. */
export const LATER_S = START_MS / 1000 + 1_000_000;

export const STAGE_FACTS: DeploymentFacts = {
  chainId: 31829,
  betBook: `0x${'b0'.repeat(20)}`,
  treasury: `0x${'7e'.repeat(20)}`,
  token: `0x${'70'.repeat(20)}`,
  tokenDecimals: 2,
  deployedBlock: 1,
  deployedBlockHash: `0x${'01'.repeat(32)}`,
  operator: `0x${'0e'.repeat(20)}`,
  operatorNo: 3,
  shards: SHARDS,
  partitions: 2,
  noticeS: 60,
};

/** A player whose lane is `index % 4`. */
export function playerOf(index: number): Address {
  return `0x${(0xabc000 + index).toString(16).padStart(40, '0')}`;
}

/** A ledger on a real SQLite file beside a model chain, with one provider and one open bank. */
export async function openStage(args: {
  bankroll: bigint;
  refuse?: Refuse;
  limits?: Partial<BankLimits>;
  dueMs?: number;
}) {
  const folder = await mkdtemp(join(tmpdir(), 'croupier-ledger-'));
  let nowMs = START_MS;
  const clock: Clock = { nowMs: () => nowMs, sleep: async () => {} };
  const journal = await openSqliteJournal<LedgerDatabase>({
    path: join(folder, 'ledger.sqlite'),
    migrations: ledgerMigrations,
    clock,
  });
  const context: LedgerContext = {
    journal,
    clock,
    crash: noCrash,
    refKey: new Uint8Array(32).fill(7),
  };
  const { deployment } = await registerDeployment(context, STAGE_FACTS);
  await putProvider(context, {
    provider: 'dice',
    brand: '',
    key_id: 'dice-key',
    secret: '00',
    deployment,
    bank: BANK,
    play_window_ms: PLAY_WINDOW_MS,
    due_ms: args.dueMs ?? 86_400_000,
  });
  const chain = createModelChain({
    chainId: STAGE_FACTS.chainId,
    deployment,
    operator: STAGE_FACTS.operator,
    operatorNo: STAGE_FACTS.operatorNo,
    shards: SHARDS,
    partitions: STAGE_FACTS.partitions,
    noticeS: STAGE_FACTS.noticeS,
    refuse: args.refuse ?? (() => 0),
    nowS: () => Math.floor(nowMs / 1000),
  });
  const lease = await takeLease(context, { lease: 'planner', holder: 'test', ttlMs: 60_000 });
  if (!lease) throw new Error('got no lease, expected a free one');
  const fence: Fence = lease;

  function keyOf(partition: number) {
    return { consumer: 'mirror', topic: 'croupier.chain', deployment, partition };
  }

  /** Delivers what the partition has not applied yet, up to `max` messages; answers how many it did. */
  async function deliver(partition: number, max = Number.POSITIVE_INFINITY): Promise<number> {
    const log = chain.logs[partition] ?? [];
    const { next_offset } = await readPosition(context, keyOf(partition));
    const messages = log.slice(next_offset, next_offset + max);
    if (messages.length === 0) return 0;
    const carried = messages.map((message, index) => carry(message, next_offset + index));
    await consume(context, keyOf(partition), next_offset, carried);
    return messages.length;
  }

  async function deliverAll(): Promise<void> {
    for (let partition = 0; partition < STAGE_FACTS.partitions; partition += 1) {
      while ((await deliver(partition, 500)) > 0);
    }
  }

  /** One block with everything that `work` does. */
  function mine(work: () => void): void {
    chain.begin();
    work();
    chain.end();
  }

  async function plan(lane: number, max = 1_000): Promise<number> {
    return await planLane(context, { deployment, lane, fence, max });
  }

  async function planAll(): Promise<void> {
    for (let lane = 0; lane < SHARDS; lane += 1) await plan(lane);
  }

  /** Lands up to `max` items of the lane from the chain's next number on, inside an open block. */
  async function landItems(lane: number, max = 1_000): Promise<number> {
    const items = await plannedItems(context, {
      deployment,
      lane,
      fromSeq: chain.nextSeq(lane),
      max,
    });
    chain.newTransaction();
    for (const { bytes } of items) chain.land(lane, bytes);
    return items.length;
  }

  /** A block with all that is planned, and its events delivered. */
  async function landAll(): Promise<void> {
    chain.begin();
    for (let lane = 0; lane < SHARDS; lane += 1) await landItems(lane);
    chain.end();
    await deliverAll();
  }

  async function finalizeAll(): Promise<void> {
    chain.finalizeTo(chain.height());
    await deliverAll();
  }

  function request(player: Address, action: Action, key: string = action.txId): CanonicalRequest {
    return {
      deployment,
      provider: 'dice',
      brand: '',
      idempotencyKey: key,
      player,
      game: 'dice',
      round: 'r1',
      action,
      received: { body: JSON.stringify({ key }), signature: 'sig=:x:', atMs: nowMs },
    };
  }

  async function send(player: Address, action: Action, key?: string): Promise<Answer> {
    const [answer] = (await accept(context, [request(player, action, key)])).answers;
    if (!answer) throw new Error('got no answer, expected one');
    return answer;
  }

  mine(() => chain.openBank(BANK, args.bankroll, { ...WIDE_LIMITS, ...args.limits }));
  await deliverAll();
  await finalizeAll();

  return {
    context,
    deployment,
    chain,
    fence,
    mine,
    plan,
    planAll,
    landItems,
    landAll,
    deliver,
    deliverAll,
    finalizeAll,
    request,
    send,
    keyOf,
    /** Seats the player with a final balance. */
    async seat(player: Address, balance: bigint, maxStake = 1_000_000n): Promise<void> {
      mine(() => chain.fundSeat(player, balance, maxStake, LATER_S));
      await deliverAll();
      await finalizeAll();
    },
    nowS: () => Math.floor(nowMs / 1000),
    passMs(durationMs: number): void {
      nowMs += durationMs;
    },
    async close(): Promise<void> {
      await journal.close();
      await rm(folder, { recursive: true });
    },
  };
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

/** The message as the bus carries it. */
export function carry(message: ChainMessage, offset: number): BusMessage {
  return {
    topic: 'croupier.chain',
    partition: message.partition,
    key: String(message.partition),
    value: JSON.stringify(message),
    headers: { deployment: message.deployment },
    offset,
    timestampMs: 0,
  };
}

/** The lane of a player on the stage. */
export function laneOfPlayer(player: Address): number {
  return shardOf(player, SHARDS);
}

export function bet(txId: string, stakeUnits: bigint, maxPayoutUnits: bigint): Action {
  return { type: 'bet', txId, stakeUnits, maxPayoutUnits };
}

export function win(txId: string, betTxId: string, payoutUnits: bigint): Action {
  return { type: 'win', txId, betTxId, payoutUnits };
}

export function voidOf(txId: string, betTxId: string): Action {
  return { type: 'void', txId, betTxId };
}

export function credit(txId: string, amountUnits: bigint): Action {
  return { type: 'credit', txId, amountUnits };
}

/** Balance of an accepted answer, or the code of a problem. */
export function resultOf(answer: Answer): string {
  const body = JSON.parse(answer.body) as AcceptedBody | { code: string };
  return 'code' in body ? body.code : body.balance;
}
