import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { devAccount } from '../cli/chain.ts';
import { createRpc } from '../platform/chain/rpc.ts';
import { expectWhole, playArgs, runCroupier, temporaryFolder } from './croupierProcess.ts';

const ROOT = join(import.meta.dirname, '..');
const BETS = 40;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || !address) throw new Error('got no port');
  return address.port;
}

/** `npx hardhat node`, as a contract developer starts it: chain 31337, a block per transaction. */
async function startHardhatNode(): Promise<{ rpcUrl: string; wsUrl: string }> {
  const port = await freePort();
  const hardhat = join(ROOT, 'node_modules', 'hardhat', 'dist', 'src', 'cli.js');
  const child = spawn(process.execPath, [hardhat, 'node', '--port', String(port)], {
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

test("a contract developer's own Hardhat node, which mines on demand, is played on to the end", {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const chain = await startHardhatNode();
  const ended = await runCroupier(playArgs({ chain, dataFolder: folder.path, bets: BETS }));
  expectWhole(ended, BETS);
  expect(ended.stderr.match(/The node makes no blocks while it is idle/g)).toHaveLength(1);

  const rpc = createRpc({ url: chain.rpcUrl, timeoutMs: 5_000 });
  await rpc.call('hardhat_setBalance', [devAccount.address, '0x0']);
  const other = temporaryFolder();
  onTestFinished(other.remove);
  const blockBefore = await rpc.call('eth_blockNumber', []);
  const refused = await runCroupier(playArgs({ chain, dataFolder: other.path, bets: BETS }));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^croupier: DEV_ACCOUNTS_EMPTY: .*holds nothing on chain 31337/m);
  expect(await rpc.call('eth_blockNumber', [])).toBe(blockBefore);
});
