import type { Address, Hex } from 'viem';

/** The topic of our contracts' events. */
export const CHAIN_TOPIC = 'croupier.chain';
/** The topic of the events of any further contract. */
export const CONTRACTS_TOPIC = 'croupier.contracts';

/**
 * The message types (design, "The surface"): of `croupier.contracts` `contract.event` and `finality`,
 * of `croupier.chain` the others.
 */
export type ChainMessageType =
  | 'bet.played'
  | 'bet.placed'
  | 'bet.settled'
  | 'bet.voided'
  | 'bet.credited'
  | 'bet.expired'
  | 'bet.rejected'
  | 'page.closed'
  | 'round.finalized'
  | 'batch.applied'
  | 'seat.movement'
  | 'treasury.movement'
  | 'bank.movement'
  | 'operator.change'
  | 'contract.event'
  | 'finality';

/** Where a message stands in its stream: `n` is contiguous within (deployment, epoch, partition). */
export interface StreamPosition {
  readonly deployment: string;
  readonly epoch: number;
  readonly partition: number;
  readonly n: number;
}

/** One contract event, or its retraction. The JSON value of a bus message. */
export interface ChainEventMessage extends StreamPosition {
  readonly type: Exclude<ChainMessageType, 'finality'>;
  /** `chainId:blockHash:logIndex`, the same in the retraction. */
  readonly id: string;
  /** The step of the indexer that brought it. */
  readonly step: number;
  /** −1: this event no longer counts. */
  readonly sign: 1 | -1;
  /** In snake case: `treasury`, `bet_book`, or the name of a further contract. */
  readonly contract: string;
  /** The event's Solidity name, such as `Played`. */
  readonly event: string;
  /** Integers as decimal strings, bytes and addresses as lower-case hex, booleans as they are. */
  readonly args: Readonly<Record<string, string | boolean>>;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  /** Seconds since the Unix epoch. */
  readonly blockTime: number;
  readonly txHash: Hex;
  readonly logIndex: number;
}

/** Everything up to and with `blockNumber` is final. Sent to every partition, each with its own n. */
export interface FinalityMessage extends StreamPosition {
  readonly type: 'finality';
  /** `chainId:blockHash:finality`. */
  readonly id: string;
  readonly step: number;
  readonly sign: 1;
  readonly blockNumber: number;
  readonly blockHash: Hex;
}

export type ChainMessage = ChainEventMessage | FinalityMessage;

/** The shard (and so the lane) that all of a player's items are in. `shards` is a power of two. */
export function shardOf(player: Address, shards: number): number {
  return Number(BigInt(player) & BigInt(shards - 1));
}

/** The bus partition of a player's events. `partitions` is a power of two, at most `shards`. */
export function partitionOfPlayer(player: Address, partitions: number): number {
  return shardOf(player, partitions);
}

/** The parts of an event id: operatorNo u32 | shard u16 | bank u32 | seq u48. */
export interface EventId {
  readonly operatorNo: number;
  readonly shard: number;
  readonly bank: number;
  readonly seq: number;
}

export function readEventId(id: bigint): EventId {
  return {
    operatorNo: Number(id >> 96n),
    shard: Number((id >> 80n) & 0xffffn),
    bank: Number((id >> 48n) & 0xffffffffn),
    seq: Number(id & 0xffffffffffffn),
  };
}

export function packEventId(id: EventId): bigint {
  return (
    (BigInt(id.operatorNo) << 96n) |
    (BigInt(id.shard) << 80n) |
    (BigInt(id.bank) << 48n) |
    BigInt(id.seq)
  );
}

/** The lane as contracts write it: operatorNo u32 | shard u16. */
export function laneOf(operatorNo: number, shard: number): bigint {
  return (BigInt(operatorNo) << 16n) | BigInt(shard);
}
