import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { testJournal } from './journal.conformance.ts';
import { subject } from './sqlite.subject.ts';
import { openSqliteJournal } from './sqlite.ts';

testJournal(subject, new URL('./sqlite.subject.ts', import.meta.url));

interface Database {
  number: { id: number; value: string | number };
}

const table = {
  name: '0001_number',
  sql: ['CREATE TABLE number (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT'],
};

async function temporaryPath(): Promise<string> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'journal-'));
  onTestFinished(() => fs.rm(folder, { recursive: true }));
  return path.join(folder, 'journal.sqlite');
}

async function open(file: string, migrations = [table]) {
  const journal = await openSqliteJournal<Database>({ path: file, migrations, clock: systemClock });
  onTestFinished(() => journal.close());
  return journal;
}

test('SQLite journal: an integer that a number cannot hold fails instead of losing digits', async () => {
  const journal = await open(await temporaryPath());
  await journal.transaction((tx) =>
    tx
      .insertInto('number')
      .values({ id: 1, value: (2n ** 53n) as unknown as number })
      .execute(),
  );
  await expect(journal.read.selectFrom('number').selectAll().execute()).rejects.toThrow(
    /too large/,
  );
});

test('SQLite journal: read cannot write', async () => {
  const journal = await open(await temporaryPath());
  await expect(
    journal.read.insertInto('number').values({ id: 1, value: 1 }).execute(),
  ).rejects.toThrow(/readonly/);
});

test('SQLite journal: a migration that fails leaves the schema as it was', async () => {
  const file = await temporaryPath();
  const half = { name: '0002_half', sql: ['CREATE TABLE half (id INTEGER) STRICT', 'NOT SQL'] };
  await expect(open(file, [table, half])).rejects.toThrow(/syntax error/);
  const repaired = { name: '0002_half', sql: ['CREATE TABLE half (id INTEGER) STRICT'] };
  const journal = await open(file, [table, repaired]);
  expect(await journal.read.selectFrom('number').selectAll().execute()).toEqual([]);
});

test('SQLite journal: refuses migrations in another order than they were applied', async () => {
  const file = await temporaryPath();
  await (await open(file)).close();
  const earlier = { name: '0000_earlier', sql: ['CREATE TABLE earlier (id INTEGER) STRICT'] };
  await expect(open(file, [earlier, table])).rejects.toMatchObject({
    code: 'JOURNAL_MIGRATIONS_DIFFER',
    errorClass: 'fatal',
  });
});

test('SQLite journal: more statements than its cache holds all run', async () => {
  const journal = await open(await temporaryPath());
  await journal.transaction(async (tx) => {
    for (let count = 1, id = 0; count <= 300; count++) {
      const rows = Array.from({ length: count }, () => ({ id: id++, value: count }));
      await tx.insertInto('number').values(rows).execute();
    }
  });
  const { rows } = await journal.read
    .selectFrom('number')
    .select((row) => row.fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow();
  expect(rows).toBe((300 * 301) / 2);
});
