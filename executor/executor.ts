import type { Hex } from 'viem';
import { plannedNumbers } from '../ledger/items.ts';
import { releaseLease, renewLease, takeLease } from '../ledger/leases.ts';
import type { DeploymentFacts, Fence, LedgerContext } from '../ledger/ledger.ts';
import { finalNonce, unconfirmedTransactions } from '../ledger/transactions.ts';
import type { Rpc } from '../platform/chain/rpc.ts';
import { CroupierError, type ErrorClass } from '../platform/errors.ts';
import { broadcast, waiting } from './broadcast.ts';
import { sendCalls } from './calls.ts';
import type { FeePolicy } from './fees.ts';
import { follow, remember, scopeOf } from './follow.ts';
import { observe } from './observe.ts';
import { planDueInMs, planLanes } from './plan.ts';
import { sendLanes } from './send.ts';
import type { Signer } from './signer.ts';
import type { ExecutorContext, ExecutorFences, ExecutorLimits, ExecutorState } from './state.ts';

/** More than can be signed and not final; what is beyond it is loaded after a restart. */
const LIVE_MAX = 10_000;
const BACK_OFF_MS = 100;
const BACK_OFF_MS_MAX = 2_000;

const DEFAULT_LIMITS: ExecutorLimits = {
  planIntervalMs: 200,
  pollMs: 100,
  rebroadcastMs: 2_000,
  leaseTtlMs: 10_000,
  stopTimeoutMs: 5_000,
  finalityBlocks: 5,
  intentsPerPlanMax: 1_000,
  unlandedItemsMax: 10_000,
  batchesInFlightPerLaneMax: 4,
  callsInFlightMax: 16,
  batchGasMax: 12_000_000n,
  batchBytesMax: 100_000,
  callAttemptsMax: 5,
};

const DEFAULT_FEES: FeePolicy = { ceilingWei: 500_000_000_000n, tipWei: 1_000_000n };

export interface ExecutorStatus {
  /** `waiting`: another process holds the leases, or the chain does not answer yet. */
  readonly state: 'stopped' | 'waiting' | 'running' | 'stopping' | 'halted';
  readonly signer: string;
  readonly head: { readonly blockNumber: number; readonly baseFeeWei: string } | null;
  readonly nonce: number | null;
  readonly balanceWei: string | null;
  /** Signed and not seen mined. */
  readonly transactionsWaiting: number;
  readonly lanes: readonly {
    readonly lane: number;
    readonly plannedNext: number;
    readonly landedNext: number;
    readonly error: { readonly code: string; readonly message: string } | null;
  }[];
  /** What the last round failed with, until one succeeds. */
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly errorClass: ErrorClass;
  } | null;
}

export interface Executor {
  /**
   * Takes the leases and loads what was persisted; resolves once the executor works, which another
   * holder of a lease or a silent chain delays.
   * @throws CroupierError `EXECUTOR_WRONG_CHAIN` (fatal)
   */
  start(): Promise<void>;
  /** Follows what is signed until it is mined (for a bounded time), releases the leases. */
  stop(): Promise<void>;
  /** Something was accepted: plan as soon as the interval allows. */
  wake(): void;
  status(): ExecutorStatus;
}

/**
 * Gets every planned item of the operator's lanes on chain, and every call outside lanes: one signer,
 * one loop, which looks at the chain, follows what is signed, plans, signs, persists and sends.
 * `holder` names the process for its leases: the same name takes them back at once.
 */
export function createExecutor(args: {
  ledger: LedgerContext;
  rpc: Rpc;
  deployment: string;
  facts: DeploymentFacts;
  signer: Signer;
  holder: string;
  fees?: FeePolicy;
  limits?: Partial<ExecutorLimits>;
}): Executor {
  const { ledger, rpc, deployment, facts, signer, holder } = args;
  const limits = { ...DEFAULT_LIMITS, ...args.limits };
  const fees = args.fees ?? DEFAULT_FEES;
  const context: ExecutorContext = { ledger, rpc, deployment, facts, signer, fees, limits };
  const { clock } = ledger;

  let phase: ExecutorStatus['state'] = 'stopped';
  let state = emptyState(facts.shards);
  let fences: ExecutorFences | null = null;
  let renewedAtMs = 0;
  let lastError: ExecutorStatus['error'] = null;
  let failures = 0;
  let loop: Promise<void> | null = null;
  let wakeUp = new AbortController();
  let stopSignal = new AbortController();
  let started = Promise.withResolvers<void>();
  let halted: unknown = null;

  async function round(): Promise<void> {
    if (fences === null) {
      fences = await acquire();
      if (fences === null) return;
      state = await load(context);
    }
    if (clock.nowMs() - renewedAtMs > limits.leaseTtlMs / 3) await renew(fences);
    const observation = await observe(context, state.observation);
    await follow(context, state, fences, observation);
    let failure = await broadcast(context, state, observation);
    if (phase !== 'stopping') {
      phase = 'running';
      await planLanes(context, state, fences);
      await sendLanes(context, state, fences, observation);
      failure = (await broadcast(context, state, observation)) ?? failure;
      failure = (await sendCalls(context, state, fences, observation)) ?? failure;
      failure = (await broadcast(context, state, observation)) ?? failure;
    }
    lastError = failure === null ? null : describe(failure);
  }

  async function guardedRound(): Promise<void> {
    try {
      await round();
      failures = 0;
    } catch (error) {
      failures += 1;
      lastError = describe(error);
      if (lastError.errorClass === 'fatal') halted = error;
      if (lastError.code === 'LEASE_LOST') fences = null;
      if (lastError.errorClass === 'fatal') phase = 'halted';
      else if (phase === 'running' && fences === null) phase = 'waiting';
    }
  }

  async function run(): Promise<void> {
    while (phase === 'waiting' || phase === 'running') {
      await guardedRound();
      if (phase !== 'waiting') started.resolve();
      if (phase === 'waiting' || phase === 'running') await pause();
    }
    const untilMs = clock.nowMs() + limits.stopTimeoutMs;
    while (phase === 'stopping' && isUnfinished() && clock.nowMs() < untilMs) {
      await guardedRound();
      await clock.sleep(limits.pollMs);
    }
    started.resolve();
  }

  /** Sleeps for the poll interval; a wake-up cuts it to what the plan interval still demands. */
  async function pause(): Promise<void> {
    if (failures > 0) {
      const backOffMs = BACK_OFF_MS * 2 ** Math.min(failures - 1, 10);
      await clock.sleep(Math.min(backOffMs, BACK_OFF_MS_MAX), stopSignal.signal);
      return;
    }
    await clock.sleep(limits.pollMs, AbortSignal.any([wakeUp.signal, stopSignal.signal]));
    if (!wakeUp.signal.aborted) return;
    wakeUp = new AbortController();
    const dueInMs = Math.min(...state.lanes.map((lane) => planDueInMs(context, lane)));
    if (dueInMs > 0) await clock.sleep(Math.min(dueInMs, limits.pollMs), stopSignal.signal);
  }

  function isUnfinished(): boolean {
    return fences !== null && [...state.live.values()].some(({ mined }) => mined === null);
  }

  async function acquire(): Promise<ExecutorFences | null> {
    await requireChain(context);
    const names = leaseNames(context);
    const taken: Fence[] = [];
    for (const lease of names) {
      const fence = await takeLease(ledger, { lease, holder, ttlMs: limits.leaseTtlMs });
      if (fence === undefined) {
        for (const mine of taken) await releaseLease(ledger, mine);
        return null;
      }
      taken.push(fence);
    }
    const [signerFence, ...lanes] = taken;
    if (signerFence === undefined) return null;
    renewedAtMs = clock.nowMs();
    return { signer: signerFence, lanes };
  }

  async function renew(held: ExecutorFences): Promise<void> {
    for (const fence of [held.signer, ...held.lanes]) {
      await renewLease(ledger, fence, limits.leaseTtlMs);
    }
    renewedAtMs = clock.nowMs();
  }

  return {
    start: async () => {
      if (phase !== 'stopped') return;
      phase = 'waiting';
      stopSignal = new AbortController();
      started = Promise.withResolvers<void>();
      loop = run();
      await started.promise;
      if (halted !== null) throw halted;
    },
    stop: async () => {
      const wasHalted = phase === 'halted';
      if (phase === 'waiting' || phase === 'running') phase = 'stopping';
      stopSignal.abort();
      await loop;
      loop = null;
      if (fences !== null) {
        for (const fence of [fences.signer, ...fences.lanes]) await releaseLease(ledger, fence);
      }
      fences = null;
      if (!wasHalted) phase = 'stopped';
    },
    wake: () => wakeUp.abort(),
    status: () => ({
      state: phase,
      signer: signer.address,
      head: state.observation && {
        blockNumber: state.observation.blockNumber,
        baseFeeWei: state.observation.baseFeeWei.toString(),
      },
      nonce: state.observation?.nonce ?? null,
      balanceWei: state.observation?.balanceWei.toString() ?? null,
      transactionsWaiting:
        state.observation === null ? state.live.size : waiting(state, state.observation).length,
      lanes: state.lanes.map(({ lane, plannedNext, landedNext, error }) => ({
        lane,
        plannedNext,
        landedNext,
        error,
      })),
      error: lastError,
    }),
  };
}

function leaseNames(context: ExecutorContext): string[] {
  const { facts, signer, deployment } = context;
  const lanes = Array.from({ length: facts.shards }, (_, lane) => `plan:${deployment}:${lane}`);
  return [`sign:${facts.chainId}:${signer.address}`, ...lanes];
}

function emptyState(shards: number): ExecutorState {
  const lanes = Array.from({ length: shards }, (_, lane) => ({
    lane,
    plannedNext: 0,
    landedNext: 0,
    plannedAtMs: 0,
    suspicious: false,
    holdUntilMs: 0,
    holdFailures: 0,
    error: null,
  }));
  return { live: new Map(), lanes, finalNonce: 0, nonceGapSinceMs: null, observation: null };
}

async function load(context: ExecutorContext): Promise<ExecutorState> {
  const { ledger, deployment, facts } = context;
  const state = emptyState(facts.shards);
  const rows = await unconfirmedTransactions(ledger, { ...scopeOf(context), max: LIVE_MAX });
  for (const row of rows) remember(state, row);
  const numbers = await plannedNumbers(ledger, deployment);
  for (const lane of state.lanes) lane.plannedNext = numbers.get(lane.lane) ?? 0;
  state.finalNonce = await finalNonce(ledger, scopeOf(context));
  return state;
}

async function requireChain(context: ExecutorContext): Promise<void> {
  const { rpc, facts } = context;
  const chainId = Number(await rpc.call<Hex>('eth_chainId', []));
  if (chainId === facts.chainId) return;
  throw new CroupierError({
    code: 'EXECUTOR_WRONG_CHAIN',
    errorClass: 'fatal',
    message: `the endpoint is of another chain: got chain id ${chainId}, expected ${facts.chainId}`,
  });
}

function describe(error: unknown): NonNullable<ExecutorStatus['error']> {
  if (error instanceof CroupierError) {
    return { code: error.code, message: error.message, errorClass: error.errorClass };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'EXECUTOR_ROUND_FAILED', message, errorClass: 'retryable' };
}
