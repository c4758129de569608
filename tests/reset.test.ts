import { expect, onTestFinished, test } from 'vitest';
import { startDevNode } from '../platform/chain/devNode.ts';
import {
  expectWhole,
  playArgs,
  runCroupier,
  sqlRows,
  startCroupier,
  temporaryFolder,
} from './croupierProcess.ts';

const BETS = 60;

test('a chain that was reset begins a new deployment; the old one stays readable and nothing is merged', {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const play = async (): Promise<{ stderr: string; betBook: string | undefined }> => {
    // The same genesis, accounts and nonces: the contracts get the same addresses each time.
    const chain = await startDevNode({ port: 0 });
    try {
      const ended = await runCroupier(playArgs({ chain, dataFolder: folder.path, bets: BETS }));
      expectWhole(ended, BETS);
      return { stderr: ended.stderr, betBook: /BetBook (0x[0-9a-f]{40})/.exec(ended.stderr)?.[1] };
    } finally {
      await chain.close();
    }
  };

  const first = await play();
  expect(first.stderr).not.toContain('The chain was reset');
  const second = await play();
  expect(second.betBook).toBe(first.betBook);
  expect(second.stderr.match(/The chain was reset/g)).toHaveLength(1);

  const rows = await sqlRows(
    folder.path,
    `SELECT deployment, count() AS bets FROM (
      SELECT deployment FROM final_bet_book_played UNION ALL SELECT deployment FROM final_bet_book_opened) GROUP BY deployment`,
  );
  expect(rows.map(({ bets }) => Number(bets))).toEqual([BETS, BETS]);
});

test('a chain that is reset while everything runs is noticed, and the demo begins anew', {
  timeout: 180_000,
}, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  let chain = await startDevNode({ port: 0 });
  onTestFinished(() => chain.close());
  const run = startCroupier(playArgs({ chain, dataFolder: folder.path, bets: BETS }));
  onTestFinished(() => void run.child.kill('SIGKILL'));
  await run.prints('The demo plays');
  await chain.close();
  chain = await startDevNode({ port: Number(new URL(chain.rpcUrl).port) });
  const ended = await run.ended;
  expectWhole(ended, BETS);
  expect(ended.stderr.match(/The chain was reset/g)).toHaveLength(1);
});
