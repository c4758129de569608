import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import { startTestChild } from '../testChild.ts';
import type { Journal, Migration } from './journal.ts';

/** The tables that a subject's migrations make. */
export interface ConformanceDatabase {
  /** One row per name; `value` is a decimal string. */
  counter: { name: string; value: string };
  /** `id` INTEGER key, `bytes` BLOB or NULL, `amount` text, `at_ms` integer. */
  sample: { id: number; bytes: Uint8Array | null; amount: string; at_ms: number };
}

/** An adapter under test. A child process imports it too, so it is a module that exports `subject`. */
export interface JournalSubject {
  readonly name: string;
  /** A new empty database; `location` is all that `open` needs to find it. */
  createLocation(): Promise<string>;
  removeLocation(location: string): Promise<void>;
  open<DB>(args: {
    location: string;
    migrations: readonly Migration[];
    clock: Clock;
  }): Promise<Journal<DB>>;
  /** Makes the tables of `ConformanceDatabase`. */
  readonly migrations: readonly Migration[];
}

const CONCURRENT_TRANSACTIONS = 100;
/** Commits that the child has reported when it is killed, per round. */
const KILL_AFTER_COMMITS = [1, 7, 40];

/** Registers the tests that every journal passes. `module` exports the subject as `subject`. */
export function testJournal(subject: JournalSubject, module: URL): void {
  const cleanups: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function newLocation(): Promise<string> {
    const location = await subject.createLocation();
    cleanups.push(() => subject.removeLocation(location));
    return location;
  }

  async function openAt(location: string, migrations = subject.migrations) {
    const journal = await subject.open<ConformanceDatabase>({
      location,
      migrations,
      clock: systemClock,
    });
    cleanups.push(() => journal.close());
    return journal;
  }

  async function readCounter(journal: Journal<ConformanceDatabase>, name: string) {
    const row = await journal.read
      .selectFrom('counter')
      .select('value')
      .where('name', '=', name)
      .executeTakeFirst();
    return row?.value;
  }

  test(`${subject.name}: a transaction answers what its work returned, and its writes are read`, async () => {
    const journal = await openAt(await newLocation());
    const answer = await journal.transaction(async (tx) => {
      await tx.insertInto('counter').values({ name: 'a', value: '1' }).execute();
      return 'done';
    });
    expect(answer).toBe('done');
    expect(await readCounter(journal, 'a')).toBe('1');
  });

  test(`${subject.name}: work that throws leaves nothing, and the next transaction works`, async () => {
    const journal = await openAt(await newLocation());
    const failure = new Error('no');
    await expect(
      journal.transaction(async (tx) => {
        await tx.insertInto('counter').values({ name: 'a', value: '1' }).execute();
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(await readCounter(journal, 'a')).toBeUndefined();
    await journal.transaction((tx) =>
      tx.insertInto('counter').values({ name: 'a', value: '2' }).execute(),
    );
    expect(await readCounter(journal, 'a')).toBe('2');
  });

  test(`${subject.name}: a statement that fails rolls the whole transaction back`, async () => {
    const journal = await openAt(await newLocation());
    await expect(
      journal.transaction(async (tx) => {
        await tx.insertInto('counter').values({ name: 'a', value: '1' }).execute();
        await tx.insertInto('counter').values({ name: 'a', value: '2' }).execute();
      }),
    ).rejects.toThrow();
    expect(await readCounter(journal, 'a')).toBeUndefined();
  });

  test(`${subject.name}: read sees nothing of a transaction before its commit`, async () => {
    const journal = await openAt(await newLocation());
    await journal.transaction(async (tx) => {
      await tx.insertInto('counter').values({ name: 'a', value: '1' }).execute();
      expect(await readCounter(journal, 'a')).toBeUndefined();
      const own = await tx.selectFrom('counter').selectAll().execute();
      expect(own).toEqual([{ name: 'a', value: '1' }]);
    });
    expect(await readCounter(journal, 'a')).toBe('1');
  });

  test(`${subject.name}: a read transaction keeps its view while others commit`, async () => {
    const journal = await openAt(await newLocation());
    await journal.transaction((tx) =>
      tx.insertInto('counter').values({ name: 'a', value: '1' }).execute(),
    );
    await journal.read
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (view) => {
        const select = view.selectFrom('counter').select('value');
        expect(await select.execute()).toEqual([{ value: '1' }]);
        await journal.transaction((tx) => tx.updateTable('counter').set({ value: '2' }).execute());
        expect(await select.execute()).toEqual([{ value: '1' }]);
      });
    expect(await readCounter(journal, 'a')).toBe('2');
  });

  test(`${subject.name}: ${CONCURRENT_TRANSACTIONS} concurrent read-modify-writes lose no update and run in order`, async () => {
    const journal = await openAt(await newLocation());
    await journal.transaction((tx) =>
      tx.insertInto('counter').values({ name: 'a', value: '0' }).execute(),
    );
    const seen: bigint[] = [];
    await Promise.all(
      Array.from({ length: CONCURRENT_TRANSACTIONS }, () =>
        journal.transaction(async (tx) => {
          const row = await journal
            .lockRows(tx.selectFrom('counter').selectAll().where('name', '=', 'a'))
            .executeTakeFirstOrThrow();
          seen.push(BigInt(row.value));
          await tx
            .updateTable('counter')
            .set({ value: (BigInt(row.value) + 1n).toString() })
            .where('name', '=', 'a')
            .execute();
        }),
      ),
    );
    expect(await readCounter(journal, 'a')).toBe(String(CONCURRENT_TRANSACTIONS));
    expect(seen).toEqual(Array.from({ length: CONCURRENT_TRANSACTIONS }, (_, i) => BigInt(i)));
  });

  test(`${subject.name}: failing transactions among 100 concurrent ones do not touch the others`, async () => {
    const journal = await openAt(await newLocation());
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, id) =>
        journal.transaction(async (tx) => {
          await tx
            .insertInto('sample')
            .values({ id, bytes: null, amount: '0', at_ms: id })
            .execute();
          if (id % 3 === 0) throw new Error(`refused ${id}`);
        }),
      ),
    );
    const rows = await journal.read.selectFrom('sample').select('id').orderBy('id').execute();
    const committed = results.flatMap((result, id) => (result.status === 'fulfilled' ? [id] : []));
    expect(rows.map((row) => row.id)).toEqual(committed);
    expect(committed).toHaveLength(66);
  });

  test(`${subject.name}: timers fire while a loop of transactions runs`, async () => {
    const journal = await openAt(await newLocation());
    let fired = false;
    setTimeout(() => {
      fired = true;
    }, 1);
    for (let id = 0; id < 10_000 && !fired; id++) {
      await journal.transaction((tx) =>
        tx.insertInto('sample').values({ id, bytes: null, amount: '0', at_ms: id }).execute(),
      );
    }
    expect(fired).toBe(true);
  });

  test(`${subject.name}: keeps bytes, long decimal strings, large integers, NULL and foreign text`, async () => {
    const journal = await openAt(await newLocation());
    const rows = [
      {
        id: 1,
        bytes: Uint8Array.of(0, 255, 39, 0),
        amount: (2n ** 96n - 1n).toString(),
        at_ms: Number.MAX_SAFE_INTEGER,
      },
      { id: 2, bytes: null, amount: `'; DROP TABLE sample; -- "ü\u0001💥`, at_ms: 0 },
    ];
    await journal.transaction((tx) => tx.insertInto('sample').values(rows).execute());
    const stored = await journal.read.selectFrom('sample').selectAll().orderBy('id').execute();
    expect(
      stored.map((row) => ({ ...row, bytes: row.bytes && Uint8Array.from(row.bytes) })),
    ).toEqual(rows);
    const found = await journal.read
      .selectFrom('sample')
      .select('id')
      .where('bytes', '=', Uint8Array.of(0, 255, 39, 0))
      .execute();
    expect(found).toEqual([{ id: 1 }]);
  });

  test(`${subject.name}: an update tells how many rows it changed`, async () => {
    const journal = await openAt(await newLocation());
    const [hit, miss] = await journal.transaction(async (tx) => {
      await tx.insertInto('counter').values({ name: 'a', value: '1' }).execute();
      const update = tx.updateTable('counter').set({ value: '2' });
      return [
        await update.where('name', '=', 'a').executeTakeFirstOrThrow(),
        await update.where('name', '=', 'b').executeTakeFirstOrThrow(),
      ] as const;
    });
    expect(hit.numUpdatedRows).toBe(1n);
    expect(miss.numUpdatedRows).toBe(0n);
  });

  test(`${subject.name}: committed rows are there after close and open`, async () => {
    const location = await newLocation();
    const first = await openAt(location);
    await first.transaction((tx) =>
      tx.insertInto('counter').values({ name: 'a', value: '1' }).execute(),
    );
    await first.close();
    expect(await readCounter(await openAt(location), 'a')).toBe('1');
  });

  test(`${subject.name}: close waits for what runs and refuses what comes after`, async () => {
    const location = await newLocation();
    const journal = await openAt(location);
    const running = Array.from({ length: 5 }, (_, id) =>
      journal.transaction((tx) =>
        tx.insertInto('sample').values({ id, bytes: null, amount: '0', at_ms: 0 }).execute(),
      ),
    );
    const closed = journal.close();
    await expect(journal.transaction(async () => {})).rejects.toMatchObject({
      code: 'JOURNAL_CLOSED',
      errorClass: 'retryable',
    });
    await Promise.all([...running, closed]);
    const reopened = await openAt(location);
    expect(await reopened.read.selectFrom('sample').selectAll().execute()).toHaveLength(5);
  });

  test(`${subject.name}: applies new migrations once and keeps the rows`, async () => {
    const location = await newLocation();
    const first = await openAt(location);
    await first.transaction((tx) =>
      tx.insertInto('counter').values({ name: 'a', value: '1' }).execute(),
    );
    await first.close();
    const added = { name: '9999_rename', sql: ['ALTER TABLE sample RENAME TO renamed'] };
    await (await openAt(location, [...subject.migrations, added])).close();
    const again = await openAt(location, [...subject.migrations, added]);
    expect(await readCounter(again, 'a')).toBe('1');
    const count = await sql<{ rows: number }>`SELECT COUNT(*) AS "rows" FROM renamed`.execute(
      again.read,
    );
    expect(count.rows).toEqual([{ rows: 0 }]);
  });

  test(`${subject.name}: refuses a database of a newer version`, async () => {
    const location = await newLocation();
    const newer = { name: '9999_newer', sql: ['CREATE TABLE newer (id INTEGER)'] };
    await (await openAt(location, [...subject.migrations, newer])).close();
    await expect(openAt(location)).rejects.toMatchObject({
      code: 'JOURNAL_SCHEMA_NEWER',
      errorClass: 'fatal',
    });
  });

  test(`${subject.name}: every commit that a killed process reported is there, and no half of one`, async () => {
    const location = await newLocation();
    let expectedFrom = 0;
    for (const commits of KILL_AFTER_COMMITS) {
      const child = startTestChild(new URL('./journal.conformance.child.ts', import.meta.url), [
        module.href,
        location,
      ]);
      const reported: string[] = [];
      while (reported.length < commits) reported.push(await child.nextLine());
      reported.push(...(await child.kill()));
      const journal = await openAt(location);
      const rows = await journal.read.selectFrom('sample').select('id').orderBy('id').execute();
      // A transaction of the child writes two rows: the ids 2i and 2i + 1.
      expect(rows.length % 2).toBe(0);
      expect(rows.map((row) => row.id)).toEqual(rows.map((_, index) => index));
      expect(rows.length / 2).toBeGreaterThanOrEqual(expectedFrom + reported.length);
      expectedFrom = rows.length / 2;
      await journal.close();
    }
  });
}
