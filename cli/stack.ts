import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Health } from '../gateway/health.ts';
import { createRelay } from '../gateway/relay.ts';
import { createGateway } from '../gateway/server.ts';
import { type IndexerDatabase, indexerMigrations } from '../indexer/schema.ts';
import { createAccountCache } from '../ledger/accountCache.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { lockDataFolder, writeProcessFile } from '../platform/dataFolder.ts';
import { openSqliteJournal } from '../platform/journal/sqlite.ts';
import type { Warehouse } from '../platform/warehouse/warehouse.ts';
import { type Chain, connectChain, startOwnChain } from './chain.ts';
import { crashFromEnvironment } from './crashPoint.ts';
import { createDeployedServices, type DeployedServices } from './deployedServices.ts';
import { type ActiveDeployment, DEMO_PROVIDER } from './deployment.ts';
import { createFigures } from './figures.ts';
import { openFolder } from './folder.ts';
import { checkPortFree } from './freePort.ts';
import type { Figures } from './liveStatus.ts';
import { openLogFile } from './logFile.ts';

const HOST = '127.0.0.1';

/** Everything that `croupier dev` runs, on embedded adapters and one data folder. */
export interface Stack {
  /** Of the gateway. */
  readonly url: string;
  readonly chain: Chain;
  readonly bus: Bus;
  readonly warehouse: Warehouse;
  readonly demoCredentials: { readonly keyId: string; readonly secret: string };
  /** The one in use; another one after the chain was reset. */
  deployment(): ActiveDeployment;
  /** Resolves once the present deployment is gone from the chain and its successor works. */
  replaced(): Promise<void>;
  figures(): Promise<Figures>;
  /** Accepted actions that are not final in the ledger, plus steps that the warehouse lacks. */
  unfinal(): Promise<number>;
  /** Rejects when a stage halts for good. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

export interface StackArgs {
  readonly dataFolder: string;
  /** Of the gateway; our own chain's is the next one. 0: free ones. */
  readonly port: number;
  /** A chain that runs already, instead of our own. */
  readonly rpcUrl?: string;
  readonly wsUrl?: string;
  /** Names the contracts that are indexed beside our own. */
  readonly configPath: string;
  /** Gets the sentences that a person should read. */
  readonly say: (sentence: string) => void;
}

/**
 * Opens the data folder, starts or connects the chain, finds or makes the deployment and starts all
 * services.
 * @throws CroupierError `DATA_FOLDER_BUSY`, `PORT_BUSY`, `CHAIN_UNREACHABLE`, `DEV_ACCOUNTS_EMPTY` (final)
 * and what the services' starts throw; then everything that was started is closed again
 */
export async function startStack(args: StackArgs): Promise<Stack> {
  /** What was started, to be closed in the opposite order. */
  const started: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let end = started.pop(); end; end = started.pop()) await end();
  };
  try {
    return { ...(await startAll(args, (end) => started.push(end))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startAll(
  args: StackArgs,
  atEnd: (end: () => Promise<void>) => void,
): Promise<Omit<Stack, 'close'>> {
  const { dataFolder, say } = args;
  const crash = crashFromEnvironment(process.env.CROUPIER_CRASH);
  const lock = await lockDataFolder(dataFolder);
  atEnd(() => lock.release());
  await checkPortFree(HOST, args.port);
  const log = openLogFile(join(dataFolder, 'croupier.log'));
  atEnd(async () => log.close());
  const chain = await openChain(args);
  atEnd(() => chain.close());
  const folder = await openFolder(dataFolder, crash);
  atEnd(() => folder.close());
  const { ledger, bus, cache, warehouse, keys, operations } = folder;
  const indexerJournal = await openSqliteJournal<IndexerDatabase>({
    path: join(dataFolder, 'indexer.sqlite'),
    migrations: indexerMigrations,
    clock: ledger.clock,
  });
  atEnd(() => indexerJournal.close());
  const accounts = createAccountCache({
    ledger,
    cache,
    onError: (error) => log.write('cache', error),
  });

  const services = await createDeployedServices({
    folder,
    accounts,
    indexerJournal,
    chain,
    configPath: args.configPath,
    say,
  });
  services.failed.catch((error: unknown) => log.write('services', error));
  const figures = createFigures({ services, clock: ledger.clock });
  const token = randomBytes(32).toString('base64url');
  const gateway = createGateway({
    ledger,
    accounts,
    currentDeployment: () => services.deployment().id,
    host: HOST,
    port: args.port,
    operatorToken: token,
    admin: {
      trace: operations.trace,
      session: operations.openSession,
      sql: operations.sql,
      status: async () => ({ figures: await figures(), ...(await healthOf(services)).details }),
    },
    health: () => healthOf(services),
    randomBytes,
    onAccepted: services.wake,
    onCall: services.wake,
    onError: (error) => log.write('gateway', error),
  });
  const url = await gateway.listen();
  atEnd(() => gateway.close());
  const relay = createRelay({
    ledger,
    bus,
    partitions: services.deployment().facts.partitions,
    onError: (error) => log.write('relay', error),
  });
  await relay.start();
  atEnd(() => relay.stop());
  atEnd(() => services.stop());
  await services.start();
  await writeProcessFile(dataFolder, { url, token, pid: process.pid });

  return {
    url,
    chain,
    bus,
    warehouse,
    demoCredentials: { keyId: DEMO_PROVIDER.keyId, secret: keys.demoSecret },
    deployment: services.deployment,
    replaced: services.replaced,
    figures,
    unfinal: async () => {
      const unfinalActions = await services.counter().unfinalActions();
      const status = await services.status();
      return unfinalActions + (status?.indexer.sinks.warehouse.behindSteps ?? 1);
    },
    failed: services.failed,
  };
}

function openChain({ dataFolder, port, rpcUrl, wsUrl }: StackArgs): Promise<Chain> {
  if (rpcUrl !== undefined) {
    return connectChain({ rpcUrl, ...(wsUrl === undefined ? {} : { wsUrl }) });
  }
  return startOwnChain({
    port: port === 0 ? 0 : port + 1,
    logPath: join(dataFolder, 'chain.log'),
  });
}

async function healthOf(services: DeployedServices): Promise<Health> {
  const status = await services.status();
  if (!status) return { ready: false, details: { services: 'the deployment is being replaced' } };
  return { ready: status.ready, details: { ...status, halted: status.halted?.message ?? null } };
}
