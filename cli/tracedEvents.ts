import type { AbiEvent } from 'viem';
import { laneOf } from '../contracts/encoding/message.ts';
import { betBookAbi } from '../contracts/generated/betBook.ts';
import { snakeCase } from '../indexer/snakeCase.ts';
import { tableNameOf } from '../indexer/tables.ts';
import type { Warehouse } from '../platform/warehouse/warehouse.ts';

/** An event that carries a ref or ended a bet's page, or its retraction, as the warehouse has it. */
export interface TracedEvent {
  /** `chainId:blockHash:logIndex`. */
  readonly id: string;
  readonly event: string;
  readonly table: string;
  readonly refs: readonly string[];
  readonly step: string;
  readonly n: string;
  readonly sign: number;
  readonly block: string;
}

/** The BetBook's events with refs, and the columns that hold them. */
const SOURCES = betBookAbi
  .filter((item): item is (typeof betBookAbi)[number] & AbiEvent => item.type === 'event')
  .map((event) => ({
    event: event.name,
    table: tableNameOf({ contract: 'bet_book', event: event.name }),
    columns: event.inputs
      .filter(({ type, name }) => type === 'bytes16' && name?.startsWith('ref'))
      .map(({ name }) => snakeCase(name ?? '')),
  }))
  .filter(({ columns }) => columns.length > 0);

const EXPIRED_TABLE = tableNameOf({ contract: 'bet_book', event: 'Expired' });

interface Row {
  readonly event: string;
  readonly table: string;
  readonly refs: readonly string[];
  readonly block_hash: string;
  readonly log_index: number;
  readonly step: string;
  readonly n: string;
  readonly sign: number;
  readonly block_number: string;
}

/** Every event of the deployment's newest epoch with one of the refs, in the order in which they came. */
export async function eventsOfRefs(
  warehouse: Warehouse,
  deployment: { readonly deployment: string; readonly chain_id: number; readonly epoch: number },
  refs: readonly string[],
): Promise<TracedEvent[]> {
  if (refs.length === 0) return [];
  const places = refs.map((_, index) => `{ref${index}:String}`).join(', ');
  const sql = SOURCES.map(
    ({ event, table, columns }) =>
      `SELECT '${event}' AS event, '${table}' AS table, [${columns.join(', ')}] AS refs, block_hash, log_index, ` +
      `step, n, sign, block_number FROM ${table} WHERE deployment = {deployment:String} AND epoch = {epoch:UInt32} ` +
      `AND (${columns.map((column) => `${column} IN (${places})`).join(' OR ')})`,
  ).join(' UNION ALL ');
  const rows = await warehouse.query<Row>(`SELECT * FROM (${sql}) ORDER BY step, n`, {
    deployment: deployment.deployment,
    epoch: deployment.epoch,
    ...Object.fromEntries(refs.map((ref, index) => [`ref${index}`, ref])),
  });
  return rows.map((row) => eventOf(deployment.chain_id, row));
}

/**
 * Every `Expired` that ended the bet with this place (and its retraction), in the order in which they
 * came: it carries no ref.
 */
export async function expiriesOf(
  warehouse: Warehouse,
  deployment: {
    readonly deployment: string;
    readonly chain_id: number;
    readonly epoch: number;
    readonly operator_no: number;
  },
  place: { readonly lane: number; readonly slot: number; readonly seq: number },
): Promise<TracedEvent[]> {
  const lane = laneOf(deployment.operator_no, place.lane);
  const rows = await warehouse.query<Row>(
    `SELECT 'Expired' AS event, '${EXPIRED_TABLE}' AS table, [] AS refs, block_hash, log_index, step, n, sign,
       block_number
     FROM ${EXPIRED_TABLE} WHERE deployment = {deployment:String} AND epoch = {epoch:UInt32}
       AND page = {page:UInt256} AND first_seq <= {seq:UInt64}
       AND bitAnd(bitShiftRight(mask, {seq:UInt64} - first_seq), 1) = 1
     ORDER BY step, n`,
    {
      deployment: deployment.deployment,
      epoch: deployment.epoch,
      page: ((lane << 32n) | BigInt(place.slot)).toString(),
      seq: place.seq,
    },
  );
  return rows.map((row) => eventOf(deployment.chain_id, row));
}

function eventOf(chainId: number, row: Row): TracedEvent {
  return {
    id: `${chainId}:${row.block_hash}:${row.log_index}`,
    event: row.event,
    table: row.table,
    refs: row.refs,
    step: row.step,
    n: row.n,
    sign: row.sign,
    block: row.block_number,
  };
}
