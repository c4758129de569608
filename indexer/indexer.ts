import type { Bus } from '../platform/bus/bus.ts';
import { watchHeads } from '../platform/chain/heads.ts';
import { createRpc } from '../platform/chain/rpc.ts';
import type { Clock } from '../platform/clock.ts';
import type { Crash } from '../platform/crash.ts';
import { CroupierError } from '../platform/errors.ts';
import type { Journal } from '../platform/journal/journal.ts';
import type { Warehouse } from '../platform/warehouse/warehouse.ts';
import { createBusSink } from './busSink.ts';
import type { IndexerConfig } from './config.ts';
import type { IndexedDeployment, IndexerContext, Notice, Stream } from './context.ts';
import { createDecoder } from './decode.ts';
import { eventSpecsOf } from './events.ts';
import type { FinalityPolicy } from './finality.ts';
import { createFollower, type Follower } from './follow.ts';
import { createIdleMiner } from './idleMiner.ts';
import { type Fence, releaseLease, renewLease, takeLease } from './lease.ts';
import type { IndexerDatabase, SinkName } from './schema.ts';
import { createSignal } from './signal.ts';
import { runSink, type Sink, type SinkProgress } from './sink.ts';
import { openStream } from './stream.ts';
import { ensureTables, tablesOf } from './tables.ts';
import { createWarehouseSink } from './warehouseSink.ts';

const RPC_TIMEOUT_MS = 15_000;
const DEV_POLL_MS = 200;
const POLL_MS = 1_000;
const LEASE_TTL_MS = 10_000;
const LEASE_RENEW_MS = 3_000;
const LEASE_WAIT_MS = 15_000;
/** New blocks become one larger step while a sink is more than this many steps behind. */
const LAG_STEPS_MAX = 2;
/** A sink that fails for longer no longer holds the others up. */
const PATIENCE_MS = 3_000;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 5_000;

export interface IndexerArgs {
  readonly stream: Stream;
  /** `ponder.config.ts`, or `croupierConfig(facts)`. */
  readonly config: IndexerConfig;
  readonly deployment: IndexedDeployment;
  /** `indexer.sqlite`, with `indexerMigrations`. */
  readonly journal: Journal<IndexerDatabase>;
  readonly warehouse: Warehouse;
  readonly bus: Bus;
  /** Of the topic: a power of two; of `croupier.chain` at most the number of shards. */
  readonly partitions: number;
  readonly finality: FinalityPolicy;
  /** A chain that can be reverted and reset at will: below final it is rebuilt, not judged. */
  readonly devChain: boolean;
  /** Mine on a dev chain that makes no blocks while it is idle. */
  readonly mineWhenIdle: boolean;
  /** Name of this process in the lease: the same name takes over at once. */
  readonly holder: string;
  readonly clock: Clock;
  readonly crash: Crash;
  /** Sentences for the operator, each said once. */
  readonly onNotice: (notice: Notice) => void;
  /** The indexer stopped by itself: the deployment is gone from the chain, or `error` halts it. */
  readonly onEnd: (end: IndexerEnd) => void;
}

export type IndexerEnd =
  | { readonly kind: 'deployment_gone' }
  | { readonly kind: 'halted'; readonly error: unknown };

export interface SinkStatus {
  readonly step: number;
  readonly behindSteps: number;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface IndexerStatus {
  readonly state: 'stopped' | 'running' | 'halted' | 'deployment_gone';
  readonly epoch: number;
  readonly step: number;
  readonly headBlock: number;
  readonly indexedBlock: number;
  readonly finalBlock: number | null;
  readonly sinks: Readonly<Record<SinkName, SinkStatus>>;
  /** Why it halted, or what it is trying again. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface Indexer {
  /**
   * Resolves once the stream is open and both sinks run; the backfill goes on behind.
   * @throws CroupierError `INDEXER_CONFIG_UNSUPPORTED` (final), `INDEXER_CHAIN_DIFFERS` (fatal),
   * `INDEXER_LEASE_HELD` (retryable), `WAREHOUSE_TABLE_DIFFERS`, `BUS_PARTITIONS_DIFFER`,
   * `WAREHOUSE_STEP_DIFFERS` (fatal)
   */
  start(): Promise<void>;
  /** Finishes what is under way and gives the lease back. */
  stop(): Promise<void>;
  status(): IndexerStatus;
}

/** Chain → steps → warehouse and bus, for one deployment. */
export function createIndexer(args: IndexerArgs): Indexer {
  const { clock, journal } = args;
  const specs = eventSpecsOf(args.config);
  const [chain] = Object.values(args.config.chains);
  if (!chain) throw new Error('got a checked configuration without a chain');
  const rpc = createRpc({ url: chain.rpc, timeoutMs: RPC_TIMEOUT_MS });
  const abort = new AbortController();
  const wake = createSignal(clock);
  const sinkWakes = { warehouse: createSignal(clock), bus: createSignal(clock) };
  const progress: SinkProgress[] = [];
  const loops: Promise<void>[] = [];
  let state: IndexerStatus['state'] = 'stopped';
  let error: IndexerStatus['error'] = null;
  let follower: Follower | undefined;
  let fence: Fence | undefined;

  async function start(): Promise<void> {
    await checkChainId(chain?.id ?? 0);
    const taken = await acquireLease();
    fence = taken;
    const context: IndexerContext = {
      stream: args.stream,
      deployment: args.deployment,
      journal,
      warehouse: args.warehouse,
      bus: args.bus,
      rpc,
      clock,
      crash: args.crash,
      specs,
      tables: tablesOf(specs),
      decoder: createDecoder(specs),
      partitions: args.partitions,
      finality: args.finality,
      devChain: args.devChain,
      fence: taken,
      onNotice: args.onNotice,
    };
    await args.bus.ensureTopic(args.stream.topic, args.partitions);
    await ensureTables(args.warehouse, specs);
    const opened = await openStream(context);
    const follow = createFollower(context, opened);
    follower = follow;
    state = 'running';
    for (const sink of [createWarehouseSink(context), createBusSink(context)]) {
      const own: SinkProgress = {
        name: sink.name,
        epoch: opened.state.epoch,
        step: opened.cursors[sink.name],
        failingSinceMs: undefined,
        error: undefined,
      };
      progress.push(own);
      run(runOneSink(context, sink, own, follow));
    }
    run(runFollower(context, follow));
    run(runHeads());
    run(runLease(taken));
  }

  /** A loop that fails halts itself; the others go on until `stop`. */
  function run(loop: Promise<void>): void {
    loops.push(
      loop.catch((cause: unknown) => {
        if (state === 'running') {
          state = 'halted';
          error = describe(cause);
        }
        args.onEnd({ kind: 'halted', error: cause });
      }),
    );
  }

  async function runOneSink(
    context: IndexerContext,
    sink: Sink,
    own: SinkProgress,
    follow: Follower,
  ): Promise<void> {
    try {
      await runSink(context, sink, own, {
        current: follow.state,
        wake: sinkWakes[sink.name],
        onProgress: wake.notify,
        signal: abort.signal,
      });
    } catch (cause) {
      own.failingSinceMs = 0;
      own.error = describe(cause);
      throw cause;
    }
  }

  async function runFollower(context: IndexerContext, follow: Follower): Promise<void> {
    const miner = args.mineWhenIdle ? createIdleMiner({ ...context, rpc }) : undefined;
    let backOffMs = BACK_OFF_MIN_MS;
    while (!abort.signal.aborted) {
      if (!mayDefine(follow)) {
        await wake.wait(POLL_MS);
        continue;
      }
      try {
        const result = await follow.round();
        if (state === 'running') error = null;
        backOffMs = BACK_OFF_MIN_MS;
        sinkWakes.warehouse.notify();
        sinkWakes.bus.notify();
        if (result === 'gone') return deploymentGone();
        if (result === 'advanced') continue;
        if (await miner?.mineIfIdle(follow.head(), follow.awaitedBlock())) continue;
        await wake.wait(POLL_MS);
      } catch (cause) {
        if (!(cause instanceof CroupierError) || cause.errorClass === 'fatal') throw cause;
        // Unknown is not failed: also what a node calls final may be otherwise from the next one.
        if (state === 'running') error = describe(cause);
        await clock.sleep(backOffMs, abort.signal);
        backOffMs = Math.min(backOffMs * 2, BACK_OFF_MAX_MS);
      }
    }
  }

  /** Whether the sinks keep up; one that is down is not waited for. */
  function mayDefine(follow: Follower): boolean {
    const { epoch, step } = follow.state();
    return progress.every((own) => {
      const behind = step - (own.epoch === epoch ? own.step : 0);
      const isDown =
        own.failingSinceMs !== undefined && clock.nowMs() - own.failingSinceMs > PATIENCE_MS;
      return isDown || behind <= LAG_STEPS_MAX;
    });
  }

  async function runHeads(): Promise<void> {
    const heads = watchHeads({
      rpc,
      ...(chain?.ws === undefined ? {} : { wsUrl: chain.ws }),
      pollMs: args.devChain ? DEV_POLL_MS : POLL_MS,
      clock,
      signal: abort.signal,
    });
    for await (const _ of heads) wake.notify();
  }

  async function runLease(taken: Fence): Promise<void> {
    while (!abort.signal.aborted) {
      const error = await renewLease(args, taken, LEASE_TTL_MS).catch((cause: unknown) => cause);
      // A busy journal may be free again in time, and if not, the fence keeps two writers apart.
      const isBusy = isRetryable(error);
      if (error !== undefined && !isBusy) throw error;
      await clock.sleep(isBusy ? BACK_OFF_MIN_MS : LEASE_RENEW_MS, abort.signal);
    }
  }

  function deploymentGone(): void {
    state = 'deployment_gone';
    abort.abort();
    sinkWakes.warehouse.notify();
    sinkWakes.bus.notify();
    args.onEnd({ kind: 'deployment_gone' });
  }

  async function checkChainId(expected: number): Promise<void> {
    const got = Number(await rpc.call<string>('eth_chainId', []));
    if (got === expected) return;
    throw new CroupierError({
      code: 'INDEXER_CHAIN_DIFFERS',
      errorClass: 'fatal',
      message: `got chain id ${got} from the node, expected ${expected} of the configuration`,
    });
  }

  async function acquireLease(): Promise<Fence> {
    const untilMs = clock.nowMs() + LEASE_WAIT_MS;
    const lease = `indexer:${args.stream.name}:${args.deployment.deployment}`;
    for (;;) {
      const taken = await takeLease(args, { lease, holder: args.holder, ttlMs: LEASE_TTL_MS });
      if (taken) return taken;
      if (clock.nowMs() > untilMs) {
        throw new CroupierError({
          code: 'INDEXER_LEASE_HELD',
          errorClass: 'retryable',
          message: `got ${lease} held by another indexer for ${LEASE_WAIT_MS / 1_000} s, expected it to be free`,
        });
      }
      await clock.sleep(500);
    }
  }

  async function stop(): Promise<void> {
    abort.abort();
    wake.notify();
    sinkWakes.warehouse.notify();
    sinkWakes.bus.notify();
    await Promise.all(loops);
    if (fence) {
      await releaseLease(args, fence).catch((cause: unknown) => {
        // It runs out by itself.
        if (!isRetryable(cause)) throw cause;
      });
    }
    if (state === 'running') state = 'stopped';
  }

  function status(): IndexerStatus {
    const current = follower?.state();
    const step = current?.step ?? 0;
    const sinkStatus = (name: SinkName): SinkStatus => {
      const own = progress.find((candidate) => candidate.name === name);
      return {
        step: own?.step ?? 0,
        behindSteps: step - (own?.epoch === current?.epoch ? (own?.step ?? 0) : 0),
        error: own?.error ?? null,
      };
    };
    return {
      state,
      epoch: current?.epoch ?? 0,
      step,
      headBlock: follower?.head() ?? 0,
      indexedBlock: follower?.tip() ?? 0,
      finalBlock: current?.final?.number ?? null,
      sinks: { warehouse: sinkStatus('warehouse'), bus: sinkStatus('bus') },
      error,
    };
  }

  return { start, stop, status };
}

function isRetryable(error: unknown): boolean {
  return error instanceof CroupierError && error.errorClass === 'retryable';
}

function describe(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof CroupierError ? error.code : 'INDEXER_FAILED', message };
}
