import { expect, test, vi } from 'vitest';
import { checkConfig, croupierConfig, type IndexerConfig } from './config.ts';

const config = croupierConfig({
  chainId: 31829,
  rpcUrl: 'http://localhost:8545',
  treasury: `0x${'01'.repeat(20)}`,
  betBook: `0x${'02'.repeat(20)}`,
  deployedBlock: 3,
});

test('the configuration of a deployment is accepted', () => {
  expect(() => checkConfig(config)).not.toThrow();
});

test.for([
  ['database', { ...config, database: {} }],
  [
    'chains.croupier.pollingInterval',
    { ...config, chains: { croupier: { ...config.chains.croupier, pollingInterval: 1 } } },
  ],
  [
    'contracts.BetBook.endBlock',
    { ...config, contracts: { BetBook: { ...config.contracts.BetBook, endBlock: 9 } } },
  ],
  [
    'contracts.BetBook.chain',
    { ...config, contracts: { BetBook: { ...config.contracts.BetBook, chain: 'other' } } },
  ],
  [
    'contracts.BetBook.startBlock',
    { ...config, contracts: { BetBook: { ...config.contracts.BetBook, startBlock: 'latest' } } },
  ],
] as [string, unknown][])('%s is refused by its name', ([key, given]) => {
  expect(() => checkConfig(given as IndexerConfig)).toThrow(
    expect.objectContaining({ code: 'INDEXER_CONFIG_UNSUPPORTED', details: { key } }),
  );
});

test('ponder.config.ts is filled by the environment and accepted', async () => {
  vi.stubEnv('CHAIN_ID', '31829');
  vi.stubEnv('CHAIN_RPC_URL', 'http://localhost:8545');
  vi.stubEnv('CHAIN_WS_URL', 'ws://localhost:8545');
  vi.stubEnv('CROUPIER_TREASURY', `0x${'01'.repeat(20)}`);
  vi.stubEnv('CROUPIER_BET_BOOK', `0x${'02'.repeat(20)}`);
  vi.stubEnv('CROUPIER_START_BLOCK', '3');
  const { default: loaded } = await import('../ponder.config.ts');
  vi.unstubAllEnvs();
  expect(() => checkConfig(loaded)).not.toThrow();
  expect(loaded.contracts.BetBook).toMatchObject({
    address: `0x${'02'.repeat(20)}`,
    startBlock: 3,
  });
});
