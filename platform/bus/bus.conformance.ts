import { afterEach, expect, test } from 'vitest';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import { startTestChild } from '../testChild.ts';
import type { Bus, BusMessage, BusRecord } from './bus.ts';

/** An adapter under test. A child process imports it too, so it is a module that exports `subject`. */
export interface BusSubject {
  readonly name: string;
  /** A new bus without topics; `location` is all that `open` needs to find it. */
  createLocation(): Promise<string>;
  removeLocation(location: string): Promise<void>;
  open(args: { location: string; clock: Clock }): Promise<Bus>;
}

const PARTITIONS = 3;
/** A wait that a test never lets run out; the suite's own timeout is shorter. */
const LONG_WAIT_MS = 120_000;
/** Publications that the child has reported when it is killed, per round. */
const KILL_AFTER_PUBLICATIONS = [1, 5, 30];

/** Registers the tests that every bus passes. `module` exports the subject as `subject`. */
export function testBus(subject: BusSubject, module: URL): void {
  const cleanups: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function newLocation(): Promise<string> {
    const location = await subject.createLocation();
    cleanups.push(() => subject.removeLocation(location));
    return location;
  }

  async function openAt(location: string): Promise<Bus> {
    const bus = await subject.open({ location, clock: systemClock });
    cleanups.push(() => bus.close());
    await bus.ensureTopic('t', PARTITIONS);
    return bus;
  }

  function startPublisher(location: string, mode: 'flood' | 'once') {
    const child = startTestChild(new URL('./bus.conformance.child.ts', import.meta.url), [
      module.href,
      location,
      mode,
    ]);
    cleanups.push(async () => {
      await child.kill();
    });
    return child;
  }

  test(`${subject.name}: messages of a partition are read in the order of publication, whole`, async () => {
    const bus = await openAt(await newLocation());
    const records = Array.from({ length: 50 }, (_, i) =>
      record({ partition: i % 2, value: `${i}` }),
    );
    const startMs = Date.now();
    await bus.publish(records);
    for (const partition of [0, 1]) {
      const messages = await bus.read({ ...from(0), partition, max: 100 });
      const expected = records.filter((published) => published.partition === partition);
      expect(messages.map(({ timestampMs, ...rest }) => rest)).toEqual(
        expected.map((published, offset) => ({ ...published, offset })),
      );
      for (const { timestampMs } of messages) {
        expect(timestampMs).toBeGreaterThanOrEqual(startMs);
        expect(timestampMs).toBeLessThanOrEqual(Date.now());
      }
      expect(await bus.endOffset('t', partition)).toBe(25);
    }
    expect(await bus.endOffset('t', 2)).toBe(0);
  });

  test(`${subject.name}: concurrent publications keep the order of their calls`, async () => {
    const bus = await openAt(await newLocation());
    const values = Array.from({ length: 100 }, (_, i) => `${i}`);
    await Promise.all(values.map((value) => bus.publish([record({ value })])));
    expect(valuesOf(await bus.read({ ...from(0), max: 1000 }))).toEqual(values);
  });

  test(`${subject.name}: reads no more than max, and again from any offset`, async () => {
    const bus = await openAt(await newLocation());
    await bus.publish(Array.from({ length: 10 }, (_, i) => record({ value: `${i}` })));
    const offsets = async (offset: number, max: number) =>
      (await bus.read({ ...from(offset), max })).map((message) => message.offset);
    expect(await offsets(0, 4)).toEqual([0, 1, 2, 3]);
    expect(await offsets(4, 4)).toEqual([4, 5, 6, 7]);
    expect(await offsets(8, 4)).toEqual([8, 9]);
    expect(await offsets(0, 100)).toHaveLength(10);
  });

  test(`${subject.name}: topics do not see each other's messages`, async () => {
    const bus = await openAt(await newLocation());
    await bus.ensureTopic('other', 1);
    await bus.publish([record({ value: 'a' }), record({ topic: 'other', value: 'b' })]);
    expect(valuesOf(await bus.read(from(0)))).toEqual(['a']);
    expect(valuesOf(await bus.read({ ...from(0), topic: 'other' }))).toEqual(['b']);
  });

  test(`${subject.name}: an offset beyond the end or below 0 is out of range, the end is not`, async () => {
    const bus = await openAt(await newLocation());
    await bus.publish([record({ value: 'a' })]);
    expect(await bus.read(from(1))).toEqual([]);
    for (const offset of [2, -1]) {
      await expect(bus.read({ ...from(offset), waitMs: LONG_WAIT_MS })).rejects.toMatchObject({
        code: 'BUS_OFFSET_OUT_OF_RANGE',
        errorClass: 'fatal',
      });
    }
  });

  test(`${subject.name}: a waiting read wakes when its partition gets a message`, async () => {
    const bus = await openAt(await newLocation());
    let woken = false;
    const waiting = bus.read({ ...from(0), waitMs: LONG_WAIT_MS });
    void waiting.then(() => {
      woken = true;
    });
    await bus.publish([record({ partition: 1, value: 'elsewhere' })]);
    await bus.read({ ...from(1), partition: 1, waitMs: 300 });
    expect(woken).toBe(false);
    await bus.publish([record({ value: 'here' })]);
    expect(valuesOf(await waiting)).toEqual(['here']);
  });

  test(`${subject.name}: a waiting read sees what another process publishes`, async () => {
    const location = await newLocation();
    const bus = await openAt(location);
    const waiting = bus.read({ ...from(0), waitMs: LONG_WAIT_MS });
    await startPublisher(location, 'once').nextLine();
    expect(valuesOf(await waiting)).toEqual(['0a']);
  });

  test(`${subject.name}: a read without messages ends after its wait`, async () => {
    const bus = await openAt(await newLocation());
    const startMs = Date.now();
    expect(await bus.read({ ...from(0), waitMs: 50 })).toEqual([]);
    // Timers may fire a millisecond early.
    expect(Date.now() - startMs).toBeGreaterThanOrEqual(45);
  });

  test(`${subject.name}: an aborted read answers nothing at once`, async () => {
    const bus = await openAt(await newLocation());
    const abort = new AbortController();
    const waiting = bus.read({ ...from(0), waitMs: LONG_WAIT_MS, signal: abort.signal });
    await bus.read({ ...from(0), partition: 1, waitMs: 50 });
    abort.abort();
    expect(await waiting).toEqual([]);
    const late = bus.read({ ...from(0), waitMs: LONG_WAIT_MS, signal: abort.signal });
    expect(await late).toEqual([]);
  });

  test(`${subject.name}: closing ends waiting reads, and later calls are refused`, async () => {
    const bus = await openAt(await newLocation());
    const waiting = bus.read({ ...from(0), waitMs: LONG_WAIT_MS });
    await bus.read({ ...from(0), partition: 1, waitMs: 50 });
    await bus.close();
    expect(await waiting).toEqual([]);
    await expect(bus.publish([record({ value: 'a' })])).rejects.toMatchObject({
      code: 'BUS_CLOSED',
      errorClass: 'retryable',
    });
  });

  test(`${subject.name}: after a restart all is read from offset 0, and offsets go on`, async () => {
    const location = await newLocation();
    const first = await openAt(location);
    await first.publish([record({ value: 'a' }), record({ value: 'b' })]);
    const before = await first.read(from(0));
    await first.close();
    const second = await openAt(location);
    expect(await second.read(from(0))).toEqual(before);
    await second.publish([record({ value: 'c' })]);
    expect(valuesOf(await second.read(from(0)))).toEqual(['a', 'b', 'c']);
  });

  test(`${subject.name}: refuses another number of partitions, an unknown topic and an unknown partition`, async () => {
    const bus = await openAt(await newLocation());
    await expect(bus.ensureTopic('t', PARTITIONS + 1)).rejects.toMatchObject({
      code: 'BUS_PARTITIONS_DIFFER',
      errorClass: 'fatal',
    });
    const unknown = [{ topic: 'nowhere' }, { partition: PARTITIONS }, { partition: -1 }];
    for (const place of unknown) {
      const records = [record({ value: 'a' }), record({ value: 'b', ...place })];
      await expect(bus.publish(records)).rejects.toMatchObject({
        code: 'BUS_TOPIC_UNKNOWN',
        errorClass: 'fatal',
      });
      await expect(bus.read({ ...from(0), ...place })).rejects.toMatchObject({
        code: 'BUS_TOPIC_UNKNOWN',
      });
    }
    expect(await bus.endOffset('t', 0)).toBe(0);
  });

  test(`${subject.name}: timers fire while a consumer catches up`, async () => {
    const bus = await openAt(await newLocation());
    await bus.publish([record({ value: 'a' })]);
    let fired = false;
    setTimeout(() => {
      fired = true;
    }, 1);
    for (let reads = 0; reads < 100_000 && !fired; reads++) await bus.read(from(0));
    expect(fired).toBe(true);
  });

  test(`${subject.name}: every publication that a killed process reported is there, in order and without gaps`, async () => {
    const location = await newLocation();
    const bus = await openAt(location);
    for (const publications of KILL_AFTER_PUBLICATIONS) {
      const start = await bus.endOffset('t', 0);
      const child = startPublisher(location, 'flood');
      const reported: string[] = [];
      while (reported.length < publications) reported.push(await child.nextLine());
      reported.push(...(await child.kill()));
      const messages = await bus.read({ ...from(start), max: 1_000_000 });
      // A publication of the child is the values `ia` and `ib`.
      const sent = messages.map((_, i) => `${i >> 1}${i % 2 === 0 ? 'a' : 'b'}`);
      expect(valuesOf(messages)).toEqual(sent);
      expect(messages.map((message) => message.offset)).toEqual(messages.map((_, i) => start + i));
      expect(messages.length).toBeGreaterThanOrEqual(reported.length * 2);
    }
  });
}

function record(parts: Partial<BusRecord>): BusRecord {
  return {
    topic: 't',
    partition: 0,
    key: '0xkey',
    value: '',
    headers: { id: '1', type: 'a "quoted" ü' },
    ...parts,
  };
}

function from(offset: number) {
  return { topic: 't', partition: 0, offset, max: 100, waitMs: 0 };
}

function valuesOf(messages: readonly BusMessage[]): string[] {
  return messages.map((message) => message.value);
}
