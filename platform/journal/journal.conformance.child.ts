import { writeSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import type { ConformanceDatabase, JournalSubject } from './journal.conformance.ts';

/** Commits pairs of rows and reports each commit, until it is killed or 100 000 are reached. */
const [module = '', location = ''] = process.argv.slice(2);
const { subject } = (await import(module)) as { subject: JournalSubject };
const journal = await subject.open<ConformanceDatabase>({
  location,
  migrations: subject.migrations,
  clock: systemClock,
});
const { first } = await journal.read
  .selectFrom('sample')
  .select((row) => row.fn.countAll<number>().as('first'))
  .executeTakeFirstOrThrow();
for (let id = first; id < 200_000; id += 2) {
  await journal.transaction(async (tx) => {
    const row = { bytes: null, amount: '1', at_ms: 0 };
    await tx
      .insertInto('sample')
      .values({ id, ...row })
      .execute();
    await tx
      .insertInto('sample')
      .values({ id: id + 1, ...row })
      .execute();
  });
  writeSync(1, `${id}\n`);
}
await journal.close();
