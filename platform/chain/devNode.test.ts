import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startTestChild } from '../testChild.ts';
import { startDevNode } from './devNode.ts';
import { createRpc } from './rpc.ts';

const TIMEOUT_MS = 5_000;

async function height(rpcUrl: string): Promise<number> {
  return Number(
    await createRpc({ url: rpcUrl, timeoutMs: TIMEOUT_MS }).call('eth_blockNumber', []),
  );
}

test('startDevNode() answers a chain that mines by itself, and close() ends it', async () => {
  const node = await startDevNode({ port: 0 });
  await expect.poll(() => height(node.rpcUrl), { timeout: 10_000 }).toBeGreaterThan(2);
  await node.close();
  await node.close();
  await expect(height(node.rpcUrl)).rejects.toMatchObject({ code: 'RPC_UNREACHABLE' });
});

test('startDevNode() says that a port is busy, and leaves its holder alone', async () => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'croupier-node-'));
  const logPath = path.join(folder, 'node.log');
  const node = await startDevNode({ port: 0 });
  const port = Number(new URL(node.rpcUrl).port);
  await expect(startDevNode({ port, logPath })).rejects.toMatchObject({
    code: 'PORT_BUSY',
    errorClass: 'final',
    details: { port },
  });
  expect(await fs.readFile(logPath, 'utf8')).toContain('EADDRINUSE');
  expect(await height(node.rpcUrl)).toBeGreaterThanOrEqual(0);
  await node.close();
  await fs.rm(folder, { recursive: true });
});

test('the node ends with its parent, also by kill -9', async () => {
  const parent = startTestChild(new URL('devNode.child.ts', import.meta.url), []);
  const rpcUrl = await parent.nextLine();
  expect(await height(rpcUrl)).toBeGreaterThanOrEqual(0);
  await parent.kill();
  await expect
    .poll(() => height(rpcUrl).catch((error: { code?: string }) => error.code), { timeout: 10_000 })
    .toBe('RPC_UNREACHABLE');
});
