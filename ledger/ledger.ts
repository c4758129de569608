import type { Transaction as SqlTransaction } from 'kysely';
import type { Address, Hex } from 'viem';
import type { ChainMessage } from '../contracts/encoding/message.ts';
import type { Clock } from '../platform/clock.ts';
import type { Crash } from '../platform/crash.ts';
import type { Journal } from '../platform/journal/journal.ts';
import type { AccountState } from './balances.ts';
import type { Answer, CanonicalRequest } from './request.ts';
import type { ItemTable, LedgerDatabase } from './schema.ts';

/** What every method of the ledger works with. `refKey` makes refs unguessable and re-derivable. */
export interface LedgerContext {
  readonly journal: Journal<LedgerDatabase>;
  readonly clock: Clock;
  readonly crash: Crash;
  readonly refKey: Uint8Array;
}

/** A write transaction on the ledger's tables. */
export type LedgerTransaction = SqlTransaction<LedgerDatabase>;

/** A lease's token; a write under it throws `LEASE_LOST` (retryable) once another holder took it. */
export interface Fence {
  readonly lease: string;
  readonly holder: string;
  readonly fence: number;
}

/**
 * Signatures of the state machine's stages. Each is a function in a file of its own, with its test:
 *
 * - `accept.ts`   `accept(context, requests): Promise<Decided>`, one transaction for all
 * - `plan.ts`     `planLane(context, args): Promise<number>` numbers pending intents
 * - `apply.ts`    `applyMessages(context, tx, messages)` chain events, retractions and finality
 *
 * Those that write seats resolve to them as written, for the cache (`accountCache.ts`).
 */
export type Accept = (
  context: LedgerContext,
  requests: readonly CanonicalRequest[],
) => Promise<Decided>;

/** What a set of requests came to. */
export interface Decided {
  /** In the order of the requests. */
  readonly answers: Answer[];
  readonly written: readonly AccountState[];
}

/** Plans up to `max` intents of the lane; resolves to the number of items made. */
export type PlanLane = (
  context: LedgerContext,
  args: { deployment: string; lane: number; fence: Fence; max: number },
) => Promise<number>;

/**
 * Applies consecutive messages of one partition inside the caller's transaction: an event to
 * balances, entries, intents and items; `sign` −1 takes it back; `finality` makes final what is at
 * or below its block. Resolves to the seats that were written, the latest writing last.
 */
export type ApplyMessages = (
  context: LedgerContext,
  tx: LedgerTransaction,
  messages: readonly ChainMessage[],
) => Promise<readonly AccountState[]>;

/** Planned items from `fromSeq` on, in order. */
export type PlannedItems = (
  context: LedgerContext,
  args: { deployment: string; lane: number; fromSeq: number; max: number },
) => Promise<Pick<ItemTable, 'seq' | 'bytes' | 'evidence_leaf'>[]>;

/** What a new deployment is known by. */
export interface DeploymentFacts {
  readonly chainId: number;
  readonly betBook: Address;
  readonly treasury: Address;
  readonly token: Address;
  readonly tokenDecimals: number;
  readonly deployedBlock: number;
  readonly deployedBlockHash: Hex;
  readonly operator: Address;
  readonly operatorNo: number;
  readonly shards: number;
  /** Partitions of the deployment's bus stream: a power of two, at most `shards`. */
  readonly partitions: number;
  /** The notice period N, seconds. */
  readonly noticeS: number;
}
