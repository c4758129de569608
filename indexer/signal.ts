import type { Clock } from '../platform/clock.ts';

/** Wakes one waiting loop. A notification that comes while nobody waits is kept. */
export interface Signal {
  notify(): void;
  /** Resolves at the next notification (or at once after one that was kept), or after `timeoutMs`. */
  wait(timeoutMs: number): Promise<void>;
}

export function createSignal(clock: Clock): Signal {
  let pending = false;
  let waiting: AbortController | undefined;
  return {
    notify() {
      pending = true;
      waiting?.abort();
    },
    async wait(timeoutMs) {
      if (!pending) {
        waiting = new AbortController();
        await clock.sleep(timeoutMs, waiting.signal);
        waiting = undefined;
      }
      pending = false;
    },
  };
}
