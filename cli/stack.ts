import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createRelay } from '../gateway/relay.ts';
import { createGateway } from '../gateway/server.ts';
import { type IndexerDatabase, indexerMigrations } from '../indexer/schema.ts';
import type { LedgerContext } from '../ledger/ledger.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { lockDataFolder, writeProcessFile } from '../platform/dataFolder.ts';
import { openSqliteJournal } from '../platform/journal/sqlite.ts';
import type { Warehouse } from '../platform/warehouse/warehouse.ts';
import { type Chain, connectChain, startOwnChain } from './chain.ts';
import { crashFromEnvironment } from './crashPoint.ts';
import { type ActiveDeployment, DEMO_PROVIDER, ensureDeployment } from './deployment.ts';
import { countBets } from './figures.ts';
import { openFolder } from './folder.ts';
import type { Figures } from './liveStatus.ts';
import { openLogFile } from './logFile.ts';
import { type Services, startServices } from './services.ts';

const HOST = '127.0.0.1';
/** How often the services are asked whether one of them halted. */
const WATCH_MS = 500;

/** Everything that `croupier dev` runs, on embedded adapters and one data folder. */
export interface Stack {
  /** Of the gateway. */
  readonly url: string;
  readonly chain: Chain;
  readonly ledger: LedgerContext;
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

/**
 * Opens the data folder, starts or connects the chain, finds or makes the deployment and starts all
 * services. With port 0 gateway and chain get free ones; else the chain's is `port` + 1.
 * @throws CroupierError `DATA_FOLDER_BUSY`, `PORT_BUSY`, `CHAIN_UNREACHABLE`, `DEV_ACCOUNTS_EMPTY` (final)
 * and what the services' starts throw; then everything that was started is closed again
 */
export async function startStack(args: {
  dataFolder: string;
  port: number;
  rpcUrl?: string;
  wsUrl?: string;
  say: (sentence: string) => void;
}): Promise<Stack> {
  const { dataFolder, say } = args;
  const crash = crashFromEnvironment(process.env.CROUPIER_CRASH);
  /** What was started, to be closed in the opposite order. */
  const started: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let end = started.pop(); end; end = started.pop()) await end();
  };
  try {
    const lock = await lockDataFolder(dataFolder);
    started.push(() => lock.release());
    const log = openLogFile(join(dataFolder, 'croupier.log'));
    started.push(async () => log.close());
    const chain =
      args.rpcUrl === undefined
        ? await startOwnChain({
            port: args.port === 0 ? 0 : args.port + 1,
            logPath: join(dataFolder, 'chain.log'),
          })
        : await connectChain({
            rpcUrl: args.rpcUrl,
            ...(args.wsUrl === undefined ? {} : { wsUrl: args.wsUrl }),
          });
    started.push(() => chain.close());
    const folder = await openFolder(dataFolder, crash);
    started.push(() => folder.close());
    const indexerJournal = await openSqliteJournal<IndexerDatabase>({
      path: join(dataFolder, 'indexer.sqlite'),
      migrations: indexerMigrations,
      clock: folder.ledger.clock,
    });
    started.push(() => indexerJournal.close());

    const { ledger, bus, warehouse, keys } = folder;
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => {});
    let replaced = Promise.withResolvers<void>();
    let services: Services | undefined;
    let replacing: Promise<void> = Promise.resolve();

    let deployment = await ensureDeployment({ chain, ledger, keys, say });
    const start = async (): Promise<void> => {
      services = await startServices({
        folder,
        indexerJournal,
        chain,
        deployment,
        say,
        onGone: () => {
          replacing = replace().catch(failed.reject);
        },
      });
    };
    const replace = async (): Promise<void> => {
      await services?.stop();
      services = undefined;
      deployment = await ensureDeployment({ chain, ledger, keys, say });
      await start();
      replaced.resolve();
      replaced = Promise.withResolvers();
    };

    const relay = createRelay({
      ledger,
      bus,
      partitions: deployment.facts.partitions,
      onError: (error) => log.write('relay', error),
    });
    const operatorToken = randomBytes(32).toString('base64url');
    const health = async () => {
      const status = await services?.status();
      return status
        ? { ready: status.ready, details: { ...status, halted: status.halted?.message ?? null } }
        : { ready: false, details: { services: 'the deployment is being replaced' } };
    };
    const gateway = createGateway({
      ledger,
      currentDeployment: () => deployment.id,
      host: HOST,
      port: args.port,
      operatorToken,
      admin: {
        trace: folder.operations.trace,
        session: folder.operations.openSession,
        sql: folder.operations.sql,
        status: async () => ({ figures: await figures(), services: (await health()).details }),
      },
      health,
      randomBytes,
      onAccepted: () => services?.wake(),
      onCall: () => services?.wake(),
      onError: (error) => log.write('gateway', error),
    });
    // Before anything works on the chain, so that a busy port leaves nothing half done.
    const url = await gateway.listen();
    started.push(() => gateway.close());
    await relay.start();
    started.push(() => relay.stop());
    started.push(async () => {
      await replacing;
      await services?.stop();
    });
    await start();

    const watch = setInterval(async () => {
      const status = await services?.status().catch(() => undefined);
      if (status?.halted) {
        log.write('services', status.halted);
        failed.reject(status.halted);
      }
    }, WATCH_MS);
    started.push(async () => clearInterval(watch));
    await writeProcessFile(dataFolder, { url, token: operatorToken, pid: process.pid });

    let before = { atMs: ledger.clock.nowMs(), accepted: 0 };
    let betsPerSecond = 0;
    const figures = async (): Promise<Figures> => {
      const counts = await countBets(ledger, deployment.id);
      const status = await services?.status();
      const nowMs = ledger.clock.nowMs();
      // Over a second and more, since single intervals jump.
      if (nowMs - before.atMs >= 1_000) {
        betsPerSecond =
          Math.max(0, counts.accepted - before.accepted) / ((nowMs - before.atMs) / 1000);
        before = { atMs: nowMs, accepted: counts.accepted };
      }
      return {
        ...counts,
        betsPerSecond,
        lag: {
          executorActions: counts.waitingActions,
          indexerBlocks: status ? status.indexer.headBlock - status.indexer.indexedBlock : 0,
          warehouseSteps: status?.indexer.sinks.warehouse.behindSteps ?? 0,
          busSteps: status?.indexer.sinks.bus.behindSteps ?? 0,
          mirrorMessages: status?.mirror.reduce((sum, { lag }) => sum + lag, 0) ?? 0,
        },
      };
    };

    return {
      url,
      chain,
      ledger,
      bus,
      warehouse,
      demoCredentials: { keyId: DEMO_PROVIDER.keyId, secret: keys.demoSecret },
      deployment: () => deployment,
      replaced: () => replaced.promise,
      figures,
      unfinal: async () => {
        const { unfinalActions } = await countBets(ledger, deployment.id);
        const status = await services?.status();
        return unfinalActions + (status?.indexer.sinks.warehouse.behindSteps ?? 1);
      },
      failed: failed.promise,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
