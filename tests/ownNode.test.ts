import { expect, onTestFinished, test } from 'vitest';
import { devAccount } from '../cli/chain.ts';
import { createRpc } from '../platform/chain/rpc.ts';
import { expectWhole, playArgs, runCroupier, temporaryFolder } from './croupierProcess.ts';
import { startHardhatNode } from './hardhatNode.ts';

const BETS = 40;

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
