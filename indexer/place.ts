import {
  type ChainEventMessage,
  type ChainMessage,
  type ChainMessageType,
  type FinalityMessage,
  partitionOfPlayer,
} from '../contracts/encoding/message.ts';
import type { WarehouseRow } from '../platform/warehouse/warehouse.ts';
import { type EventSpec, eventIdOf, type IndexedEvent } from './events.ts';
import type { StepKind } from './schema.ts';
import { FINALITY_TABLE, tableNameOf } from './tables.ts';

/** What a step's rows and messages are made from; `firstN` holds the first n of each partition. */
export interface StepContent {
  readonly deployment: string;
  readonly epoch: number;
  readonly step: number;
  readonly kind: StepKind;
  readonly firstN: readonly number[];
  /** In the order of delivery; none in a finality step. */
  readonly events: readonly IndexedEvent[];
  /** The final block of a finality step. */
  readonly toBlock: number;
  readonly toHash: string;
}

const ZERO_ADDRESS = `0x${'0'.repeat(40)}`;

const MESSAGE_TYPES: Readonly<Record<string, Exclude<ChainMessageType, 'finality'>>> = {
  Played: 'bet.played',
  Opened: 'bet.placed',
  OpenRejected: 'bet.rejected',
  Settled: 'bet.settled',
  Voided: 'bet.voided',
  Credited: 'bet.credited',
  Rejected: 'bet.rejected',
  Expired: 'bet.expired',
  Closed: 'page.closed',
  RoundFinalized: 'round.finalized',
  BatchApplied: 'batch.applied',
  SeatFunded: 'seat.movement',
  SeatEnding: 'seat.movement',
  SeatSwept: 'seat.movement',
  ToppedUp: 'seat.movement',
  Released: 'seat.movement',
  BankOpened: 'bank.movement',
  BankFunded: 'bank.movement',
  ExitRequested: 'bank.movement',
  ExitCancelled: 'bank.movement',
  BankExited: 'bank.movement',
};

/**
 * The type of an event's message. Of ours, what only changes roles and limits is an
 * `operator.change`.
 */
export function messageTypeOf(event: IndexedEvent): Exclude<ChainMessageType, 'finality'> {
  if (event.contract === 'treasury') return 'treasury.movement';
  if (event.contract !== 'bet_book') return 'contract.event';
  return MESSAGE_TYPES[event.event] ?? 'operator.change';
}

/**
 * Where an event goes: a player's to the player's partition; one of a lane or page without a player to
 * the lane's, which is the same; others, and all of further contracts, to 0. `key` is the player, the
 * lane or the contract.
 */
export function placeOf(
  event: IndexedEvent,
  partitions: number,
): { readonly partition: number; readonly key: string } {
  if (event.contract !== 'treasury' && event.contract !== 'bet_book') {
    return { partition: 0, key: event.contract };
  }
  const { player, id, lane, page } = event.args;
  if (typeof player === 'string' && player !== ZERO_ADDRESS) {
    return { partition: partitionOfPlayer(player as `0x${string}`, partitions), key: player };
  }
  const laneNo =
    typeof id === 'string'
      ? BigInt(id) >> 80n
      : typeof lane === 'string'
        ? BigInt(lane)
        : typeof page === 'string'
          ? BigInt(page) >> 32n
          : undefined;
  if (laneNo === undefined) return { partition: 0, key: event.contract };
  // A lane ends in its shard, 16 bits, of which there are at least as many as partitions.
  return { partition: Number(laneNo & BigInt(partitions - 1)), key: laneNo.toString() };
}

/** The n that each partition's next message gets after the step. */
export function nextNAfter(content: StepContent): number[] {
  const next = [...content.firstN];
  if (content.kind === 'finality') return next.map((n) => n + 1);
  for (const event of content.events) take(next, placeOf(event, next.length).partition);
  return next;
}

/** The step's rows by table. A finality row has the n of partition 0. */
export function rowsOf(
  content: StepContent,
  specs: readonly EventSpec[],
): ReadonlyMap<string, WarehouseRow[]> {
  const base = { deployment: content.deployment, epoch: content.epoch, step: content.step };
  if (content.kind === 'finality') {
    const row = {
      ...base,
      n: content.firstN[0] ?? 1,
      sign: 1,
      block_number: content.toBlock,
      block_hash: content.toHash,
    };
    return new Map([[FINALITY_TABLE.name, [row]]]);
  }
  const specByTable = new Map(specs.map((spec) => [spec.table.name, spec]));
  const sign = content.kind === 'retract' ? -1 : 1;
  const next = [...content.firstN];
  const rows = new Map<string, WarehouseRow[]>();
  for (const event of content.events) {
    const table = tableNameOf(event);
    const spec = specByTable.get(table);
    if (!spec) throw new Error(`got ${event.contract} ${event.event}, expected a configured event`);
    const row: Record<string, string | number | boolean> = {
      ...base,
      n: take(next, placeOf(event, next.length).partition),
      sign,
      block_number: event.blockNumber,
      block_hash: event.blockHash,
      block_time: event.blockTime,
      tx_hash: event.txHash,
      log_index: event.logIndex,
    };
    for (const input of spec.inputs) row[input.column] = event.args[input.name] ?? '';
    const tableRows = rows.get(table);
    if (tableRows) tableRows.push(row);
    else rows.set(table, [row]);
  }
  return rows;
}

/** The step's messages in the order of publication, each with its key. */
export function messagesOf(
  content: StepContent,
  chainId: number,
): { readonly key: string; readonly message: ChainMessage }[] {
  const { deployment, epoch, step, firstN } = content;
  if (content.kind === 'finality') {
    return firstN.map((n, partition) => {
      const message: FinalityMessage = {
        type: 'finality',
        id: `${chainId}:${content.toHash}:finality`,
        deployment,
        epoch,
        step,
        partition,
        n,
        sign: 1,
        blockNumber: content.toBlock,
        blockHash: content.toHash as `0x${string}`,
      };
      return { key: 'finality', message };
    });
  }
  const next = [...firstN];
  return content.events.map((event) => {
    const { partition, key } = placeOf(event, next.length);
    const message: ChainEventMessage = {
      type: messageTypeOf(event),
      id: eventIdOf(chainId, event),
      deployment,
      epoch,
      step,
      partition,
      n: take(next, partition),
      sign: content.kind === 'retract' ? -1 : 1,
      contract: event.contract,
      event: event.event,
      args: event.args,
      blockNumber: event.blockNumber,
      blockHash: event.blockHash,
      blockTime: event.blockTime,
      txHash: event.txHash,
      logIndex: event.logIndex,
    };
    return { key, message };
  });
}

function take(next: number[], partition: number): number {
  const n = next[partition] ?? 1;
  next[partition] = n + 1;
  return n;
}
