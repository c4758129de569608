import type { Clock } from '../clock.ts';
import type { Cache } from './cache.ts';

interface Kept {
  readonly version: number;
  readonly value: string;
  readonly expiresMs: number;
}

/** A cache in this process. Beyond `maxKeys` it forgets the key that was set the longest ago. */
export function createMemoryCache(args: { clock: Clock; maxKeys: number }): Cache {
  const { clock, maxKeys } = args;
  /** A map keeps the order of insertion: the oldest stands first. */
  const kept = new Map<string, Kept>();

  function find(key: string): Kept | undefined {
    const found = kept.get(key);
    if (!found || clock.nowMs() < found.expiresMs) return found;
    kept.delete(key);
    return undefined;
  }

  return {
    get: async (key) => find(key)?.value,
    setIfNewer: async ({ key, version, value, ttlMs }) => {
      const present = find(key);
      if (present && present.version >= version) return;
      kept.delete(key);
      kept.set(key, { version, value, expiresMs: clock.nowMs() + ttlMs });
      if (kept.size <= maxKeys) return;
      for (const oldest of kept.keys()) {
        kept.delete(oldest);
        return;
      }
    },
  };
}
