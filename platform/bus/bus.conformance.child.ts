import { writeSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import type { BusSubject } from './bus.conformance.ts';

/**
 * `once`: publishes one message and ends. `flood`: publishes pairs and reports each publication,
 * until it is killed or 100 000 are reached.
 */
const [module = '', location = '', mode = ''] = process.argv.slice(2);
const { subject } = (await import(module)) as { subject: BusSubject };
const bus = await subject.open({ location, clock: systemClock });
const place = { topic: 't', partition: 0, key: 'k', headers: {} };
if (mode === 'once') {
  await bus.publish([{ ...place, value: '0a' }]);
  writeSync(1, 'published\n');
} else {
  for (let i = 0; i < 100_000; i++) {
    await bus.publish(['a', 'b'].map((half) => ({ ...place, value: `${i}${half}` })));
    writeSync(1, `${i}\n`);
  }
}
await bus.close();
