import type { Hex } from 'viem';
import type { ContractConfig } from '../indexer/config.ts';
import { CONTRACTS_STREAM, type IndexedDeployment } from '../indexer/context.ts';
import type { FinalityPolicy } from '../indexer/finality.ts';
import { fetchHeader } from '../indexer/headers.ts';
import { createIndexer, type Indexer, type IndexerStatus } from '../indexer/indexer.ts';
import type { IndexerDatabase } from '../indexer/schema.ts';
import { deploymentIdOf } from '../ledger/keys.ts';
import type { Journal } from '../platform/journal/journal.ts';
import type { Chain } from './chain.ts';
import type { Folder } from './folder.ts';

/** Nothing of another contract is a player's: its topic has one order. */
const PARTITIONS = 1;

/** The indexers of the contracts beside our own, by name. What stops one stops nothing else. */
export interface FurtherContracts {
  status(): Readonly<Record<string, IndexerStatus>>;
  stop(): Promise<void>;
}

/**
 * Indexes each further contract as a stream of its own: its events go to tables named after it and to
 * `croupier.contracts`. A contract that the chain does not have is passed over, and `say` gets the
 * sentence: after a reset of the chain that is usual.
 */
export async function startFurtherContracts(args: {
  contracts: Readonly<Record<string, ContractConfig>>;
  folder: Folder;
  indexerJournal: Journal<IndexerDatabase>;
  chain: Chain;
  finality: FinalityPolicy;
  holder: string;
  say: (sentence: string) => void;
}): Promise<FurtherContracts> {
  const { chain, folder, say } = args;
  const indexers = new Map<string, Indexer>();
  const stop = async (): Promise<void> => {
    for (const indexer of indexers.values()) await indexer.stop();
  };
  try {
    for (const [name, contract] of Object.entries(args.contracts)) {
      const deployment = await findContract(chain, contract);
      if (!deployment) {
        say(
          `${name} is not indexed: the chain has no contract at ${contract.address}, or no block ${contract.startBlock}.`,
        );
        continue;
      }
      const indexer = createIndexer({
        stream: CONTRACTS_STREAM,
        config: {
          chains: {
            [contract.chain]: { id: chain.chainId, rpc: chain.rpcUrl, ws: chain.wsUrl },
          },
          contracts: { [name]: contract },
        },
        deployment,
        journal: args.indexerJournal,
        warehouse: folder.warehouse,
        bus: folder.bus,
        partitions: PARTITIONS,
        finality: args.finality,
        devChain: chain.devNode,
        mineWhenIdle: chain.automine,
        holder: args.holder,
        clock: folder.ledger.clock,
        crash: folder.ledger.crash,
        onNotice: ({ message }) => say(message),
        onEnd: (end) =>
          say(
            end.kind === 'halted'
              ? `The index of ${name} halted: ${String(end.error)}`
              : `${name} is not indexed any more: the chain lost it.`,
          ),
      });
      indexers.set(name, indexer);
      await indexer.start();
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    status: () =>
      Object.fromEntries([...indexers].map(([name, indexer]) => [name, indexer.status()])),
    stop,
  };
}

/** One life of a contract, as BetBook's is one; undefined where the chain does not have it. */
async function findContract(
  chain: Chain,
  contract: ContractConfig,
): Promise<IndexedDeployment | undefined> {
  const first = await fetchHeader(chain.rpc, contract.startBlock);
  const code = await chain.rpc.call<Hex>('eth_getCode', [contract.address, 'latest']);
  if (!first || code === '0x') return undefined;
  return {
    deployment: deploymentIdOf({
      chainId: chain.chainId,
      betBook: contract.address,
      deployedBlockHash: first.hash,
    }),
    chainId: chain.chainId,
    deployedBlock: contract.startBlock,
    deployedBlockHash: first.hash,
  };
}
