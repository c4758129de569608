import fs from 'node:fs/promises';
import path from 'node:path';
import type { Session } from 'chdb';
import { INBOX_FOLDER } from './chdbProtocol.ts';

/**
 * An insert whose token the engine remembers, but whose part it never got: the engine writes the
 * token down first, and died in between. Its repetition would be swallowed as a duplicate.
 */
export interface LostInsert {
  readonly logFile: string;
  readonly line: string;
}

interface Table {
  readonly path: string;
  readonly parts: readonly (readonly [partition: string, firstBlock: string, lastBlock: string])[];
}

const LOGS_FOLDER = 'deduplication_logs';
const LOG_FILE = /^deduplication_log_([0-9]+)\.txt$/;
/** `1` for an insert, the part, the hash of the token. */
const INSERT_LINE = /^1\t([^\t]+)_([0-9]+)_[0-9]+_[0-9]+\t[^\t]+$/;
/** Far more than one interrupted insert leaves; older lines were looked at by earlier starts. */
const TAIL_BYTES = 4_096;

const TABLES_SQL = `SELECT t.data_paths[1] AS path,
    groupArrayIf(
      [p.partition_id, toString(p.min_block_number), toString(p.max_block_number)], p.active = 1
    ) AS parts
  FROM system.tables AS t
  LEFT JOIN system.parts AS p ON p.database = t.database AND p.table = t.name
  WHERE t.database = currentDatabase() AND t.engine LIKE '%MergeTree'
  GROUP BY path`;

/** Finds them among the latest inserts of each table, right after the engine loaded its parts. */
export async function findLostInserts(session: Session): Promise<LostInsert[]> {
  const tables = await session.queryAsync(TABLES_SQL, { format: 'JSONEachRow' });
  const lost: LostInsert[] = [];
  for (const line of tables.text().split('\n')) {
    if (line !== '') lost.push(...(await lostInsertsOf(JSON.parse(line) as Table)));
  }
  return lost;
}

async function lostInsertsOf(table: Table): Promise<LostInsert[]> {
  const lost: LostInsert[] = [];
  for (const logFile of await latestLogs(path.join(table.path, LOGS_FOLDER))) {
    for (const line of await lastLines(logFile)) {
      const [, partition, block] = INSERT_LINE.exec(line) ?? [];
      if (partition === undefined || block === undefined) continue;
      const isThere = table.parts.some(
        ([name, first, last]) =>
          name === partition && BigInt(first) <= BigInt(block) && BigInt(block) <= BigInt(last),
      );
      if (!isThere) lost.push({ logFile, line });
    }
  }
  return lost;
}

/** The last two: the engine starts a new one right after an insert filled one. */
async function latestLogs(folder: string): Promise<string[]> {
  const names = await fs.readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const numberOf = (name: string) => Number(LOG_FILE.exec(name)?.[1]);
  return names
    .filter((name) => LOG_FILE.test(name))
    .sort((a, b) => numberOf(a) - numberOf(b))
    .slice(-2)
    .map((name) => path.join(folder, name));
}

async function lastLines(file: string): Promise<string[]> {
  const handle = await fs.open(file);
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(TAIL_BYTES),
      position: start,
    });
    const lines = buffer.toString('latin1', 0, bytesRead).split('\n');
    return start === 0 ? lines : lines.slice(1);
  } finally {
    await handle.close();
  }
}

/** Makes the engine forget their tokens. It must hold no connection meanwhile. */
export async function forgetLostInserts(lost: readonly LostInsert[]): Promise<void> {
  await fs.mkdir(INBOX_FOLDER, { recursive: true, mode: 0o700 });
  for (const { logFile, line } of lost) {
    const text = await fs.readFile(logFile, 'latin1');
    // Not beside the log: the engine takes every file there for one of its own.
    const draft = path.join(INBOX_FOLDER, path.basename(logFile));
    await fs.writeFile(draft, text.replace(`${line}\n`, ''), { encoding: 'latin1', flush: true });
    await fs.rename(draft, logFile);
  }
}
