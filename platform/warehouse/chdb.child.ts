import { execFileSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import { subject } from './chdb.subject.ts';
import { NOTES } from './warehouse.conformance.ts';

/** Opens a warehouse, says `its own pid, the engine's pid`, and waits until it is killed. */
const [location = ''] = process.argv.slice(2);
const warehouse = await subject.open({ location, clock: systemClock });
await warehouse.ensureTable(NOTES);
await warehouse.insert({
  table: NOTES,
  rows: [{ n: 1, note: '1' }],
  deduplicationToken: 'note:1',
});
const engine = execFileSync('pgrep', ['-P', `${process.pid}`, '-f', 'chdbChild'], {
  encoding: 'utf8',
});
writeSync(1, `${process.pid} ${engine.trim()}\n`);
