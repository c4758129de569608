import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import type { CrashPoint } from '../platform/crash.ts';
import {
  deployTo,
  FINALITY_BLOCKS,
  startTestNode,
  type TestDeployment,
  type TestNode,
} from './test/chain.ts';
import { assertSinks, type StackArgs, startStack, waitDelivered } from './test/stack.ts';

const CHILD = fileURLToPath(new URL('test/crash.child.ts', import.meta.url));

let node: TestNode;
let deployment: TestDeployment;

beforeAll(async () => {
  node = await startTestNode();
  deployment = await deployTo(node);
  await deployment.openAndSettle(0, 0, 3);
  await deployment.play(1, 10);
  await node.mine(FINALITY_BLOCKS);
  return () => node.close();
});

/** An indexer in a process of its own that ends by itself, with kill -9. */
async function runUntilKilled(point: CrashPoint, hits: number, args: StackArgs): Promise<void> {
  const child = spawn(process.execPath, [CHILD, point, String(hits), JSON.stringify(args)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [, signal] = await once(child, 'exit');
  expect(signal, `the crash point ${point}`).toBe('SIGKILL');
}

test.for([
  ['step.defined', 1],
  ['step.defined', 2],
  ['warehouse.table', 3],
  ['warehouse.inserted', 1],
  ['bus.published', 1],
] satisfies [CrashPoint, number][])(
  'kill -9 at %s (%i.) loses and doubles nothing',
  async ([point, hits]) => {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'croupier-crash-'));
    try {
      const args = { folder, deployment, rpcUrl: node.rpcUrl, wsUrl: node.wsUrl };
      await runUntilKilled(point, hits, args);
      const stack = await startStack(args);
      await waitDelivered(stack, await node.head());
      const { deployment: id } = deployment.indexed;
      await assertSinks(stack, await deployment.events(), { deployment: id, epoch: 1 });
      await stack.close();
    } finally {
      await fs.rm(folder, { recursive: true, force: true });
    }
  },
);
