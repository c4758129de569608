import { join } from 'node:path';
import { systemClock } from '../platform/clock.ts';
import { CroupierError } from '../platform/errors.ts';
import { type AuditResult, audit } from './audit/audit.ts';
import { runDemo } from './demo/demo.ts';
import { createDevClients, mintToPlayers } from './deployment.ts';
import { createLiveStatus, type LiveStatus } from './liveStatus.ts';
import { type Stack, startStack } from './stack.ts';

const PLAYERS = 24;
const STATUS_INTERVAL_MS = 500;
const POLL_MS = 200;
/** Without any progress for so long, waiting for finality is given up. */
const STALL_TIMEOUT_MS = 60_000;
/** Mismatches that are printed; the count is of all. */
const MISMATCHES_SHOWN = 20;

export interface DevOptions {
  readonly demo: boolean;
  /** Play until so many bets were accepted, audit, end. */
  readonly bets?: number;
  readonly seed: string;
  readonly dataFolder: string;
  /** Of the gateway; our own chain's is the next one. 0: free ones. */
  readonly port: number;
  readonly rpcUrl?: string;
  readonly wsUrl?: string;
  /** Names the contracts that are indexed beside our own. */
  readonly configPath: string;
  readonly json: boolean;
}

/** The last line of a run with `--bets` and `--json`. Counts are bets. */
export interface Summary {
  readonly accepted: number;
  readonly refused: number;
  readonly landed: number;
  readonly rejected: number;
  readonly final: number;
  readonly warehouse: number;
  readonly bus: number;
  readonly mirrored: number;
  readonly mismatches: number;
  readonly seconds: number;
  readonly betsPerSecond: number;
  readonly gasPerBet: number;
}

/**
 * `croupier dev`: everything on embedded adapters, the demo, a live status. Resolves to the exit
 * code once Ctrl-C was pressed or, with `bets`, the audit is done: 0 only if nothing is wrong.
 */
export async function runDev(options: DevOptions): Promise<number> {
  if (options.bets !== undefined && !options.demo) {
    throw new CroupierError({
      code: 'OPTIONS_CONTRADICT',
      errorClass: 'final',
      message: 'got --bets together with --no-demo, expected one of them: the demo plays the bets.',
    });
  }
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const live = createLiveStatus({
    stream: options.json ? process.stderr : process.stdout,
    nowMs: systemClock.nowMs,
  });
  live.say('Starting the chain, the contracts and the services …');
  const stack = await startStack({
    dataFolder: options.dataFolder,
    port: options.port,
    configPath: options.configPath,
    ...(options.rpcUrl === undefined ? {} : { rpcUrl: options.rpcUrl }),
    ...(options.wsUrl === undefined ? {} : { wsUrl: options.wsUrl }),
    say: live.say,
  });
  let phase = 'Ctrl-C stops.';
  const shown = showFigures(stack, live, () => phase);
  try {
    greet(stack, live, options);
    if (!options.demo) {
      await Promise.race([stack.failed, aborted(stopping.signal)]);
      return 0;
    }
    const startedMs = systemClock.nowMs();
    await playToTheEnd(stack, options, stopping.signal, (next) => {
      phase = next;
    });
    if (options.bets === undefined) return 0;
    if (stopping.signal.aborted) return 130;
    const seconds = (systemClock.nowMs() - startedMs) / 1000;
    phase = 'Auditing every bet in every store.';
    const result = await auditStack(stack, options);
    await shown.stop();
    return report(result, { seconds, gasPerBet: (await stack.figures()).gasPerBet }, options);
  } finally {
    await shown.stop();
    stopping.abort();
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
    await stack.close();
  }
}

function greet(stack: Stack, live: LiveStatus, options: DevOptions): void {
  const { facts } = stack.deployment();
  live.say(
    [
      '',
      `  gateway   ${stack.url} (readiness at /readyz)`,
      `  chain     ${stack.chain.rpcUrl}, id ${facts.chainId}`,
      `  contracts BetBook ${facts.betBook}, Treasury ${facts.treasury}`,
      `  data      ${options.dataFolder} (npm start -- trace ID, npm start -- sql "…")`,
      '',
    ].join('\n'),
  );
}

/**
 * Plays until the demo is done and everything is final, or until `signal` aborts. Where the chain is
 * reset meanwhile, it begins anew on the new deployment.
 */
async function playToTheEnd(
  stack: Stack,
  options: DevOptions,
  signal: AbortSignal,
  enter: (phase: string) => void,
): Promise<void> {
  for (;;) {
    const replaced = new AbortController();
    void stack.replaced().then(() => replaced.abort());
    const either = AbortSignal.any([signal, replaced.signal]);
    enter('The demo provider seats its players.');
    const demo = playDemo(stack, options, either, () =>
      enter(
        options.bets === undefined
          ? 'The demo plays; Ctrl-C stops.'
          : `The demo plays ${options.bets} bets.`,
      ),
    );
    await Promise.race([stack.failed, demo]);
    if (!either.aborted) {
      enter('All bets are accepted; waiting until they are final in every store.');
      await Promise.race([stack.failed, untilFinal(stack, either)]);
    }
    if (signal.aborted || !replaced.signal.aborted) return;
  }
}

function playDemo(
  stack: Stack,
  options: DevOptions,
  signal: AbortSignal,
  onProgress: () => void,
): Promise<unknown> {
  const { id, facts } = stack.deployment();
  const { publicClient } = createDevClients(stack.chain);
  return runDemo({
    baseUrl: stack.url,
    credentials: stack.demoCredentials,
    recordPath: join(options.dataFolder, 'demo.sqlite'),
    seed: options.seed,
    playerCount: PLAYERS,
    chain: { deployment: id, ...facts },
    chainTimeS: async () => Number((await publicClient.getBlock()).timestamp),
    faucet: (players, amountUnits) => mintToPlayers(stack.chain, facts.token, players, amountUnits),
    clock: systemClock,
    signal,
    onProgress,
    ...(options.bets === undefined ? {} : { bets: options.bets }),
  });
}

/** Waits until nothing is on its way: every action is final in the ledger and in the warehouse. */
async function untilFinal(stack: Stack, signal: AbortSignal): Promise<void> {
  let left = Number.POSITIVE_INFINITY;
  let movedMs = systemClock.nowMs();
  while (!signal.aborted) {
    const now = await stack.unfinal();
    if (now === 0) return;
    if (now < left) {
      left = now;
      movedMs = systemClock.nowMs();
    }
    if (systemClock.nowMs() - movedMs > STALL_TIMEOUT_MS) {
      throw new CroupierError({
        code: 'STALLED',
        errorClass: 'fatal',
        message: `got no progress for ${STALL_TIMEOUT_MS / 1000} s with ${now} actions that are not final everywhere, expected 0; /readyz says who waits.`,
      });
    }
    await systemClock.sleep(POLL_MS, signal);
  }
}

function auditStack(stack: Stack, options: DevOptions): Promise<AuditResult> {
  const { id, facts } = stack.deployment();
  return audit({
    deployment: { deployment: id, ...facts },
    rpcUrl: stack.chain.rpcUrl,
    recordPath: join(options.dataFolder, 'demo.sqlite'),
    ledgerPath: join(options.dataFolder, 'ledger.sqlite'),
    query: (sql) => stack.warehouse.query(sql),
    bus: stack.bus,
    partitions: facts.partitions,
  });
}

/** Prints mismatches and the summary; the exit code is 0 only if every number agrees. */
function report(
  result: AuditResult,
  run: { seconds: number; gasPerBet: number },
  options: DevOptions,
): number {
  const { counts } = result;
  const summary: Summary = {
    ...counts,
    mismatches: result.count,
    seconds: Number(run.seconds.toFixed(2)),
    betsPerSecond: Number((counts.accepted / run.seconds).toFixed(1)),
    gasPerBet: Math.round(run.gasPerBet),
  };
  for (const { store, key, field, expected, got } of result.mismatches.slice(0, MISMATCHES_SHOWN)) {
    process.stderr.write(
      `mismatch in ${store}: ${key}, ${field}: expected ${expected}, got ${got}\n`,
    );
  }
  if (options.json) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
  } else {
    process.stdout.write(
      `\n${counts.accepted} bets accepted, ${counts.refused} refused as predicted; ${counts.landed} landed, ${counts.rejected} rejected, ${counts.final} final.\n` +
        `Of the landed, ${counts.warehouse} are in the warehouse, ${counts.bus} on the bus, ${counts.mirrored} in the ledger's mirror.\n` +
        `${summary.betsPerSecond} bets/s over ${summary.seconds} s, ${summary.gasPerBet} gas a bet.\n` +
        `${result.count} mismatches between the demo's record, the contract, the node's logs, the ledger, the warehouse and the bus.\n`,
    );
  }
  const whole =
    result.count === 0 &&
    counts.accepted === options.bets &&
    counts.accepted === counts.landed + counts.rejected &&
    counts.final === counts.landed &&
    counts.warehouse === counts.landed &&
    counts.bus === counts.landed &&
    counts.mirrored === counts.landed;
  return whole ? 0 : 1;
}

function showFigures(
  stack: Stack,
  live: LiveStatus,
  phase: () => string,
): { stop(): Promise<void> } {
  const ending = new AbortController();
  const loop = (async () => {
    while (!ending.signal.aborted) {
      // A figure that cannot be read now must not end what it is about.
      const figures = await stack.figures().catch(() => undefined);
      if (figures) live.show(figures, phase());
      await systemClock.sleep(STATUS_INTERVAL_MS, ending.signal);
    }
    live.end();
  })();
  return {
    stop: async () => {
      ending.abort();
      await loop;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
