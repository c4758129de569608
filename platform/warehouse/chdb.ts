import fs from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { CroupierError } from '../errors.ts';
import { type ChdbOutcome, startChdbProcess } from './chdbProcess.ts';
import {
  type ChdbFailure,
  type ChdbWork,
  ENGINE_FOLDER,
  INBOX_FOLDER,
  TIMEOUT_EXCEEDED,
} from './chdbProtocol.ts';
import { encodeNative } from './native.ts';
import { assertSameTable, createTableSql, DESCRIBE_TABLE_SQL, insertSql } from './sql.ts';
import type { TableDefinition, Warehouse, WarehouseRow } from './warehouse.ts';

const WORK_TIMEOUT_MS = 60_000;
/** How much later than the engine we give up on a user's query. */
const USER_GRACE_MS = 1_000;
const MAX_USER_SQL_CHARS = 100_000;
/** One block, and so all or nothing, up to here (the engine cuts blocks at 1,048,449 rows). */
const MAX_INSERT_ROWS = 1_000_000;

/** In the path of a file these stand for other paths, and an insert that matches none adds nothing. */
const PATTERN = /[*?{}]/;

/** ClickHouse's codes for a statement that will never succeed as it stands. */
const FINAL_CODES: ReadonlySet<number> = new Set([
  6, 10, 16, 27, 36, 42, 43, 44, 46, 47, 53, 57, 60, 62, 70, 81, 115, 164, 184, 215, 386, 396, 456,
  457,
]);

/**
 * The ClickHouse engine (chDB) on the folder `path`, in a child process that ends with this one. If
 * the engine dies, what waits for it fails as retryable and the next call starts it again.
 *
 * @throws CroupierError `WAREHOUSE_FOLDER_BUSY` (final) when another process holds the folder for
 * longer than ten seconds, `WAREHOUSE_UNUSABLE` (final)
 */
export async function openChdbWarehouse(args: { path: string; clock: Clock }): Promise<Warehouse> {
  const folder = path.resolve(args.path);
  if (PATTERN.test(folder)) throw unusableFolderError(folder, 'a path without * ? { }');
  const inbox = path.join(folder, INBOX_FOLDER);
  await makeFolder(path.join(folder, ENGINE_FOLDER));
  const engine = await startChdbProcess({ folder, clock: args.clock });
  // Only now: before it held the folder, another process may have been filling the inbox.
  await fs.rm(inbox, { recursive: true, force: true });
  await fs.mkdir(inbox, { mode: 0o700 });
  let lastFile = 0;
  const inserts = new Set<Promise<void>>();

  async function work(request: ChdbWork): Promise<string> {
    const limit = { timeoutMs: WORK_TIMEOUT_MS, killWhenLate: true };
    const outcome = await engine.request(request, limit);
    if (!outcome.ok) throw workError(outcome.failure);
    return outcome.rows;
  }

  async function query<Row>(
    sql: string,
    params: Readonly<Record<string, string | number>> = {},
  ): Promise<Row[]> {
    return parseRows<Row>(await work({ kind: 'read', sql, params }));
  }

  async function command(sql: string): Promise<void> {
    await work({ kind: 'write', sql });
  }

  async function ensureTable(definition: TableDefinition): Promise<void> {
    await command(createTableSql(definition));
    assertSameTable(definition, await query(DESCRIBE_TABLE_SQL, { table: definition.name }));
  }

  async function insert(request: {
    table: TableDefinition;
    rows: readonly WarehouseRow[];
    deduplicationToken: string;
  }): Promise<void> {
    const { table, rows, deduplicationToken } = request;
    lastFile += 1;
    const name = `${lastFile}.native`;
    const sql = insertSql({ table, file: `${INBOX_FOLDER}/${name}`, deduplicationToken });
    if (rows.length === 0) return;
    if (rows.length > MAX_INSERT_ROWS) throw tooManyRowsError(table, rows.length);
    const file = path.join(inbox, name);
    // A file is the only way that takes bytes as they are: in an inline payload, what follows the
    // first blank line runs as SQL.
    try {
      await fs.writeFile(file, encodeNative(table, rows), { flag: 'wx', mode: 0o600 });
      await command(sql);
    } finally {
      await fs.rm(file, { force: true });
    }
  }

  async function userQuery(sql: string, { timeoutMs }: { timeoutMs: number }) {
    if (sql.length > MAX_USER_SQL_CHARS) throw userError(TOO_LONG, timeoutMs);
    const limit = { timeoutMs: timeoutMs + USER_GRACE_MS, killWhenLate: false };
    const outcome = await engine
      .request({ kind: 'user', sql, timeoutMs }, limit)
      .catch((error: unknown): ChdbOutcome => {
        if (!(error instanceof CroupierError && error.code === 'WAREHOUSE_TIMEOUT')) throw error;
        return {
          ok: false,
          failure: { sentence: error.message, clickhouseCode: TIMEOUT_EXCEEDED },
        };
      });
    if (!outcome.ok) throw userError(outcome.failure, timeoutMs);
    return parseRows<Record<string, unknown>>(outcome.rows);
  }

  async function close(): Promise<void> {
    await Promise.allSettled(inserts);
    await engine.close();
  }

  return {
    ensureTable,
    insert: (request) => {
      const inserting = insert(request);
      inserts.add(inserting);
      return inserting.finally(() => inserts.delete(inserting));
    },
    command,
    query,
    userQuery,
    close,
  };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unusableFolderError(folder, `a folder that this user can write: ${reason}`);
  }
}

const TOO_LONG: ChdbFailure = {
  sentence: `got a longer query, expected at most ${MAX_USER_SQL_CHARS} characters`,
  clickhouseCode: 0,
};

function parseRows<Row>(lines: string): Row[] {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

function workError(failure: ChdbFailure): CroupierError {
  return new CroupierError({
    code: 'WAREHOUSE_FAILED',
    errorClass: FINAL_CODES.has(failure.clickhouseCode) ? 'final' : 'retryable',
    message: failure.sentence,
    details: { clickhouseCode: failure.clickhouseCode },
  });
}

function userError(failure: ChdbFailure, timeoutMs: number): CroupierError {
  if (failure.clickhouseCode === TIMEOUT_EXCEEDED)
    return new CroupierError({
      code: 'WAREHOUSE_QUERY_TIMEOUT',
      errorClass: 'final',
      message: `got a query that takes longer, expected an answer within ${timeoutMs} ms`,
      details: { timeoutMs },
    });
  return new CroupierError({
    code: 'WAREHOUSE_QUERY_FAILED',
    errorClass: 'final',
    message: failure.sentence,
    details: { clickhouseCode: failure.clickhouseCode },
  });
}

function unusableFolderError(folder: string, expected: string): CroupierError {
  return new CroupierError({
    code: 'WAREHOUSE_UNUSABLE',
    errorClass: 'final',
    message: `got the warehouse folder ${folder}, expected ${expected}`,
    details: { folder },
  });
}

function tooManyRowsError(table: TableDefinition, got: number): CroupierError {
  return new CroupierError({
    code: 'WAREHOUSE_INSERT_TOO_LARGE',
    errorClass: 'final',
    message: `got ${got} rows for table ${table.name}, expected at most ${MAX_INSERT_ROWS}`,
    details: { table: table.name },
  });
}
