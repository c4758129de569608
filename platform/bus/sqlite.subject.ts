import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { BusSubject } from './bus.conformance.ts';
import { openSqliteBus } from './sqlite.ts';

/** The SQLite bus for the conformance tests; a location is a temporary folder. */
export const subject: BusSubject = {
  name: 'SQLite bus',
  createLocation: () => fs.mkdtemp(path.join(os.tmpdir(), 'bus-')),
  removeLocation: (location) => fs.rm(location, { recursive: true }),
  open: ({ location, clock }) => openSqliteBus({ path: path.join(location, 'bus.sqlite'), clock }),
};
