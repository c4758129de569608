import type { Abi, Address } from 'viem';
import { betBookAbi } from '../contracts/generated/betBook.ts';
import { treasuryAbi } from '../contracts/generated/treasury.ts';
import { CroupierError } from '../platform/errors.ts';

/** A chain in Ponder's shape; `rpc` and `ws` are URLs. */
export interface ChainConfig {
  readonly id: number;
  readonly rpc: string;
  readonly ws?: string;
}

/** A contract in Ponder's shape; `chain` is a key of `chains`. */
export interface ContractConfig {
  readonly chain: string;
  readonly abi: Abi;
  readonly address: Address;
  /** The contract's events count from this block on. */
  readonly startBlock: number;
}

/** The part of Ponder's configuration that this indexer reads. */
export interface IndexerConfig {
  readonly chains: Readonly<Record<string, ChainConfig>>;
  readonly contracts: Readonly<Record<string, ContractConfig>>;
}

const KEYS = {
  config: ['chains', 'contracts'],
  chain: ['id', 'rpc', 'ws'],
  contract: ['chain', 'abi', 'address', 'startBlock'],
};

/** Types a configuration; as in Ponder it returns what it was given. */
export function createConfig<const Config extends IndexerConfig>(config: Config): Config {
  return config;
}

/** The configuration of one Croupier deployment. */
export function croupierConfig(facts: {
  chainId: number;
  rpcUrl: string;
  wsUrl?: string;
  treasury: Address;
  betBook: Address;
  deployedBlock: number;
}): IndexerConfig {
  const chain = { id: facts.chainId, rpc: facts.rpcUrl };
  const place = { chain: 'croupier', startBlock: facts.deployedBlock };
  return createConfig({
    chains: { croupier: facts.wsUrl === undefined ? chain : { ...chain, ws: facts.wsUrl } },
    contracts: {
      Treasury: { ...place, abi: treasuryAbi, address: facts.treasury },
      BetBook: { ...place, abi: betBookAbi, address: facts.betBook },
    },
  });
}

/**
 * Refuses what this indexer would otherwise ignore in silence.
 * @throws CroupierError `INDEXER_CONFIG_UNSUPPORTED` (final) naming the key
 */
export function checkConfig(config: IndexerConfig): void {
  refuseOthers('', config, KEYS.config);
  const chains = Object.entries(config.chains);
  for (const [name, chain] of chains) refuseOthers(`chains.${name}.`, chain, KEYS.chain);
  if (chains.length !== 1) throw unsupported('chains', `${chains.length} chains`, 'exactly one');
  for (const [name, contract] of Object.entries(config.contracts)) {
    const path = `contracts.${name}.`;
    refuseOthers(path, contract, KEYS.contract);
    if (!(contract.chain in config.chains)) {
      throw unsupported(
        `${path}chain`,
        String(contract.chain),
        `one of chains (${chains[0]?.[0]})`,
      );
    }
    if (typeof contract.address !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(contract.address)) {
      throw unsupported(`${path}address`, describe(contract.address), 'one address');
    }
    if (!Number.isSafeInteger(contract.startBlock) || contract.startBlock < 0) {
      throw unsupported(`${path}startBlock`, describe(contract.startBlock), 'a block number');
    }
  }
}

function refuseOthers(path: string, value: object, allowed: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) {
      throw unsupported(
        `${path}${key}`,
        'a key that is not supported',
        `only ${allowed.join(', ')}`,
      );
    }
  }
}

function unsupported(key: string, got: string, expected: string): CroupierError {
  return new CroupierError({
    code: 'INDEXER_CONFIG_UNSUPPORTED',
    errorClass: 'final',
    message: `got ${got} at ${key} of the configuration, expected ${expected}`,
    details: { key },
  });
}

function describe(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : typeof value;
}
