import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cache } from './cache.ts';

/** An adapter under test. */
export interface CacheSubject {
  readonly name: string;
  /** An empty cache on the system's clock, with room for a hundred keys at least. */
  open(): Promise<Cache>;
}

const SEED = Number(process.env.CROUPIER_TEST_SEED ?? Date.now() % 2 ** 31);
/** A time to live that no test outlasts. */
const LONG_MS = 120_000;

/** Registers the tests that every cache passes. */
export function testCache(subject: CacheSubject): void {
  test(`${subject.name}: a value is read as it was set, and no other key's`, async () => {
    const cache = await subject.open();
    expect(await cache.get('a')).toBeUndefined();
    await cache.setIfNewer({ key: 'a', version: 0, value: '', ttlMs: LONG_MS });
    await cache.setIfNewer({ key: 'a:ü "b"', version: 7, value: '{"ü":\n1}', ttlMs: LONG_MS });
    expect(await cache.get('a')).toBe('');
    expect(await cache.get('a:ü "b"')).toBe('{"ü":\n1}');
    expect(await cache.get('a:ü')).toBeUndefined();
  });

  test(`${subject.name}: a newer version replaces, an equal or older one does not`, async () => {
    const cache = await subject.open();
    const set = (version: number, value: string) =>
      cache.setIfNewer({ key: 'k', version, value, ttlMs: LONG_MS });
    await set(9, 'nine');
    await set(9, 'nine again');
    // As texts they would stand the other way round.
    await set(10, 'ten');
    expect(await cache.get('k')).toBe('ten');
    await set(9, 'late');
    expect(await cache.get('k')).toBe('ten');
    await set(2 ** 53 - 1, 'highest');
    await set(2 ** 53 - 2, 'one below');
    expect(await cache.get('k')).toBe('highest');
  });

  test(`${subject.name}: an expired value is gone and holds no older version back`, async () => {
    const cache = await subject.open();
    await cache.setIfNewer({ key: 'k', version: 5, value: 'five', ttlMs: 500 });
    await cache.setIfNewer({ key: 'k', version: 5, value: 'five', ttlMs: LONG_MS });
    await cache.setIfNewer({ key: 'k', version: 4, value: 'four', ttlMs: LONG_MS });
    await expect.poll(() => cache.get('k'), { timeout: 5_000 }).toBeUndefined();
    await cache.setIfNewer({ key: 'k', version: 1, value: 'one', ttlMs: LONG_MS });
    expect(await cache.get('k')).toBe('one');
  });

  test(`${subject.name}: sets in any order, one by one or at once, end with the newest of each key (seed ${SEED})`, async () => {
    const anySet = fc.record({ key: fc.constantFrom('a', 'b'), version: fc.nat(12) });
    await fc.assert(
      fc.asyncProperty(fc.array(anySet), fc.boolean(), async (sets, atOnce) => {
        const cache = await subject.open();
        const newest = new Map<string, number>();
        const pending: Promise<void>[] = [];
        for (const { key, version } of sets) {
          newest.set(key, Math.max(newest.get(key) ?? 0, version));
          pending.push(cache.setIfNewer({ key, version, value: `${version}`, ttlMs: LONG_MS }));
          if (atOnce) continue;
          await pending.at(-1);
          expect(await cache.get(key)).toBe(`${newest.get(key)}`);
        }
        await Promise.all(pending);
        for (const [key, version] of newest) expect(await cache.get(key)).toBe(`${version}`);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
}
