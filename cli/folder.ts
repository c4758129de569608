import { join } from 'node:path';
import { createLocalSigner, type Signer } from '../executor/signer.ts';
import type { LedgerContext } from '../ledger/ledger.ts';
import { ledgerMigrations } from '../ledger/migrations.ts';
import type { LedgerDatabase } from '../ledger/schema.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { openSqliteBus } from '../platform/bus/sqlite.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { createMemoryCache } from '../platform/cache/memory.ts';
import { systemClock } from '../platform/clock.ts';
import { type Crash, noCrash } from '../platform/crash.ts';
import { openSqliteJournal } from '../platform/journal/sqlite.ts';
import { openChdbWarehouse } from '../platform/warehouse/chdb.ts';
import type { Warehouse } from '../platform/warehouse/warehouse.ts';
import { type Keys, loadKeys } from './keys.ts';
import { createOperations, type Operations } from './operations.ts';

/** About a kilobyte each. */
const CACHED_KEYS_MAX = 20_000;

/** A data folder's embedded adapters, open. Its lock is held by the caller. */
export interface Folder {
  readonly keys: Keys;
  readonly ledger: LedgerContext;
  readonly bus: Bus;
  readonly cache: Cache;
  readonly warehouse: Warehouse;
  /** The executor's. */
  readonly signer: Signer;
  readonly operations: Operations;
  close(): Promise<void>;
}

/** Opens journal, bus and warehouse of the folder, and makes what is missing. */
export async function openFolder(dataFolder: string, crash: Crash = noCrash): Promise<Folder> {
  const keys = loadKeys(dataFolder);
  const clock = systemClock;
  const journal = await openSqliteJournal<LedgerDatabase>({
    path: join(dataFolder, 'ledger.sqlite'),
    migrations: ledgerMigrations,
    clock,
  });
  const bus = await openSqliteBus({ path: join(dataFolder, 'bus.sqlite'), clock });
  const warehouse = await openChdbWarehouse({ path: join(dataFolder, 'warehouse'), clock });
  const ledger: LedgerContext = { journal, clock, crash, refKey: keys.refKey };
  return {
    keys,
    ledger,
    bus,
    cache: createMemoryCache({ clock, maxKeys: CACHED_KEYS_MAX }),
    warehouse,
    signer: createLocalSigner(keys.executorKey),
    operations: createOperations({ ledger, warehouse }),
    close: async () => {
      await warehouse.close();
      await bus.close();
      await journal.close();
    },
  };
}
