import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ContractConfig, checkConfig, type IndexerConfig } from '../indexer/config.ts';
import type { DeploymentFacts } from '../ledger/ledger.ts';
import { CroupierError } from '../platform/errors.ts';
import type { Chain } from './chain.ts';

/** The configuration that is read where no other is named. */
export const DEFAULT_CONFIG = resolve(import.meta.dirname, '..', 'ponder.config.ts');

/** Indexed from the deployment's facts, whatever the file says about them. */
const OWN_CONTRACTS = ['Treasury', 'BetBook'];

/**
 * The contracts beside our own that `ponder.config.ts`, or another file of its shape, configures, by
 * name. While it is read, the environment holds the deployment's facts.
 * @throws CroupierError `CONFIG_UNREADABLE`, `INDEXER_CONFIG_UNSUPPORTED` (final)
 */
export async function readFurtherContracts(args: {
  path: string;
  chain: Chain;
  facts: DeploymentFacts;
}): Promise<Record<string, ContractConfig>> {
  const { path, chain, facts } = args;
  const config = await withEnvironment(
    {
      CHAIN_ID: String(facts.chainId),
      CHAIN_RPC_URL: chain.rpcUrl,
      CHAIN_WS_URL: chain.wsUrl,
      CROUPIER_TREASURY: facts.treasury,
      CROUPIER_BET_BOOK: facts.betBook,
      CROUPIER_START_BLOCK: String(facts.deployedBlock),
    },
    () => importConfig(path, facts),
  );
  checkConfig(config);
  return Object.fromEntries(
    Object.entries(config.contracts).filter(([name]) => !OWN_CONTRACTS.includes(name)),
  );
}

/** A module is read once per URL: each deployment gets one of its own. */
async function importConfig(path: string, facts: DeploymentFacts): Promise<IndexerConfig> {
  const url = pathToFileURL(resolve(path));
  url.search = facts.deployedBlockHash;
  try {
    const loaded: { default: IndexerConfig } = await import(url.href);
    return loaded.default;
  } catch (error) {
    throw new CroupierError({
      code: 'CONFIG_UNREADABLE',
      errorClass: 'final',
      message: `got ${error instanceof Error ? error.message : String(error)} from ${path}, expected a configuration.`,
      cause: error,
    });
  }
}

async function withEnvironment<Result>(
  values: Readonly<Record<string, string>>,
  use: () => Promise<Result>,
): Promise<Result> {
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, values);
  try {
    return await use();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
