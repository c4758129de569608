import { hash } from 'node:crypto';
import type {
  ColumnType,
  TableDefinition,
  Warehouse,
  WarehouseRow,
  WarehouseValue,
} from '../platform/warehouse/warehouse.ts';

/** What a table must hold of a step: how many rows, and the sum of their hashes modulo 2^64. */
export interface TableDigest {
  readonly rows: number;
  readonly sum: string;
}

/** By table; a table without rows of the step is absent. */
export type StepDigest = Readonly<Record<string, TableDigest>>;

/** Between columns in the text that is hashed; no column of a fixed width contains it. */
const SEPARATOR = '\u001f';

/** The digest of rows that are to be inserted. */
export function digestOf(
  rowsByTable: ReadonlyMap<string, readonly WarehouseRow[]>,
  tables: readonly TableDefinition[],
): StepDigest {
  const digest: Record<string, TableDigest> = {};
  for (const [name, rows] of rowsByTable) {
    const table = tables.find((candidate) => candidate.name === name);
    if (!table) throw new Error(`got rows of ${name}, expected a known table`);
    let sum = 0n;
    for (const row of rows) sum += rowHash(table, row);
    digest[name] = { rows: rows.length, sum: BigInt.asUintN(64, sum).toString() };
  }
  return digest;
}

/** What `tables` of the warehouse hold of the steps `from` to `to`, computed there from every column. */
export async function warehouseDigests(
  warehouse: Warehouse,
  tables: readonly TableDefinition[],
  place: { deployment: string; epoch: number; from: number; to: number },
): Promise<ReadonlyMap<number, StepDigest>> {
  if (tables.length === 0) return new Map();
  const selects = tables.map(
    (
      table,
    ) => `SELECT '${table.name}' AS found_in, step, count() AS found_rows, sum(${hashSql(table)}) AS found_sum
FROM ${table.name}
WHERE deployment = {deployment:String} AND epoch = {epoch:UInt32}
  AND step >= {from:UInt64} AND step <= {to:UInt64}
GROUP BY step`,
  );
  const found = await warehouse.query<{
    found_in: string;
    step: string;
    found_rows: string;
    found_sum: string;
  }>(selects.join('\nUNION ALL\n'), place);
  const digests = new Map<number, Record<string, TableDigest>>();
  for (const row of found) {
    const step = digests.get(Number(row.step)) ?? {};
    step[row.found_in] = { rows: Number(row.found_rows), sum: String(row.found_sum) };
    digests.set(Number(row.step), step);
  }
  return digests;
}

/** The tables of either digest in which they differ. */
export function differingTables(expected: StepDigest, found: StepDigest): string[] {
  const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...names].filter(
    (name) =>
      expected[name]?.rows !== found[name]?.rows || expected[name]?.sum !== found[name]?.sum,
  );
}

function rowHash(table: TableDefinition, row: WarehouseRow): bigint {
  const text = table.columns
    .map((column) => canonicalText(column.name, row[column.name]))
    .join(SEPARATOR);
  return hash('sha256', text, 'buffer').readBigUInt64LE(0);
}

function canonicalText(column: string, value: WarehouseValue | undefined): string {
  if (value === undefined || typeof value === 'object') {
    throw new Error(`got ${typeof value} in column ${column}, expected a single value`);
  }
  return String(value);
}

function hashSql(table: TableDefinition): string {
  const texts = table.columns.map((column) => canonicalSql(column.name, column.type));
  return `reinterpretAsUInt64(substring(SHA256(arrayStringConcat([${texts.join(', ')}], '\\x1f')), 1, 8))`;
}

function canonicalSql(name: string, type: ColumnType): string {
  if (type === 'String') return name;
  return type === 'DateTime' ? `toString(toUnixTimestamp(${name}))` : `toString(${name})`;
}
