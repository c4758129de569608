import { DatabaseSync } from 'node:sqlite';

/** How long a statement waits for another process's lock. It blocks the event loop, so it is short. */
const BUSY_TIMEOUT_MS = 2000;

/**
 * Opens an SQLite file (made if missing, unless `readOnly`) with the settings that all our files
 * share: write-ahead log, and a commit returns only once it is on the disk.
 */
export function openSqliteFile(path: string, args: { readOnly: boolean }): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: args.readOnly, timeout: BUSY_TIMEOUT_MS });
  if (!args.readOnly) {
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
  }
  return database;
}

/**
 * Runs `work` in one write transaction: commits when it returns, rolls back when it throws. `work`
 * is synchronous, so nothing else can slip a statement in.
 */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite ends a transaction by itself after some failures (a full disk).
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
