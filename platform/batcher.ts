import { setImmediate as nextTurn } from 'node:timers/promises';
import { CroupierError } from './errors.ts';

export interface Batcher<In, Out> {
  /**
   * Resolves with the answer for this item. When a run throws, every item of that run rejects with
   * its error.
   * @throws CroupierError `QUEUE_FULL` (retryable) when `maxQueued` items wait already,
   * `BATCH_ANSWERS_DIFFER` (fatal) when a run answered another number of items than it got
   */
  add(item: In): Promise<Out>;
}

interface Waiting<In, Out> {
  readonly item: In;
  readonly resolve: (answer: Out) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Collects the items that arrive while a run is in flight and hands them to the next run together,
 * in the order of arrival, at most `maxItems` at a time: one commit pays for many. There is one run
 * at a time, and an idle batcher runs what arrived in the current turn of the event loop.
 * `run` answers its items in their order.
 */
export function createBatcher<In, Out>(args: {
  run: (items: In[]) => Promise<Out[]>;
  maxItems: number;
  /** Items that wait for a run; those in flight do not count. */
  maxQueued: number;
}): Batcher<In, Out> {
  let queue: Waiting<In, Out>[] = [];
  let running = false;

  async function runAll(): Promise<void> {
    running = true;
    while (queue.length > 0) {
      await nextTurn();
      const batch = queue.slice(0, args.maxItems);
      queue = queue.slice(args.maxItems);
      await runOne(batch);
    }
    running = false;
  }

  async function runOne(batch: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const answers = await args.run(batch.map((waiting) => waiting.item));
      if (answers.length !== batch.length) {
        throw new CroupierError({
          code: 'BATCH_ANSWERS_DIFFER',
          errorClass: 'fatal',
          message: `got ${answers.length} answers, expected one for each of ${batch.length} items`,
        });
      }
      answers.forEach((answer, index) => {
        batch[index]?.resolve(answer);
      });
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    }
  }

  async function add(item: In): Promise<Out> {
    if (queue.length >= args.maxQueued) {
      throw new CroupierError({
        code: 'QUEUE_FULL',
        errorClass: 'retryable',
        message: `got an item behind ${queue.length} others, expected at most ${args.maxQueued}`,
      });
    }
    return new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (!running) void runAll();
    });
  }

  return { add };
}
