import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openChdbWarehouse } from './chdb.ts';
import type { WarehouseSubject } from './warehouse.conformance.ts';

/** The chDB warehouse for the conformance tests; a location is a temporary folder. */
export const subject: WarehouseSubject = {
  name: 'chDB warehouse',
  createLocation: () => fs.mkdtemp(path.join(os.tmpdir(), "warehouse 'ü' [1-2] %20\\$~ ")),
  removeLocation: (location) => fs.rm(location, { recursive: true }),
  open: ({ location, clock }) => openChdbWarehouse({ path: path.join(location, 'w'), clock }),
};
