import type { Hex } from 'viem';
import type { DeploymentFacts, Fence, LedgerContext } from '../ledger/ledger.ts';
import type { Rpc } from '../platform/chain/rpc.ts';
import type { FeePolicy } from './fees.ts';
import type { Signer } from './signer.ts';

/** Bounds and intervals. Everything that waits or grows has one. */
export interface ExecutorLimits {
  /** A lane is planned at most this often: fewer and larger batches cost less a bet. */
  readonly planIntervalMs: number;
  /** The chain is looked at this often while nothing wakes the executor. */
  readonly pollMs: number;
  /** Persisted bytes that are not mined after this are sent again. */
  readonly rebroadcastMs: number;
  readonly leaseTtlMs: number;
  /** How long `stop` waits for what is signed to be mined. */
  readonly stopTimeoutMs: number;
  /** Blocks on top of a block that make it final. */
  readonly finalityBlocks: number;
  readonly intentsPerPlanMax: number;
  /** A lane with more items than this on their way is not planned further. */
  readonly unlandedItemsMax: number;
  readonly batchesInFlightPerLaneMax: number;
  readonly callsInFlightMax: number;
  readonly batchGasMax: bigint;
  readonly batchBytesMax: number;
  /** A call outside lanes that reverted this often although its simulation succeeded has failed. */
  readonly callAttemptsMax: number;
}

/** What every stage works with. */
export interface ExecutorContext {
  readonly ledger: LedgerContext;
  readonly rpc: Rpc;
  /** Id of the deployment in the ledger. */
  readonly deployment: string;
  readonly facts: DeploymentFacts;
  readonly signer: Signer;
  readonly fees: FeePolicy;
  readonly limits: ExecutorLimits;
}

/** A signed transaction that is not final: ours to follow. */
export interface LiveTransaction {
  readonly nonce: number;
  readonly hash: Hex;
  readonly raw: Hex;
  readonly batch: {
    readonly lane: number;
    readonly firstSeq: number;
    readonly nextSeq: number;
  } | null;
  readonly call: number | null;
  /** Where a receipt was seen; null while there is none. */
  mined: { readonly blockNumber: number; readonly status: 0 | 1 } | null;
  /** Earliest time for sending the same bytes again. */
  resendAtMs: number;
  sendFailures: number;
}

export interface LaneState {
  readonly lane: number;
  /** The number that the next planned unit gets. */
  plannedNext: number;
  /** The contract's `next` at the observed head. */
  landedNext: number;
  plannedAtMs: number;
  /** A batch of it reverted: simulate the next before it is sent. */
  suspicious: boolean;
  /** Not sent to before this: its simulation failed. */
  holdUntilMs: number;
  holdFailures: number;
  error: { readonly code: string; readonly message: string } | null;
}

/** The chain at one block. */
export interface Observation {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly baseFeeWei: bigint;
  /** The signer's next nonce. */
  readonly nonce: number;
  readonly balanceWei: bigint;
  /** `next` of each lane. */
  readonly laneNext: readonly number[];
}

/** What the executor knows in memory; all of it can be read again from the ledger and the chain. */
export interface ExecutorState {
  readonly live: Map<Hex, LiveTransaction>;
  readonly lanes: readonly LaneState[];
  /** Every nonce below it is used by a final transaction of ours. */
  finalNonce: number;
  /** Since when the chain waits for a nonce that none of our transactions holds, below some that do. */
  nonceGapSinceMs: number | null;
  observation: Observation | null;
}

/** Leases under which the stages write. */
export interface ExecutorFences {
  readonly signer: Fence;
  readonly lanes: readonly Fence[];
}
