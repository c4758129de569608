import { createExecutor, type Executor } from '../executor/executor.ts';
import { croupierConfig } from '../indexer/config.ts';
import { CHAIN_STREAM } from '../indexer/context.ts';
import type { FinalityPolicy } from '../indexer/finality.ts';
import { createIndexer, type Indexer } from '../indexer/indexer.ts';
import type { IndexerDatabase } from '../indexer/schema.ts';
import type { AccountCache } from '../ledger/accountCache.ts';
import { createMirror, type PartitionStatus } from '../mirror/mirror.ts';
import { CroupierError } from '../platform/errors.ts';
import type { Journal } from '../platform/journal/journal.ts';
import type { Chain } from './chain.ts';
import { readFurtherContracts } from './contractsConfig.ts';
import type { ActiveDeployment } from './deployment.ts';
import type { Folder } from './folder.ts';
import { type FurtherContracts, startFurtherContracts } from './furtherContracts.ts';

/** A Hardhat node's `finalized` tag equals its head, so there finality is a depth. */
const DEV_FINALITY_BLOCKS = 5;
/** The same name takes its leases back at once after a kill; the folder's lock keeps others out. */
const HOLDER = 'embedded';
/** Messages that the mirror may lack, steps and blocks that a stage may lag, and still be ready. */
const READY_LAG_MAX = { mirrorMessages: 5_000, steps: 50, blocks: 50 };

/** The services that work on one deployment: all but the gateway, which outlives it. */
export interface Services {
  /** An action was accepted: plan soon. */
  wake(): void;
  status(): Promise<ServicesStatus>;
  stop(): Promise<void>;
}

export interface ServicesStatus {
  readonly ready: boolean;
  readonly executor: ReturnType<Executor['status']>;
  readonly indexer: ReturnType<Indexer['status']>;
  readonly mirror: readonly PartitionStatus[];
  /** Of the contracts beside our own; no bet waits for them. */
  readonly contracts: ReturnType<FurtherContracts['status']>;
  /** What stopped a stage for good, if anything did. */
  readonly halted: CroupierError | null;
}

/** Starts executor, indexer and mirror. `onGone`: the chain has lost the deployment. */
export async function startServices(args: {
  folder: Folder;
  accounts: AccountCache;
  indexerJournal: Journal<IndexerDatabase>;
  chain: Chain;
  deployment: ActiveDeployment;
  /** Names the contracts that are indexed beside our own. */
  configPath: string;
  say: (sentence: string) => void;
  onGone: () => void;
}): Promise<Services> {
  const { folder, accounts, chain, deployment } = args;
  const { ledger, bus, warehouse } = folder;
  const { facts } = deployment;
  const finality: FinalityPolicy = chain.devNode
    ? { depth: DEV_FINALITY_BLOCKS }
    : { tag: 'finalized' };
  const further = await readFurtherContracts({ path: args.configPath, chain, facts });
  let contracts: FurtherContracts | undefined;
  let indexerEnd: unknown = null;

  const consumer = 'mirror';
  const mirror = createMirror({ ledger, accounts, bus, deployment: deployment.id, consumer });
  const indexer = createIndexer({
    stream: CHAIN_STREAM,
    config: croupierConfig({ ...facts, rpcUrl: chain.rpcUrl, wsUrl: chain.wsUrl }),
    deployment: {
      deployment: deployment.id,
      chainId: facts.chainId,
      deployedBlock: facts.deployedBlock,
      deployedBlockHash: facts.deployedBlockHash,
    },
    journal: args.indexerJournal,
    warehouse,
    bus,
    partitions: facts.partitions,
    finality,
    devChain: chain.devNode,
    mineWhenIdle: chain.automine,
    holder: HOLDER,
    clock: ledger.clock,
    crash: ledger.crash,
    onNotice: ({ message }) => args.say(message),
    onEnd: (end) => {
      if (end.kind === 'deployment_gone') args.onGone();
      else indexerEnd = end.error;
    },
  });
  const executor = createExecutor({
    ledger,
    rpc: chain.rpc,
    deployment: deployment.id,
    facts,
    signer: folder.signer,
    holder: HOLDER,
    limits: { finalityBlocks: DEV_FINALITY_BLOCKS },
  });

  const stop = async (): Promise<void> => {
    await executor.stop();
    await contracts?.stop();
    await indexer.stop();
    await mirror.stop();
  };
  try {
    await mirror.start();
    await indexer.start();
    await executor.start();
    contracts = await startFurtherContracts({
      ...args,
      contracts: further,
      finality,
      holder: HOLDER,
    });
  } catch (error) {
    // What already runs would keep the process alive, on adapters that are closed.
    await stop();
    throw error;
  }

  async function status(): Promise<ServicesStatus> {
    const now = {
      executor: executor.status(),
      indexer: indexer.status(),
      mirror: await mirror.status(),
      contracts: contracts?.status() ?? {},
    };
    return { ...now, ready: isReady(now), halted: haltOf(now, indexerEnd) };
  }

  return {
    wake: () => executor.wake(),
    status,
    stop,
  };
}

type Stages = Pick<ServicesStatus, 'executor' | 'indexer' | 'mirror'>;

function isReady({ executor, indexer, mirror }: Stages): boolean {
  const sinks = Object.values(indexer.sinks);
  return (
    executor.state === 'running' &&
    executor.lanes.every((lane) => lane.error === null) &&
    indexer.state === 'running' &&
    indexer.headBlock - indexer.indexedBlock <= READY_LAG_MAX.blocks &&
    sinks.every((sink) => sink.error === null && sink.behindSteps <= READY_LAG_MAX.steps) &&
    mirror.every(({ state, lag }) => state === 'running' && lag <= READY_LAG_MAX.mirrorMessages)
  );
}

function haltOf({ executor, indexer, mirror }: Stages, indexerEnd: unknown): CroupierError | null {
  if (indexerEnd instanceof CroupierError) return indexerEnd;
  if (indexerEnd) return halt('indexer', indexer.error, indexerEnd);
  if (executor.state === 'halted') return halt('executor', executor.error);
  const partition = mirror.find(({ state }) => state === 'halted');
  return partition ? halt(`mirror of partition ${partition.partition}`, partition.error) : null;
}

function halt(
  stage: string,
  error: { code: string; message: string } | null | undefined,
  cause?: unknown,
): CroupierError {
  return new CroupierError({
    code: error?.code ?? 'STAGE_HALTED',
    errorClass: 'fatal',
    message: `the ${stage} halted: ${error?.message ?? String(cause)}`,
    cause,
  });
}
