import { expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock } from '../clock.ts';
import { testBus } from './bus.conformance.ts';
import { subject } from './sqlite.subject.ts';

testBus(subject, new URL('./sqlite.subject.ts', import.meta.url));

async function openWith(clock: Clock) {
  const location = await subject.createLocation();
  const bus = await subject.open({ location, clock });
  onTestFinished(async () => {
    await bus.close();
    await subject.removeLocation(location);
  });
  await bus.ensureTopic('t', 1);
  return bus;
}

const place = { topic: 't', partition: 0 };

test('SQLite bus: a waiting read takes its time from the clock and sleeps between looks', async () => {
  let nowMs = 1_000_000;
  const sleptMs: number[] = [];
  const bus = await openWith({
    nowMs: () => nowMs,
    sleep: async (durationMs) => {
      sleptMs.push(durationMs);
      nowMs += durationMs;
    },
  });
  expect(await bus.read({ ...place, offset: 0, max: 1, waitMs: 500 })).toEqual([]);
  expect(sleptMs).toEqual([200, 200, 100]);
});

test('SQLite bus: the time of a message is the clock at its publication', async () => {
  const bus = await openWith({ ...systemClock, nowMs: () => 123 });
  await bus.publish([{ ...place, key: 'k', value: 'v', headers: {} }]);
  const [message] = await bus.read({ ...place, offset: 0, max: 1, waitMs: 0 });
  expect(message?.timestampMs).toBe(123);
});

/** A clock that stands still: only the signal ends its sleep. `asleep` resolves when it began. */
function createSleepyClock() {
  const { promise: asleep, resolve } = Promise.withResolvers<void>();
  const clock: Clock = {
    nowMs: () => 0,
    sleep: (_durationMs, signal) => {
      resolve();
      return new Promise((wake) => signal?.addEventListener('abort', () => wake()));
    },
  };
  return { clock, asleep };
}

test('SQLite bus: a publication wakes a sleeping read', async () => {
  const { clock, asleep } = createSleepyClock();
  const bus = await openWith(clock);
  const waiting = bus.read({ ...place, offset: 0, max: 1, waitMs: 1 });
  await asleep;
  await bus.publish([{ ...place, key: 'k', value: 'v', headers: {} }]);
  expect(await waiting).toHaveLength(1);
});

test('SQLite bus: an abort wakes a sleeping read', async () => {
  const { clock, asleep } = createSleepyClock();
  const bus = await openWith(clock);
  const abort = new AbortController();
  const waiting = bus.read({ ...place, offset: 0, max: 1, waitMs: 1, signal: abort.signal });
  await asleep;
  abort.abort();
  expect(await waiting).toEqual([]);
});

test('SQLite bus: closing wakes a sleeping read', async () => {
  const { clock, asleep } = createSleepyClock();
  const bus = await openWith(clock);
  const waiting = bus.read({ ...place, offset: 0, max: 1, waitMs: 1 });
  await asleep;
  await bus.close();
  expect(await waiting).toEqual([]);
});
