import { expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { testCache } from './cache.conformance.ts';
import { createMemoryCache } from './memory.ts';

testCache({
  name: 'memory cache',
  open: async () => createMemoryCache({ clock: systemClock, maxKeys: 100 }),
});

const TTL_MS = 1_000;

function openWith(maxKeys: number) {
  const time = { nowMs: 5_000 };
  const clock = { ...systemClock, nowMs: () => time.nowMs };
  const cache = createMemoryCache({ clock, maxKeys });
  const set = (key: string, version = 1) =>
    cache.setIfNewer({ key, version, value: `${key}${version}`, ttlMs: TTL_MS });
  return { time, cache, set };
}

test('memory cache: a value expires by the clock, and a set that is refused does not prolong it', async () => {
  const { time, cache, set } = openWith(10);
  await set('a', 2);
  time.nowMs += TTL_MS - 1;
  await set('a', 2);
  expect(await cache.get('a')).toBe('a2');
  time.nowMs += 1;
  expect(await cache.get('a')).toBeUndefined();
});

test('memory cache: beyond its bound the key that was set the longest ago is forgotten', async () => {
  const { cache, set } = openWith(3);
  for (const key of ['a', 'b', 'c']) await set(key);
  await set('a', 2);
  await set('d');
  const found = await Promise.all(['a', 'b', 'c', 'd'].map((key) => cache.get(key)));
  expect(found).toEqual(['a2', undefined, 'c1', 'd1']);
});
