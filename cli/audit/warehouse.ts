import { betBookAbi } from '../../contracts/generated/betBook.ts';
import { treasuryAbi } from '../../contracts/generated/treasury.ts';
import type { ChainLog } from './chainLogs.ts';
import type { Mismatches } from './mismatch.ts';

const ROWS_PER_QUERY = 20_000;
/** Columns of the stream; an argument of the same name stands as `event_<name>`. */
const STREAM_COLUMNS = new Set(['n', 'step', 'epoch', 'sign', 'deployment']);

/** A query on the warehouse of the running process. */
export type Query = (sql: string) => Promise<Record<string, unknown>[]>;

/**
 * Compares every event table and its `final_` view with the logs of the node: each event counts once,
 * each column is as in the log, nothing else counts. Resolves to the block up to which the warehouse
 * calls everything final, and the ids of the events that are final there.
 */
export async function auditWarehouse(
  args: { query: Query; deployment: string; logs: readonly ChainLog[] },
  mismatches: Mismatches,
): Promise<{ finalBlock: number; events: ReadonlySet<string> }> {
  const { query, logs } = args;
  // A name of ours, 16 bytes in hex; anything else would be no text to build a query of.
  const deployment = `deployment = '0x${BigInt(args.deployment).toString(16).padStart(32, '0')}'`;
  const [last] = await query(
    `SELECT max(epoch) AS top,
       maxIf(block_number, epoch = (SELECT max(epoch) FROM finality WHERE ${deployment})) AS block
     FROM finality WHERE ${deployment}`,
  );
  const block = Number(last?.block ?? 0);
  const where = {
    rows: `${deployment} AND epoch = ${Number(last?.top ?? 0)} AND block_number <= ${block}`,
    view: `${deployment} AND block_number <= ${block}`,
  };
  const logsOfTable = Map.groupBy(
    logs.filter(({ blockNumber }) => blockNumber <= block),
    (log) => `${log.contract}_${snakeCase(log.event)}`,
  );
  const events = new Set<string>();
  for (const [contract, abi] of [
    ['treasury', treasuryAbi],
    ['bet_book', betBookAbi],
  ] as const) {
    for (const item of abi) {
      if (item.type !== 'event') continue;
      const table = `${contract}_${snakeCase(item.name)}`;
      await auditTable({ query, where, table }, logsOfTable.get(table) ?? [], events, mismatches);
    }
  }
  return { finalBlock: block, events };
}

async function auditTable(
  { query, where, table }: { query: Query; where: { rows: string; view: string }; table: string },
  logs: readonly ChainLog[],
  events: Set<string>,
  mismatches: Mismatches,
): Promise<void> {
  const expected = new Map(logs.map((log) => [`${log.blockHash}:${log.logIndex}`, log]));
  const nets = new Map<string, number>();
  for (let offset = 0; ; offset += ROWS_PER_QUERY) {
    const rows = await query(
      `SELECT * REPLACE (toUnixTimestamp(block_time) AS block_time) FROM ${table}
       WHERE ${where.rows}
       ORDER BY step, n, log_index, block_hash, sign
       LIMIT ${ROWS_PER_QUERY} OFFSET ${offset}`,
    );
    for (const row of rows) {
      const name = `${row.block_hash}:${row.log_index}`;
      nets.set(name, (nets.get(name) ?? 0) + Number(row.sign));
      const log = expected.get(name);
      if (!log) continue;
      for (const [field, value] of Object.entries(columnsOf(log))) {
        const key = `${table} ${name}`;
        mismatches.check({ store: 'warehouse', key, field }, value, row[field]);
      }
    }
    if (rows.length < ROWS_PER_QUERY) break;
  }
  for (const [name, log] of expected) {
    const key = `${table} ${name}`;
    const net = nets.get(name) ?? 0;
    if (mismatches.check({ store: 'warehouse', key, field: 'sum of sign' }, 1, net)) {
      events.add(log.id);
    }
  }
  for (const [name, net] of nets) {
    if (expected.has(name)) continue;
    const key = `${table} ${name}`;
    mismatches.check({ store: 'warehouse', key, field: 'sum of sign' }, 0, net);
  }
  const [view] = await query(`SELECT sum(sign) AS net FROM final_${table} WHERE ${where.view}`);
  const key = `final_${table}`;
  mismatches.check({ store: 'warehouse', key, field: 'rows' }, logs.length, view?.net);
}

/** The log in the warehouse's columns. */
function columnsOf(log: ChainLog): Record<string, string | number | boolean> {
  const columns: Record<string, string | number | boolean> = {
    block_number: log.blockNumber,
    block_hash: log.blockHash,
    block_time: log.blockTime,
    tx_hash: log.txHash,
    log_index: log.logIndex,
  };
  for (const [name, value] of Object.entries(log.args)) {
    const column = snakeCase(name);
    columns[STREAM_COLUMNS.has(column) ? `event_${column}` : column] = value;
  }
  return columns;
}

function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}
