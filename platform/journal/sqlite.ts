import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Kysely, type Transaction } from 'kysely';
import type { Clock } from '../clock.ts';
import { CroupierError } from '../errors.ts';
import { inTransaction, openSqliteFile } from '../sqlite.ts';
import type { Journal, Migration } from './journal.ts';
import { createNodeSqliteDialect } from './nodeSqliteDialect.ts';

/** Transactions that wait for their turn. Beyond this the caller is told to come back later. */
const MAX_QUEUED = 10_000;

/**
 * Opens the journal in the SQLite file `path` (made if missing) and applies the migrations it lacks,
 * all or none. One connection writes, behind a fair queue; `read` has a second, read-only one.
 *
 * Integers outside the safe range make a query fail rather than lose digits.
 *
 * @throws CroupierError `JOURNAL_SCHEMA_NEWER` (fatal) when the file has migrations that the list
 * lacks, `JOURNAL_MIGRATIONS_DIFFER` (fatal) when they were applied in another order.
 * `transaction` throws `JOURNAL_BUSY` (retryable) when too many wait, `JOURNAL_CLOSED` (retryable).
 */
export async function openSqliteJournal<DB>(args: {
  path: string;
  migrations: readonly Migration[];
  clock: Clock;
}): Promise<Journal<DB>> {
  const writer = openSqliteFile(args.path, { readOnly: false });
  try {
    migrate(writer, args);
  } catch (error) {
    writer.close();
    throw error;
  }
  const reader = openSqliteFile(args.path, { readOnly: true });
  const write = new Kysely<DB>({
    dialect: createNodeSqliteDialect({ database: writer, begin: 'BEGIN IMMEDIATE' }),
  });
  const read = new Kysely<DB>({
    dialect: createNodeSqliteDialect({ database: reader, begin: 'BEGIN' }),
  });

  let closing: Promise<void> | undefined;
  let queued = 0;
  let last: Promise<unknown> = Promise.resolve();

  async function transaction<T>(work: (tx: Transaction<DB>) => Promise<T>): Promise<T> {
    if (closing) {
      throw new CroupierError({
        code: 'JOURNAL_CLOSED',
        errorClass: 'retryable',
        message: 'got a transaction on a closed journal, expected an open one',
      });
    }
    if (queued >= MAX_QUEUED) {
      throw new CroupierError({
        code: 'JOURNAL_BUSY',
        errorClass: 'retryable',
        message: `got a transaction behind ${queued} others, expected at most ${MAX_QUEUED}`,
      });
    }
    queued += 1;
    const turn = last.then(async () => {
      try {
        return await write.transaction().execute(work);
      } finally {
        queued -= 1;
        // SQLite answers without leaving the thread: without this, a loop of transactions would
        // keep sockets and timers from ever being served.
        await nextTurn();
      }
    });
    last = turn.catch(() => {});
    return turn;
  }

  async function close(): Promise<void> {
    closing ??= last.then(async () => {
      await read.destroy();
      await write.destroy();
      reader.close();
      writer.close();
    });
    return closing;
  }

  return { read, transaction, lockRows: (query) => query, close };
}

function migrate(
  database: DatabaseSync,
  args: { path: string; migrations: readonly Migration[]; clock: Clock },
): void {
  const names = args.migrations.map((migration) => migration.name);
  inTransaction(database, () => {
    database.exec(
      'CREATE TABLE IF NOT EXISTS migration (step INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, applied_ms INTEGER NOT NULL) STRICT',
    );
    const applied = database
      .prepare('SELECT name FROM migration ORDER BY step')
      .all()
      .map((row) => String(row.name));
    const unknown = applied.filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      throw new CroupierError({
        code: 'JOURNAL_SCHEMA_NEWER',
        errorClass: 'fatal',
        message: `got a database with the migrations ${unknown.join(', ')}, expected none after ${names.at(-1) ?? 'the empty schema'}: ${args.path} was written by a newer version`,
        details: { path: args.path },
      });
    }
    if (applied.some((name, index) => name !== names[index])) {
      throw new CroupierError({
        code: 'JOURNAL_MIGRATIONS_DIFFER',
        errorClass: 'fatal',
        message: `got a database migrated by ${applied.join(', ')}, expected ${names.slice(0, applied.length).join(', ')}`,
        details: { path: args.path },
      });
    }
    const note = database.prepare('INSERT INTO migration (name, applied_ms) VALUES (?, ?)');
    for (const migration of args.migrations.slice(applied.length)) {
      for (const statement of migration.sql) database.exec(statement);
      note.run(migration.name, args.clock.nowMs());
    }
  });
}
