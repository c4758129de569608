import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import type { IndexedEvent } from '../indexer/events.ts';
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
const BET_EVENTS = new Set(['Played', 'Opened', 'Settled']);
/** Below the depth at which a block is final, with one to spare. */
const TAKEN_BACK_BLOCKS_MAX = 3;
const BLOCK_MS = 200;
/** Time for the indexer to see a block while it is not final; shorter than what it takes for idle. */
const SLOW_BLOCK_MS = 1_000;

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

async function headOf(rpc: Rpc): Promise<number> {
  return Number(await rpc.call('eth_blockNumber', []));
}

async function waitBlocks(rpc: Rpc, blocks: number): Promise<void> {
  const wanted = (await headOf(rpc)) + blocks;
  await expect
    .poll(() => headOf(rpc), { timeout: 10_000, interval: 20 })
    .toBeGreaterThanOrEqual(wanted);
}

/** Reverts blocks with bets that the indexer has seen, before any of them is final. */
async function takeBack(rpc: Rpc, dataFolder: string): Promise<void> {
  await rpc.call('evm_setIntervalMining', [SLOW_BLOCK_MS]);
  for (let isTakenBack = false; !isTakenBack; ) {
    const snapshot = await rpc.call('evm_snapshot', []);
    const from = await headOf(rpc);
    const isOver = async (): Promise<boolean> =>
      hasIndexedBets(dataFolder, from) || (await headOf(rpc)) >= from + TAKEN_BACK_BLOCKS_MAX;
    await expect.poll(isOver, { timeout: 10_000, interval: 20 }).toBe(true);
    if (!hasIndexedBets(dataFolder, from)) continue;
    await rpc.call('evm_revert', [snapshot]);
    isTakenBack = true;
  }
  await rpc.call('evm_setIntervalMining', [BLOCK_MS]);
}

function hasIndexedBets(dataFolder: string, aboveBlock: number): boolean {
  const database = new DatabaseSync(join(dataFolder, 'indexer.sqlite'), { readOnly: true });
  try {
    const bodies = database
      .prepare(
        `SELECT events FROM step JOIN step_body USING (stream, deployment, epoch, step)
        WHERE kind = 'apply' AND to_block > ?`,
      )
      .all(aboveBlock);
    return bodies
      .flatMap(({ events }) => JSON.parse(String(events)) as IndexedEvent[])
      .some(({ event, blockNumber }) => BET_EVENTS.has(event) && blockNumber > aboveBlock);
  } finally {
    database.close();
  }
}

test('reorgs are taken back in warehouse, bus and ledger, and every bet lands again', {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const { rpc, run } = await playing(folder.path);
  for (let reorg = 0; reorg < REORGS; reorg++) {
    await takeBack(rpc, folder.path);
    // Beyond the blocks that are gone, so that no number is met twice.
    await waitBlocks(rpc, TAKEN_BACK_BLOCKS_MAX + 3);
  }
  const ended = await run.ended;
  expectWhole(ended, BETS);
  expect(ended.stderr).not.toContain('Epoch 2');
  const [row] = await sqlRows(
    folder.path,
    `SELECT countIf(sign = -1) AS back FROM (
      SELECT sign FROM bet_book_played UNION ALL SELECT sign FROM bet_book_opened UNION ALL SELECT sign FROM bet_book_settled)`,
  );
  expect(Number(row?.back)).toBeGreaterThanOrEqual(REORGS);
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
