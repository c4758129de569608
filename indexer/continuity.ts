import { readEventId } from '../contracts/encoding/message.ts';
import type { IndexedEvent } from './events.ts';

/** What the contracts' own numbers say must come next. Silence of a node is checked against it. */
export interface Continuity {
  /** By contract: the `n` of its next event outside lanes. A contract begins where it is first seen. */
  readonly counters: Readonly<Record<string, number>>;
  /** By lane as the contract numbers it: its next number, 0 where none is noted. */
  readonly lanes: Readonly<Record<string, number>>;
}

/** A BetBook numbers its events from 1 and is indexed from its first block on. */
export const EMPTY_CONTINUITY: Continuity = { counters: { bet_book: 1 }, lanes: {} };

const COUNTED = new Set(['treasury', 'bet_book']);

/** The events of one batch so far: they stand side by side and end with its BatchApplied. */
interface Run {
  readonly txHash: string;
  readonly lane: string;
  next: number;
  lastLogIndex: number;
  /** Settled and Voided since the last Closed. */
  closedBets: number;
}

/**
 * Follows the numbers over `events` (in chain order): every contract's counter, every lane, and the
 * log indices within a batch have no gap. Answers what comes next, or the sentence of the first gap.
 */
export function followContinuity(
  from: Continuity,
  events: readonly IndexedEvent[],
): { readonly next: Continuity } | { readonly gap: string } {
  const counters = { ...from.counters };
  const lanes = { ...from.lanes };
  let run: Run | undefined;
  for (const event of events) {
    const where = `${event.contract} ${event.event} at log ${event.logIndex} of block ${event.blockNumber}`;
    if (run && (event.txHash !== run.txHash || event.logIndex !== run.lastLogIndex + 1)) {
      return { gap: `got ${where}, expected log ${run.lastLogIndex + 1} of a batch first` };
    }
    if (!COUNTED.has(event.contract)) continue;
    if (event.event === 'BatchApplied') {
      const gap = endRun(run, event, lanes);
      if (gap) return { gap: `got ${where} ${gap}` };
      run = undefined;
    } else if (typeof event.args.id === 'string') {
      const id = readEventId(BigInt(event.args.id));
      const lane = (BigInt(event.args.id) >> 80n).toString();
      run ??= {
        txHash: event.txHash,
        lane,
        next: lanes[lane] ?? 0,
        lastLogIndex: event.logIndex,
        closedBets: 0,
      };
      run.lastLogIndex = event.logIndex;
      if (run.lane !== lane) return { gap: `got ${where} of lane ${lane}, expected ${run.lane}` };
      if (id.seq > run.next) {
        return { gap: `got ${where} with number ${id.seq}, expected ${run.next} of lane ${lane}` };
      }
      if (id.seq === run.next) run.next += 1;
      const gap = countClosed(run, event);
      if (gap) return { gap: `got ${where} ${gap}` };
    } else if (typeof event.args.n === 'string') {
      const n = Number(event.args.n);
      const expected = counters[event.contract] ?? n;
      if (n !== expected) return { gap: `got ${where} with n ${n}, expected ${expected}` };
      counters[event.contract] = n + 1;
      // A halted bank or a player's top-up: counted events that come in the middle of a batch.
      if (run) run.lastLogIndex = event.logIndex;
    }
  }
  if (run) return { gap: `got no BatchApplied in transaction ${run.txHash}, expected one` };
  return { next: { counters, lanes } };
}

/** Takes back what `events` (in chain order) had added. */
export function rewindContinuity(from: Continuity, events: readonly IndexedEvent[]): Continuity {
  const counters = { ...from.counters };
  const lanes = { ...from.lanes };
  for (const event of events.toReversed()) {
    if (!COUNTED.has(event.contract)) continue;
    if (event.event === 'BatchApplied') lanes[String(event.args.lane)] = Number(event.args.first);
    else if (event.args.n !== undefined) counters[event.contract] = Number(event.args.n);
  }
  return { counters, lanes };
}

function endRun(
  run: Run | undefined,
  event: IndexedEvent,
  lanes: Record<string, number>,
): string | undefined {
  const lane = String(event.args.lane);
  const first = Number(event.args.first);
  const next = Number(event.args.next);
  if (first !== (lanes[lane] ?? 0)) return `from ${first}, expected ${lanes[lane] ?? 0}`;
  if (run?.lane !== lane || run.next !== next) {
    return `up to ${next}, expected ${run?.next ?? first}: events of lane ${lane} are missing`;
  }
  lanes[lane] = next;
  return undefined;
}

function countClosed(run: Run, event: IndexedEvent): string | undefined {
  if (event.event === 'Settled' || event.event === 'Voided') run.closedBets += 1;
  if (event.event !== 'Closed') return undefined;
  const closed = bitsSet(BigInt(String(event.args.settledMask)));
  if (closed !== run.closedBets) return `with ${closed} bets, expected ${run.closedBets}`;
  run.closedBets = 0;
  return undefined;
}

function bitsSet(mask: bigint): number {
  let count = 0;
  for (let rest = mask; rest > 0n; rest &= rest - 1n) count += 1;
  return count;
}
