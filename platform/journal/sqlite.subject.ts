import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { JournalSubject } from './journal.conformance.ts';
import { openSqliteJournal } from './sqlite.ts';

/** The SQLite journal for the conformance tests; a location is a temporary folder. */
export const subject: JournalSubject = {
  name: 'SQLite journal',
  createLocation: () => fs.mkdtemp(path.join(os.tmpdir(), 'journal-')),
  removeLocation: (location) => fs.rm(location, { recursive: true }),
  open: ({ location, migrations, clock }) =>
    openSqliteJournal({ path: path.join(location, 'journal.sqlite'), migrations, clock }),
  migrations: [
    {
      name: '0001_counter',
      sql: ['CREATE TABLE counter (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT'],
    },
    {
      name: '0002_sample',
      sql: [
        'CREATE TABLE sample (id INTEGER PRIMARY KEY, bytes BLOB, amount TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT',
        'CREATE INDEX sample_at ON sample (at_ms)',
      ],
    },
  ],
};
