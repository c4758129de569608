import type { IndexerDatabase } from '../indexer/schema.ts';
import type { AccountCache } from '../ledger/accountCache.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { type BetCounter, createBetCounter } from './betCounter.ts';
import type { Chain } from './chain.ts';
import { type ActiveDeployment, ensureDeployment } from './deployment.ts';
import type { Folder } from './folder.ts';
import { type Services, type ServicesStatus, startServices } from './services.ts';

/** How often the services are asked whether one of them halted. */
const WATCH_MS = 500;

/** The services of the deployment in use, and of its successor once the chain was reset. */
export interface DeployedServices {
  deployment(): ActiveDeployment;
  counter(): BetCounter;
  /** Nothing while one deployment is being replaced by the next. */
  status(): Promise<ServicesStatus | undefined>;
  wake(): void;
  /** Starts the services and begins to watch them. */
  start(): Promise<void>;
  /** Resolves once the present deployment is gone from the chain and its successor works. */
  replaced(): Promise<void>;
  /** Rejects when a stage halts for good. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** Finds or makes the deployment; its services start with `start`. */
export async function createDeployedServices(args: {
  folder: Folder;
  accounts: AccountCache;
  indexerJournal: Journal<IndexerDatabase>;
  chain: Chain;
  /** See `startServices`. */
  configPath: string;
  say: (sentence: string) => void;
}): Promise<DeployedServices> {
  const { folder, chain, say } = args;
  const { ledger, keys } = folder;
  const failed = Promise.withResolvers<never>();
  // Whoever waits for nothing else hears of it all the same.
  failed.promise.catch(() => {});
  let replaced = Promise.withResolvers<void>();
  let replacing: Promise<void> = Promise.resolve();
  let services: Services | undefined;
  let watch: NodeJS.Timeout | undefined;
  let deployment = await ensureDeployment({ chain, ledger, keys, say });
  let counter = counterOf(deployment);

  function counterOf({ id }: ActiveDeployment): BetCounter {
    return createBetCounter({ ledger, deployment: id, signer: folder.signer.address });
  }

  async function startOn(): Promise<void> {
    services = await startServices({
      ...args,
      deployment,
      onGone: () => {
        replacing = replace().catch(failed.reject);
      },
    });
  }

  async function replace(): Promise<void> {
    const old = services;
    services = undefined;
    await old?.stop();
    deployment = await ensureDeployment({ chain, ledger, keys, say });
    counter = counterOf(deployment);
    await startOn();
    replaced.resolve();
    replaced = Promise.withResolvers();
  }

  return {
    deployment: () => deployment,
    counter: () => counter,
    status: async () => await services?.status(),
    wake: () => services?.wake(),
    replaced: () => replaced.promise,
    failed: failed.promise,
    async start() {
      await startOn();
      watch = setInterval(async () => {
        const status = await services?.status().catch(() => undefined);
        if (status?.halted) failed.reject(status.halted);
      }, WATCH_MS);
    },
    async stop() {
      clearInterval(watch);
      await replacing;
      await services?.stop();
    },
  };
}
