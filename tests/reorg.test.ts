import { expect, onTestFinished, test } from 'vitest';
import { type DevNode, startDevNode } from '../platform/chain/devNode.ts';
import { createRpc, type Rpc } from '../platform/chain/rpc.ts';
import {
  type CroupierProcess,
  expectWhole,
  playArgs,
  sqlRows,
  startCroupier,
  temporaryFolder,
} from './croupierProcess.ts';

const BETS = 1_200;
const REORGS = 5;

async function playing(
  dataFolder: string,
): Promise<{ node: DevNode; rpc: Rpc; run: CroupierProcess }> {
  const node = await startDevNode({ port: 0 });
  onTestFinished(() => node.close());
  const run = startCroupier(playArgs({ chain: node, dataFolder, bets: BETS }));
  onTestFinished(() => void run.child.kill('SIGKILL'));
  await run.prints('The demo plays');
  return { node, rpc: createRpc({ url: node.rpcUrl, timeoutMs: 10_000 }), run };
}

async function waitBlocks(rpc: Rpc, blocks: number): Promise<void> {
  const head = async (): Promise<number> => Number(await rpc.call('eth_blockNumber', []));
  const wanted = (await head()) + blocks;
  await expect.poll(head, { timeout: 10_000, interval: 20 }).toBeGreaterThanOrEqual(wanted);
}

test('reorgs are taken back in warehouse, bus and ledger, and every bet lands again', {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const { rpc, run } = await playing(folder.path);
  for (let reorg = 0; reorg < REORGS; reorg++) {
    const snapshot = await rpc.call('evm_snapshot', []);
    // Fewer blocks than the finality depth, so that what is lost was seen and is not final.
    await waitBlocks(rpc, 3);
    await rpc.call('evm_revert', [snapshot]);
    await waitBlocks(rpc, 6);
  }
  const ended = await run.ended;
  expectWhole(ended, BETS);
  expect(ended.stderr).not.toContain('Epoch 2');
  const [row] = await sqlRows(
    folder.path,
    `SELECT countIf(sign = -1) AS back FROM (
      SELECT sign FROM bet_book_played UNION ALL SELECT sign FROM bet_book_opened UNION ALL SELECT sign FROM bet_book_settled)`,
  );
  expect(Number(row?.back)).toBeGreaterThan(0);
});

test('a dev chain that is reverted below final is folded anew, and every bet lands again', {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const { rpc, run } = await playing(folder.path);
  const snapshot = await rpc.call('evm_snapshot', []);
  await waitBlocks(rpc, 15);
  await rpc.call('evm_revert', [snapshot]);
  const ended = await run.ended;
  expectWhole(ended, BETS);
  expect(ended.stderr.match(/Epoch 2 of deployment .* begins/g)).toHaveLength(1);
});
