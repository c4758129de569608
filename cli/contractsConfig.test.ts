import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { DeploymentFacts } from '../ledger/ledger.ts';
import { temporaryFolder } from '../tests/croupierProcess.ts';
import type { Chain } from './chain.ts';
import { DEFAULT_CONFIG, readFurtherContracts } from './contractsConfig.ts';

const chain = { rpcUrl: 'http://localhost:1', wsUrl: 'ws://localhost:1', chainId: 7 } as Chain;
const factsOf = (deployedBlock: number) =>
  ({
    chainId: 7,
    betBook: `0x${'02'.repeat(20)}`,
    treasury: `0x${'01'.repeat(20)}`,
    deployedBlock,
    deployedBlockHash: `0x${String(deployedBlock).padStart(64, '0')}`,
  }) as DeploymentFacts;

/** A configuration file with these lines in its contracts. */
async function configFile(...contracts: string[]): Promise<string> {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const path = join(folder.path, 'ponder.config.ts');
  await writeFile(
    path,
    `import { croupierConfig } from '${pathToFileURL(join(import.meta.dirname, '../indexer/config.ts'))}';
const croupier = croupierConfig({
  chainId: Number(process.env.CHAIN_ID),
  rpcUrl: process.env.CHAIN_RPC_URL,
  treasury: process.env.CROUPIER_TREASURY,
  betBook: process.env.CROUPIER_BET_BOOK,
  deployedBlock: Number(process.env.CROUPIER_START_BLOCK),
});
export default { ...croupier, contracts: { ...croupier.contracts, ${contracts.join(', ')} } };
`,
  );
  return path;
}

test('the file of the repository configures no contract beside our own', async () => {
  const read = readFurtherContracts({ path: DEFAULT_CONFIG, chain, facts: factsOf(3) });
  expect(await read).toEqual({});
});

test("a further contract is read with the deployment's facts, and again for the next deployment", async () => {
  const path = await configFile(
    "Wheel: { chain: 'croupier', abi: [], address: croupier.contracts.BetBook.address, startBlock: croupier.contracts.BetBook.startBlock }",
  );
  const before = { ...process.env };
  for (const startBlock of [3, 9]) {
    const facts = factsOf(startBlock);
    expect(await readFurtherContracts({ path, chain, facts })).toEqual({
      Wheel: { chain: 'croupier', abi: [], address: facts.betBook, startBlock },
    });
  }
  expect(process.env).toEqual(before);
});

test('a file that cannot be read, and a key that is not supported, are refused', async () => {
  const facts = factsOf(3);
  await expect(
    readFurtherContracts({ path: '/nowhere/ponder.config.ts', chain, facts }),
  ).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE', errorClass: 'final' });
  const path = await configFile(
    "Wheel: { chain: 'croupier', abi: [], address: croupier.contracts.BetBook.address, startBlock: 1, endBlock: 2 }",
  );
  await expect(readFurtherContracts({ path, chain, facts })).rejects.toMatchObject({
    code: 'INDEXER_CONFIG_UNSUPPORTED',
    details: { key: 'contracts.Wheel.endBlock' },
  });
});
