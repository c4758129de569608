import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, beforeEach, test } from 'vitest';
import { deployTo, startTestNode, type TestNode } from './test/chain.ts';
import { startLyingRpcProxy } from './test/lyingRpcProxy.ts';
import { assertSinks, startStack, waitDelivered, waitUntil } from './test/stack.ts';

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

test('a node that keeps logs back once is asked again', async () => {
  const deployment = await deployTo(node);
  const proxy = await startLyingRpcProxy(node.rpcUrl);
  const stack = await startStack({ folder, deployment, rpcUrl: proxy.url });
  await waitDelivered(stack, await node.head());
  const lies = [
    // A whole block: its bloom tells. One event in the middle, the batch's end, the batch's start.
    () => [],
    <Log>(logs: Log[]) => logs.filter((_, index) => index !== 2),
    <Log>(logs: Log[]) => logs.slice(0, -1),
    <Log>(logs: Log[]) => logs.slice(1),
  ];
  let told = 0;
  for (const lie of lies) {
    let isFirst = true;
    proxy.lie((logs) => {
      if (!isFirst || logs.length === 0) return logs;
      isFirst = false;
      told += 1;
      return lie(logs);
    });
    await deployment.play(0, 5);
    await waitDelivered(stack, await node.head());
  }
  assert.equal(told, lies.length);
  const { deployment: id } = deployment.indexed;
  await assertSinks(stack, await deployment.events(), { deployment: id, epoch: 1 });
  await stack.close();
  await proxy.close();
});

test('a node that goes on keeping a log back halts the indexer', async () => {
  const deployment = await deployTo(node);
  const proxy = await startLyingRpcProxy(node.rpcUrl);
  proxy.lie((logs) => logs.filter((_, index) => index !== 4));
  const stack = await startStack({ folder, deployment, rpcUrl: proxy.url });
  await waitUntil('the halt', () => stack.indexer.status().state === 'halted');
  assert.equal(stack.indexer.status().error?.code, 'INDEXER_LOGS_MISSING');
  assert.equal(stack.indexer.status().step, 0);
  await stack.close();
  await proxy.close();
});
