import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, beforeEach, test } from 'vitest';
import { betBookAbi } from '../contracts/generated/betBook.ts';
import { CroupierError } from '../platform/errors.ts';
import { STEPS_KEPT } from './define.ts';
import { deployTo, FINALITY_BLOCKS, startTestNode, type TestNode } from './test/chain.ts';
import { assertSinks, readBus, startStack, waitDelivered, waitUntil } from './test/stack.ts';

let node: TestNode;
let folder: string;

beforeAll(async () => {
  node = await startTestNode();
  return () => node.close();
});
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'croupier-indexer-'));
  return () => fs.rm(folder, { recursive: true, force: true });
});

test('what was there and what comes reaches both sinks once, in order', async () => {
  const deployment = await deployTo(node);
  await deployment.play(0, 20);
  const stack = await startStack({ folder, deployment, ...node });
  await waitDelivered(stack, await node.head());
  await deployment.openAndSettle(1, 0, 3);
  await deployment.credit(2);
  await deployment.play(0, 5);
  await node.mine(FINALITY_BLOCKS);
  const head = await node.head();
  await waitDelivered(stack, head);
  await waitUntil('finality', () => stack.indexer.status().finalBlock === head - FINALITY_BLOCKS);
  await waitDelivered(stack, head);

  const { deployment: id } = deployment.indexed;
  const expected = await deployment.events();
  await assertSinks(stack, expected, { deployment: id, epoch: 1 });
  const messages = await readBus(stack.bus, id, 1);
  const perPartition = [0, 1, 2, 3].map((partition) =>
    messages.filter((message) => message.partition === partition),
  );
  for (const partition of perPartition) {
    assert.equal(partition.at(-1)?.type, 'finality');
    const places = partition
      .filter((message) => message.type !== 'finality')
      .map((message) => message.blockNumber * 10_000 + message.logIndex);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
  }
  const [final] = await stack.warehouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM final_bet_book_played',
  );
  assert.equal(Number(final?.rows), 25);
  await stack.close();
});

test('every event of BetBook reaches both sinks, in its own table and partition', async () => {
  const deployment = await deployTo(node);
  const stack = await startStack({ folder, deployment, ...node });
  await deployment.openAndSettle(1, 0, 3);
  await deployment.openAndExpire(0, 1);
  await deployment.everyOtherOp(0);
  await deployment.everyPower();
  await deployment.play(2, 1);
  await node.mine(FINALITY_BLOCKS);
  const head = await node.head();
  await waitUntil('finality', () => stack.indexer.status().finalBlock === head - FINALITY_BLOCKS);
  await waitDelivered(stack, head);
  const expected = await deployment.events();
  const { deployment: id } = deployment.indexed;
  await assertSinks(stack, expected, { deployment: id, epoch: 1 });
  const seen = new Set(expected.map(({ event }) => event));
  const unseen = betBookAbi
    .filter((item) => item.type === 'event')
    .map(({ name }) => name)
    .filter((name) => !seen.has(name));
  // A player's leaving and an OPEN that is refused: as any event of a seat and of a lane.
  assert.deepEqual(unseen.toSorted(), ['OpenRejected', 'SeatEnding', 'SeatSwept']);
  const halted = expected.findIndex(({ event }) => event === 'Halted');
  assert.equal(
    expected[halted + 1]?.event,
    'Released',
    'the bank is halted in the middle of a batch',
  );
  const expired = expected.find(({ event }) => event === 'Expired');
  const messages = await readBus(stack.bus, id, 1);
  const message = messages.find((one) => one.type === 'bet.expired');
  assert.equal(message?.partition, Number((BigInt(String(expired?.args.page)) >> 32n) % 4n));
  await stack.close();
});

test('a restart goes on where it stopped; a lost warehouse or bus is filled again', async () => {
  const deployment = await deployTo(node);
  const { deployment: id } = deployment.indexed;
  await deployment.play(0, 3);
  const first = await startStack({ folder, deployment, ...node });
  await waitDelivered(first, await node.head());
  const { step } = first.indexer.status();
  await first.close();

  await deployment.play(1, 3);
  const second = await startStack({ folder, deployment, ...node });
  await waitDelivered(second, await node.head());
  assert.ok(second.indexer.status().step > step);
  assert.deepEqual(second.notices, []);
  await assertSinks(second, await deployment.events(), { deployment: id, epoch: 1 });
  await second.close();

  await fs.rm(path.join(folder, 'warehouse'), { recursive: true });
  const third = await startStack({ folder, deployment, ...node });
  await waitDelivered(third, await node.head());
  assert.deepEqual(
    third.notices.map((notice) => notice.code),
    ['INDEXER_SINK_REWOUND'],
  );
  await assertSinks(third, await deployment.events(), { deployment: id, epoch: 1 });
  await third.close();

  for (const suffix of ['', '-wal', '-shm']) {
    await fs.rm(path.join(folder, `bus.sqlite${suffix}`), { force: true });
  }
  const fourth = await startStack({ folder, deployment, ...node });
  await waitDelivered(fourth, await node.head());
  assert.deepEqual(
    fourth.notices.map((notice) => notice.code),
    ['INDEXER_SINK_REWOUND'],
  );
  await assertSinks(fourth, await deployment.events(), { deployment: id, epoch: 1 });
  await fourth.close();

  for (const suffix of ['', '-wal', '-shm']) {
    await fs.rm(path.join(folder, `indexer.sqlite${suffix}`), { force: true });
  }
  const fifth = await startStack({ folder, deployment, ...node });
  await waitDelivered(fifth, await node.head());
  assert.deepEqual(
    fifth.notices.map((notice) => notice.code),
    ['INDEXER_EPOCH_RISES'],
  );
  await assertSinks(fifth, await deployment.events(), { deployment: id, epoch: 2 });
  await fifth.close();
});

test('a changed warehouse row is named at the next start', async () => {
  const deployment = await deployTo(node);
  await deployment.play(0, 3);
  const first = await startStack({ folder, deployment, ...node });
  await waitDelivered(first, await node.head());
  await first.warehouse.command(
    'ALTER TABLE bet_book_played UPDATE payout = 1000 WHERE n > 0 SETTINGS mutations_sync = 2',
  );
  await first.close();
  await assert.rejects(startStack({ folder, deployment, ...node }), {
    code: 'WAREHOUSE_STEP_DIFFERS',
    details: { table: 'bet_book_played', epoch: 1, step: 1 },
  });
});

test('on a node that mines on demand, what waits for finality gets its blocks', async () => {
  const deployment = await deployTo(node);
  await deployment.play(0, 3);
  const stack = await startStack({ folder, deployment, ...node, mineWhenIdle: true });
  const last = await node.head();
  await waitUntil('finality', () => (stack.indexer.status().finalBlock ?? 0) >= last);
  await deployment.play(0, 3);
  const next = await node.head();
  await waitUntil('finality', () => (stack.indexer.status().finalBlock ?? 0) >= next);
  assert.deepEqual(
    stack.notices.map((notice) => notice.code),
    ['INDEXER_MINES'],
  );
  assert.equal(await node.head(), next + FINALITY_BLOCKS);
  await stack.close();
});

test('a warehouse that is down does not stop the bus, and catches up by itself', async () => {
  const deployment = await deployTo(node);
  let isDown = true;
  const stack = await startStack({
    folder,
    deployment,
    ...node,
    faulty: (warehouse) => ({
      ...warehouse,
      async insert(request) {
        if (!isDown) return await warehouse.insert(request);
        throw new CroupierError({
          code: 'WAREHOUSE_DOWN',
          errorClass: 'retryable',
          message: 'got no warehouse, expected one',
        });
      },
    }),
  });
  const { indexer } = stack;
  for (let round = 0; round < 5; round += 1) {
    await deployment.play(0, 2);
    const block = await node.head();
    await waitUntil('the bus', () => {
      const { indexedBlock, sinks } = indexer.status();
      return indexedBlock >= block && sinks.bus.behindSteps === 0;
    });
  }
  assert.equal(indexer.status().sinks.warehouse.step, 0);
  assert.equal(indexer.status().sinks.warehouse.error?.code, 'WAREHOUSE_DOWN');
  assert.equal(indexer.status().state, 'running');
  isDown = false;
  await waitDelivered(stack, await node.head());
  const { deployment: id } = deployment.indexed;
  await assertSinks(stack, await deployment.events(), { deployment: id, epoch: 1 });
  await stack.close();
});

test('a journal that is busy for a while costs no event', async () => {
  const deployment = await deployTo(node);
  await deployment.play(0, 3);
  let refusals = 0;
  const stack = await startStack({
    folder,
    deployment,
    ...node,
    faultyJournal: (journal) => ({
      ...journal,
      transaction: (work) => {
        // Every third one, so that some of each stage meet it.
        refusals += 1;
        if (refusals % 3 !== 0) return journal.transaction(work);
        const message = 'got too many transactions at once, expected fewer';
        throw new CroupierError({ code: 'JOURNAL_BUSY', errorClass: 'retryable', message });
      },
    }),
  });
  for (let round = 0; round < 4; round += 1) {
    await deployment.play(round % 2, 2);
    await waitDelivered(stack, await node.head());
  }
  assert.ok(refusals > 6);
  await assertSinks(stack, await deployment.events(), {
    deployment: deployment.indexed.deployment,
    epoch: 1,
  });
  await stack.close();
});

test('events are dropped once they are final and well behind both sinks', async () => {
  const deployment = await deployTo(node);
  const stack = await startStack({ folder, deployment, ...node });
  while (stack.indexer.status().step < STEPS_KEPT + 5) {
    await deployment.play(0, 1);
    await waitDelivered(stack, await node.head());
  }
  const { step } = stack.indexer.status();
  const { first } = await stack.journal.read
    .selectFrom('step_body')
    .select((select) => select.fn.min('step').as('first'))
    .executeTakeFirstOrThrow();
  assert.ok(Number(first) > 1 && Number(first) <= step - STEPS_KEPT + 1, `${first} of ${step}`);
  await stack.close();
  const again = await startStack({ folder, deployment, ...node });
  assert.deepEqual(again.notices, []);
  const { deployment: id } = deployment.indexed;
  await waitDelivered(again, await node.head());
  await assertSinks(again, await deployment.events(), { deployment: id, epoch: 1 });
  await again.close();
});
