import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, beforeEach, test } from 'vitest';
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

test('a reorg is taken back in both sinks, newest first, with the same ids', async () => {
  const deployment = await deployTo(node);
  const { deployment: id } = deployment.indexed;
  const stack = await startStack({ folder, deployment, ...node });
  const snapshot = await node.rpc.call<string>('evm_snapshot', []);
  await deployment.play(0, 3);
  await deployment.openAndSettle(1, 0, 2);
  await waitDelivered(stack, await node.head());
  const orphaned = (await readBus(stack.bus, id, 1)).length;

  await node.rpc.call('evm_revert', [snapshot]);
  // Nothing is mined: the shorter chain alone must be noticed.
  await waitUntil('the retraction', async () => {
    const messages = await readBus(stack.bus, id, 1);
    return messages.some((message) => message.sign === -1);
  });
  await waitDelivered(stack, await node.head());
  await assertSinks(stack, await deployment.events(), { deployment: id, epoch: 1 });

  await deployment.play(0, 4);
  await deployment.play(1, 1);
  await node.mine(FINALITY_BLOCKS + 2);
  const head = await node.head();
  await waitDelivered(stack, head);
  await assertSinks(stack, await deployment.events(), { deployment: id, epoch: 1 });
  const retracted = (await readBus(stack.bus, id, 1)).filter((message) => message.sign === -1);
  assert.ok(retracted.length > 0 && retracted.length < orphaned);
  for (const partition of [0, 1, 2, 3]) {
    const blocks = retracted
      .filter((message) => message.partition === partition)
      .map((message) => message.blockNumber);
    assert.deepEqual(
      blocks,
      blocks.toSorted((a, b) => b - a),
    );
  }
  await waitUntil('finality', () => (stack.indexer.status().finalBlock ?? 0) >= head - 6);
  await waitDelivered(stack, head);
  const [final] = await stack.warehouse.query<{ rows: string }>(
    'SELECT count() AS rows FROM final_bet_book_played',
  );
  assert.equal(Number(final?.rows), 5);
  assert.equal(stack.indexer.status().epoch, 1);
  await stack.close();
});

test('a reorg that happens while the indexer is stopped is taken back at the next start', async () => {
  const deployment = await deployTo(node);
  const { deployment: id } = deployment.indexed;
  const first = await startStack({ folder, deployment, ...node });
  const snapshot = await node.rpc.call<string>('evm_snapshot', []);
  await deployment.play(0, 3);
  await waitDelivered(first, await node.head());
  await first.close();
  await node.rpc.call('evm_revert', [snapshot]);
  await deployment.play(1, 2);
  await deployment.play(2, 2);

  const second = await startStack({ folder, deployment, ...node });
  await waitDelivered(second, await node.head());
  await assertSinks(second, await deployment.events(), { deployment: id, epoch: 1 });
  await second.close();
});

test('a dev chain that goes back below final raises the epoch, and all is filled again', async () => {
  const deployment = await deployTo(node);
  const { deployment: id } = deployment.indexed;
  const stack = await startStack({ folder, deployment, ...node });
  const snapshot = await node.rpc.call<string>('evm_snapshot', []);
  await deployment.play(0, 3);
  await node.mine(FINALITY_BLOCKS + 1);
  const head = await node.head();
  await waitUntil('finality', () => (stack.indexer.status().finalBlock ?? 0) >= head - 6);
  await waitDelivered(stack, head);

  await node.rpc.call('evm_revert', [snapshot]);
  await deployment.play(1, 2);
  await node.mine(FINALITY_BLOCKS);
  await waitUntil('the next epoch', () => stack.indexer.status().epoch === 2);
  await waitDelivered(stack, await node.head());
  await assertSinks(stack, await deployment.events(), { deployment: id, epoch: 2 });
  assert.deepEqual(
    stack.notices.map((notice) => notice.code),
    ['INDEXER_EPOCH_RISES'],
  );
  await waitUntil('finality', () => stack.indexer.status().finalBlock !== null);
  await waitDelivered(stack, await node.head());
  const rows = await stack.warehouse.query<{ epoch: number }>(
    'SELECT epoch FROM final_bet_book_played',
  );
  assert.deepEqual(
    rows.map((row) => Number(row.epoch)),
    [2, 2],
  );
  await stack.close();
});

test('anywhere else a reorg below final halts, and says which block is gone', async () => {
  const deployment = await deployTo(node);
  const stack = await startStack({ folder, deployment, ...node, devChain: false });
  const snapshot = await node.rpc.call<string>('evm_snapshot', []);
  await deployment.play(0, 3);
  await node.mine(FINALITY_BLOCKS + 1);
  const head = await node.head();
  await waitUntil('finality', () => (stack.indexer.status().finalBlock ?? 0) >= head - 6);
  await node.rpc.call('evm_revert', [snapshot]);
  await node.mine(1);
  await deployment.play(1, 2);
  await node.mine(FINALITY_BLOCKS + 2);
  await waitUntil('the halt', () => stack.indexer.status().state === 'halted');
  assert.equal(stack.indexer.status().error?.code, 'INDEXER_REORG_BELOW_FINAL');
  await stack.close();
});

test('a chain without the deployment ends the indexer', async () => {
  const before = await node.rpc.call<string>('evm_snapshot', []);
  const deployment = await deployTo(node);
  const stack = await startStack({ folder, deployment, ...node });
  await waitDelivered(stack, await node.head());
  await node.rpc.call('evm_revert', [before]);
  await waitUntil('the end', () => stack.indexer.status().state === 'deployment_gone');
  assert.deepEqual(stack.ends, [{ kind: 'deployment_gone' }]);
  await stack.close();
});
