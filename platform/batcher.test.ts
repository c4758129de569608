import { expect, test } from 'vitest';
import { createBatcher } from './batcher.ts';

/** A run that ends when the test says so. */
function createHeldRun() {
  const runs: { items: number[]; finish: (answers: string[]) => void; fail: (e: Error) => void }[] =
    [];
  let notify = () => {};
  const run = (items: number[]) =>
    new Promise<string[]>((finish, fail) => {
      runs.push({ items, finish, fail });
      notify();
    });
  async function started(count: number) {
    while (runs.length < count) {
      await new Promise<void>((resolve) => {
        notify = resolve;
      });
    }
    const last = runs[count - 1];
    if (!last) throw new Error(`got ${runs.length} runs, expected ${count}`);
    return last;
  }
  return { run, started, runs };
}

const limits = { maxItems: 100, maxQueued: 100 };

test('createBatcher() runs the items of one turn together and answers each its own', async () => {
  const batcher = createBatcher<number, string>({
    ...limits,
    run: async (items) => items.map((item) => `${item}/${items.length}`),
  });
  const answers = await Promise.all([1, 2, 3].map((item) => batcher.add(item)));
  expect(answers).toEqual(['1/3', '2/3', '3/3']);
  expect(await batcher.add(4)).toBe('4/1');
});

test('createBatcher() collects what arrives during a run, one run at a time, in order', async () => {
  const { run, started, runs } = createHeldRun();
  const batcher = createBatcher<number, string>({ ...limits, run });
  const first = batcher.add(1);
  const firstRun = await started(1);
  const later = [2, 3, 4].map((item) => batcher.add(item));
  expect(runs).toHaveLength(1);
  firstRun.finish(['a']);
  expect(await first).toBe('a');
  const secondRun = await started(2);
  expect(secondRun.items).toEqual([2, 3, 4]);
  secondRun.finish(['b', 'c', 'd']);
  expect(await Promise.all(later)).toEqual(['b', 'c', 'd']);
});

test('createBatcher() gives a run at most maxItems', async () => {
  const sizes: number[] = [];
  const batcher = createBatcher<number, number>({
    run: async (items) => {
      sizes.push(items.length);
      return items;
    },
    maxItems: 3,
    maxQueued: 10,
  });
  const items = [1, 2, 3, 4, 5, 6, 7];
  expect(await Promise.all(items.map((item) => batcher.add(item)))).toEqual(items);
  expect(sizes).toEqual([3, 3, 1]);
});

test('createBatcher() refuses beyond maxQueued and takes more once there is room', async () => {
  const { run, started } = createHeldRun();
  const batcher = createBatcher<number, string>({ run, maxItems: 2, maxQueued: 2 });
  const first = batcher.add(1);
  const firstRun = await started(1);
  const second = batcher.add(2);
  const third = batcher.add(3);
  await expect(batcher.add(4)).rejects.toMatchObject({
    code: 'QUEUE_FULL',
    errorClass: 'retryable',
  });
  firstRun.finish(['a']);
  const secondRun = await started(2);
  const fifth = batcher.add(5);
  secondRun.finish(['b', 'c']);
  (await started(3)).finish(['d']);
  expect(await Promise.all([first, second, third, fifth])).toEqual(['a', 'b', 'c', 'd']);
});

test('createBatcher() fails the items of a failed run only', async () => {
  const { run, started } = createHeldRun();
  const batcher = createBatcher<number, string>({ ...limits, run });
  const failure = new Error('no');
  const lost = Promise.allSettled([batcher.add(1), batcher.add(2)]);
  const firstRun = await started(1);
  const kept = batcher.add(3);
  firstRun.fail(failure);
  expect(await lost).toEqual([
    { status: 'rejected', reason: failure },
    { status: 'rejected', reason: failure },
  ]);
  (await started(2)).finish(['c']);
  expect(await kept).toBe('c');
});

test('createBatcher() refuses a run that answers another number of items', async () => {
  const batcher = createBatcher<number, number>({ ...limits, run: async () => [] });
  await expect(batcher.add(1)).rejects.toMatchObject({
    code: 'BATCH_ANSWERS_DIFFER',
    errorClass: 'fatal',
  });
});
