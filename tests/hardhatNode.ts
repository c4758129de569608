import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { createRpc } from '../platform/chain/rpc.ts';

const ROOT = join(import.meta.dirname, '..');
export const HARDHAT = join(ROOT, 'node_modules', 'hardhat', 'dist', 'src', 'cli.js');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || !address) throw new Error('got no port');
  return address.port;
}

/**
 * `npx hardhat node`, as a contract developer starts it: chain 31337, a block per transaction. It ends
 * with the test.
 */
export async function startHardhatNode(): Promise<{ rpcUrl: string; wsUrl: string }> {
  const port = await freePort();
  const child = spawn(process.execPath, [HARDHAT, 'node', '--port', String(port)], {
    cwd: ROOT,
    stdio: 'ignore',
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  const rpcUrl = `http://127.0.0.1:${port}`;
  const rpc = createRpc({ url: rpcUrl, timeoutMs: 2_000 });
  await expect
    .poll(() => rpc.call('eth_chainId', []).catch(() => 'none yet'), { timeout: 30_000 })
    .toBe('0x7a69');
  return { rpcUrl, wsUrl: `ws://127.0.0.1:${port}` };
}
