import { createProviderClient } from '../../gateway/client.ts';
import { CroupierError } from '../../platform/errors.ts';
import { createExchanger, type Exchanger, type SeatedPlayer } from './exchange.ts';
import { type Play, playAt } from './plan.ts';
import type { Verdict } from './predict.ts';
import { type DemoRecord, openDemoRecord, type PlayRow, type RecordCounts } from './record.ts';
import { openSession, type SeatArgs, takeSeats } from './seats.ts';
import { createSlots } from './slots.ts';

/** Requests in flight at once. */
const CONCURRENCY = 16;
/** Plays begun and not ended. Those whose result comes later only wait. */
const PLAYS_MAX = 512;
/** The rate of a demo that has no end. */
const ENDLESS_BETS_PER_S = 20;
/** So many wrong answers are a broken house: the demo stops instead of filling the disk. */
const MISMATCHES_MAX = 100;

export interface DemoArgs extends Omit<SeatArgs, 'client' | 'record'> {
  /** The gateway's URL. */
  readonly baseUrl: string;
  /** The provider's own. */
  readonly credentials: { readonly keyId: string; readonly secret: string };
  /** The demo's own SQLite file. */
  readonly recordPath: string;
  /** Stop once so many bets were accepted in all, runs before counted, and all are settled. */
  readonly bets?: number;
  /** Without it, as fast as the house answers, or at a moderate rate if there is no end. */
  readonly betsPerS?: number;
  /** Called with every answer. */
  readonly onProgress?: (counts: RecordCounts) => void;
}

/**
 * Plays dice: what is played depends on `seed` and the number of the play only. Everything is
 * recorded before it is sent, so that after any death the same call goes on where it was. Resolves
 * when `bets` are reached and all of them settled, or as soon as `signal` aborts.
 * @throws CroupierError `DEMO_MISMATCHES` (fatal) when too many answers were wrong, and what
 * `takeSeats` and the exchanger throw
 */
export async function runDemo(args: DemoArgs): Promise<RecordCounts> {
  const failure = new AbortController();
  const signal = AbortSignal.any([args.signal, failure.signal]);
  const { clock, seed } = args;
  const client = createProviderClient({
    baseUrl: args.baseUrl,
    ...args.credentials,
    clock,
    signal,
  });
  const record = openDemoRecord({
    path: args.recordPath,
    deployment: args.chain.deployment,
    seed,
  });
  try {
    const players = await takeSeats({ ...args, client, record, signal });
    if (!players) return record.counts();
    const counts = { ...record.counts() };
    const exchanger = createExchanger({
      client,
      record,
      concurrency: CONCURRENCY,
      signal,
      openSession: (player) => openSession({ client, clock, signal }, player),
      answered: (request, verdict) => {
        counts.answered += 1;
        if (request.type === 'bet') counts[verdict.outcome] += 1;
        if (verdict.mismatch !== undefined) counts.mismatches += 1;
        args.onProgress?.({ ...counts });
      },
    });
    await playAll({ ...args, record, players, exchanger, counts, signal, failure });
    return { ...counts };
  } catch (error) {
    // What a stop tears off is unanswered in the record, and no failure.
    if (args.signal.aborted) return record.counts();
    throw failure.signal.aborted ? failure.signal.reason : error;
  } finally {
    record.close();
  }
}

interface Table extends Pick<DemoArgs, 'seed' | 'playerCount' | 'clock' | 'bets' | 'betsPerS'> {
  readonly record: DemoRecord;
  readonly players: readonly SeatedPlayer[];
  readonly exchanger: Exchanger;
  readonly counts: RecordCounts;
  readonly signal: AbortSignal;
  /** Aborted with the first error: all stops. */
  readonly failure: AbortController;
}

async function playAll(table: Table): Promise<void> {
  const { record, signal, failure, clock } = table;
  const betsEnd = table.bets ?? Number.POSITIVE_INFINITY;
  const betsPerS = table.betsPerS ?? (table.bets === undefined ? ENDLESS_BETS_PER_S : undefined);
  const places = createSlots(PLAYS_MAX);
  const running = new Set<Promise<void>>();
  /** Bets accepted, and those that the running plays are to bring. */
  let claimed = 0;
  let next = record.nextPlay();
  let paceMs = clock.nowMs();

  const begin = async (row: PlayRow): Promise<void> => {
    const acceptedBefore = acceptedOf(record, row.play);
    claimed += row.bets - acceptedBefore;
    await new Promise<void>((begun) => {
      const play = places.within(async () => {
        begun();
        const accepted = await playOut(table, row);
        claimed += accepted - row.bets;
      });
      const ended = play
        .catch((error: unknown) => failure.abort(error))
        .finally(() => running.delete(ended));
      running.add(ended);
    });
  };

  await resendUnanswered(table);
  claimed = table.counts.accepted;
  for (const row of record.unfinishedPlays()) await begin(row);
  while (!signal.aborted) {
    if (table.counts.mismatches > MISMATCHES_MAX) {
      failure.abort(tooManyMismatches(table.counts.mismatches));
    } else if (claimed < betsEnd) {
      const { bets } = playAt({ ...table, index: next, betsMax: betsEnd - claimed });
      const row = { play: next, bets };
      next += 1;
      record.startPlay(row);
      await begin(row);
      if (betsPerS !== undefined) {
        paceMs = Math.max(paceMs, clock.nowMs() - 1000) + (1000 * bets) / betsPerS;
        await clock.sleep(Math.max(0, paceMs - clock.nowMs()), signal);
      }
    } else if (running.size > 0) {
      await Promise.race(running);
    } else {
      return;
    }
  }
  await Promise.all(running);
  if (failure.signal.aborted) throw failure.signal.reason;
}

/**
 * Sends again what a death left without an answer: at most one request of each player, whose next
 * one must not overtake it.
 */
async function resendUnanswered(table: Table): Promise<void> {
  const unanswered = table.record.lastExchanges().filter(({ status }) => status === null);
  await Promise.all(
    unanswered.map(async (request) => {
      const player = table.players.find(({ address }) => address === request.player);
      if (player) await table.exchanger.resend(player, request);
    }),
  );
}

/** Plays what is left of a play; resolves to the number of its bets that were accepted. */
async function playOut(table: Table, row: PlayRow): Promise<number> {
  const play = playAt({ ...table, index: row.play, betsMax: Math.max(1, row.bets) });
  const player = table.players[play.playerNo];
  if (!player) return 0;
  const outcomes = new Map<string, Verdict['outcome'] | null>(
    table.record.exchangesOf(row.play).map(({ txId, outcome }) => [txId, outcome]),
  );
  let stopped = false;
  for (const [step, { waitMs, action }] of play.steps.entries()) {
    if (outcomes.has(action.txId)) continue;
    // A bet that was refused has no end.
    if ('betTxId' in action && outcomes.get(action.betTxId) !== 'accepted') continue;
    if (waitMs > 0) await table.clock.sleep(waitMs, table.signal);
    const { round } = play;
    const verdict = await table.exchanger.send({ player, play: row.play, step, round, action });
    if (!verdict) {
      stopped = true;
      break;
    }
    outcomes.set(action.txId, verdict.outcome);
  }
  if (!stopped) table.record.finishPlay(row.play);
  return betsIn(play, outcomes);
}

function betsIn(play: Play, outcomes: ReadonlyMap<string, Verdict['outcome'] | null>): number {
  return play.steps.filter(({ action }) => {
    return action.type === 'bet' && outcomes.get(action.txId) === 'accepted';
  }).length;
}

function acceptedOf(record: DemoRecord, play: number): number {
  return record.exchangesOf(play).filter(({ type, outcome }) => {
    return type === 'bet' && outcome === 'accepted';
  }).length;
}

function tooManyMismatches(mismatches: number): CroupierError {
  return new CroupierError({
    code: 'DEMO_MISMATCHES',
    errorClass: 'fatal',
    message: `got ${mismatches} answers other than predicted, expected none`,
  });
}
