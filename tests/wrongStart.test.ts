import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { devAccount } from '../cli/chain.ts';
import { startDevNode } from '../platform/chain/devNode.ts';
import { createRpc } from '../platform/chain/rpc.ts';
import { systemClock } from '../platform/clock.ts';
import { openChdbWarehouse } from '../platform/warehouse/chdb.ts';
import {
  expectWhole,
  playArgs,
  runCroupier,
  startCroupier,
  temporaryFolder,
} from './croupierProcess.ts';

test('a busy port gets one clear sentence, and nothing is deployed', async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const node = await startDevNode({ port: 0 });
  onTestFinished(() => node.close());
  // The node itself is what keeps the port.
  const { port } = new URL(node.rpcUrl);
  const args = ['--rpc', node.rpcUrl, '--port', port, '--data', folder.path];
  const ended = await runCroupier(args);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(new RegExp(`^croupier: PORT_BUSY: .*${port}`));
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  const rpc = createRpc({ url: node.rpcUrl, timeoutMs: 5_000 });
  expect(await rpc.call('eth_getTransactionCount', [devAccount.address, 'latest'])).toBe('0x0');
});

test('an endpoint that does not answer gets one clear sentence', async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const ended = await runCroupier([
    '--rpc',
    'http://127.0.0.1:9',
    '--port',
    '0',
    '--data',
    folder.path,
  ]);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('CHAIN_UNREACHABLE');
});

test('a second process on the same data folder is refused', async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const first = startCroupier(['--no-demo', '--data', folder.path, '--port', '0']);
  onTestFinished(() => void first.child.kill('SIGKILL'));
  await first.prints('gateway');
  const second = await runCroupier(['--no-demo', '--data', folder.path, '--port', '0']);
  expect(second.stderr).toContain('DATA_FOLDER_BUSY');
  expect(second.code).toBe(1);
  first.child.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 0 });
});

test('a warehouse that was tampered with is named at the next start, which then ends', async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const chain = await startDevNode({ port: 0 });
  onTestFinished(() => chain.close());
  const args = playArgs({ chain, dataFolder: folder.path, bets: 20 });
  expectWhole(await runCroupier(args), 20);
  const warehouse = await openChdbWarehouse({
    path: join(folder.path, 'warehouse'),
    clock: systemClock,
  });
  await warehouse.command(
    'ALTER TABLE bet_book_played UPDATE stake = stake + 1 WHERE 1 SETTINGS mutations_sync = 1',
  );
  await warehouse.close();
  const ended = await runCroupier(args);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(/^croupier: WAREHOUSE_STEP_DIFFERS: .* in bet_book_played of step/m);
});
