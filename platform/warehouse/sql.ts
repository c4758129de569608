import { CroupierError } from '../errors.ts';
import type { TableDefinition } from './warehouse.ts';

const NAME = /^[a-z_][a-z0-9_]{0,127}$/;
const TOKEN = /^[A-Za-z0-9:_-]{1,200}$/;
/** How many of the latest insert tokens a table remembers. */
const DEDUPLICATION_WINDOW = 100_000;

/**
 * @throws CroupierError `WAREHOUSE_NAME_INVALID` (final) for a name that is not plain snake case
 */
export function createTableSql(table: TableDefinition): string {
  const columns = table.columns.map(({ name, type }) => `${plain(name)} ${type}`).join(', ');
  return `CREATE TABLE IF NOT EXISTS ${plain(table.name)} (${columns}) ENGINE = MergeTree
    ORDER BY (${table.orderBy.map(plain).join(', ')})
    SETTINGS non_replicated_deduplication_window = ${DEDUPLICATION_WINDOW},
      fsync_after_insert = 1, fsync_part_directory = 1`;
}

/**
 * Inserts the Native file `file`, relative to the engine's working folder.
 *
 * @throws CroupierError `WAREHOUSE_TOKEN_INVALID` (final), `WAREHOUSE_NAME_INVALID` (final)
 */
export function insertSql(args: {
  table: TableDefinition;
  file: string;
  deduplicationToken: string;
}): string {
  if (!TOKEN.test(args.deduplicationToken))
    throw new CroupierError({
      code: 'WAREHOUSE_TOKEN_INVALID',
      errorClass: 'final',
      message: `got a deduplication token of ${args.deduplicationToken.length} characters, expected ${TOKEN}`,
    });
  return `INSERT INTO ${plain(args.table.name)} FROM INFILE '${args.file}' COMPRESSION 'none'
    SETTINGS async_insert = 0, insert_deduplication_token = '${args.deduplicationToken}',
      deduplicate_blocks_in_dependent_materialized_views = 1
    FORMAT Native`;
}

/** Rows `{name, type, sortingKey}` of the table `{table:String}`, in the order of its columns. */
export const DESCRIBE_TABLE_SQL = `SELECT c.name AS name, c.type AS type, t.sorting_key AS sortingKey
  FROM system.columns AS c
  JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
  WHERE c.database = currentDatabase() AND c.table = {table:String}
  ORDER BY c.position`;

/** @throws CroupierError `WAREHOUSE_TABLE_DIFFERS` (fatal) */
export function assertSameTable(
  table: TableDefinition,
  existing: readonly { name: string; type: string; sortingKey: string }[],
): void {
  // The engine writes a key of one column back in brackets.
  const key = existing[0]?.sortingKey.replace(/^\((.*)\)$/, '$1') ?? '';
  const got = shape(existing, key);
  const expected = shape(table.columns, table.orderBy.join(', '));
  if (got === expected) return;
  throw new CroupierError({
    code: 'WAREHOUSE_TABLE_DIFFERS',
    errorClass: 'fatal',
    message: `got a table ${table.name} of ${got}, expected ${expected}`,
    details: { table: table.name },
  });
}

function shape(columns: readonly { name: string; type: string }[], orderBy: string): string {
  return `(${columns.map(({ name, type }) => `${name} ${type}`).join(', ')}) ordered by ${orderBy}`;
}

function plain(name: string): string {
  if (NAME.test(name)) return name;
  throw new CroupierError({
    code: 'WAREHOUSE_NAME_INVALID',
    errorClass: 'final',
    message: `got a name of ${name.length} characters, expected ${NAME}`,
  });
}
