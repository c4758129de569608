import { CroupierError } from '../platform/errors.ts';
import type { BlockRef, IndexerContext, StreamState } from './context.ts';
import { type Continuity, followContinuity } from './continuity.ts';
import { beginEpoch, defineApply, defineFinality, STEP_ROWS_MAX } from './define.ts';
import type { IndexedEvent } from './events.ts';
import { type FetchedRange, fetchRange } from './fetch.ts';
import { finalBlockOf } from './finality.ts';
import { fetchHeader, type Header } from './headers.ts';
import { findFork, retractAbove } from './reorg.ts';
import { notifyRise, type OpenedStream } from './stream.ts';

/** Blocks that one round fetches at most. */
const BLOCKS_PER_ROUND = 2_000;
/** Without events the watermark moves this rarely: every move is a step for every consumer. */
const IDLE_FINALITY_BLOCKS = 64;
/** A tip that moved this far without a step is noted, so that a restart need not go there again. */
const IDLE_TIP_BLOCKS = 256;
/** How long a node may lack a block that we have before it is believed. */
const LAG_LIMIT_MS = 60_000;

/** `advanced`: there may be more at once. `idle`: wait for a new head. `gone`: another deployment. */
export type RoundResult = 'advanced' | 'idle' | 'gone';

export interface Follower {
  /** Looks at the chain once and defines at most a few steps. Rejects as the node does. */
  round(): Promise<RoundResult>;
  readonly state: () => StreamState;
  /** The node's head, and the tip in memory, which may be ahead of the journal's by empty blocks. */
  readonly head: () => number;
  readonly tip: () => number;
  /** The highest block with events that are not final; undefined when none waits for finality. */
  readonly awaitedBlock: () => number | undefined;
}

/** Turns the chain into steps, from where the stream stands. */
export function createFollower(context: IndexerContext, opened: OpenedStream): Follower {
  const { rpc, deployment, clock } = context;
  let state = opened.state;
  /** Blocks above the last final one, ascending and without gaps, with that one first if it is known. */
  let known: BlockRef[] = [...opened.known];
  let tip: BlockRef | null = opened.state.tip;
  let headNumber = 0;
  /** Headers since the journal's tip that are not in it yet. */
  let unsaved: Header[] = [];
  /** Last blocks of the steps whose events are not final. */
  let awaited: number[] = initiallyAwaited(opened.state);
  let laggingSinceMs: number | undefined;

  function restartFrom(next: StreamState): void {
    state = next;
    tip = next.tip;
    unsaved = [];
  }

  async function round(): Promise<RoundResult> {
    const head = await fetchHeader(rpc, 'latest');
    if (!head) throw behind('no head', 'one');
    headNumber = head.number;
    if (tip === null) {
      const start = await checkStart(head);
      if (start !== 'there') return start;
    } else if (head.number <= tip.number) {
      return await atOrBelowTip(head, tip);
    }
    laggingSinceMs = undefined;
    const finalNumber = await finalBlockOf(rpc, context.finality, head.number);
    const from = tip === null ? deployment.deployedBlock : tip.number + 1;
    const to = Math.min(head.number, from + BLOCKS_PER_ROUND - 1);
    let range: FetchedRange;
    try {
      range = await fetchRange(context, {
        from,
        to,
        parentHash: tip?.hash ?? null,
        continuity: state.continuity,
      });
    } catch (error) {
      if (tip === null || !(error instanceof CroupierError)) throw error;
      if (error.code !== 'INDEXER_CHAIN_MOVED') throw error;
      return await resolveFork();
    }
    await apply(range, finalNumber);
    await advanceFinality(finalNumber);
    return to < head.number ? 'advanced' : 'idle';
  }

  async function atOrBelowTip(head: Header, ours: BlockRef): Promise<RoundResult> {
    const known = withTip().find((block) => block.number === head.number);
    if (known?.hash !== head.hash) return await resolveFork();
    if (head.number < ours.number) {
      return believesShorterChain() ? await retract(known) : 'idle';
    }
    laggingSinceMs = undefined;
    await advanceFinality(await finalBlockOf(rpc, context.finality, head.number));
    return 'idle';
  }

  /** Before the first block: is the deployment there? */
  async function checkStart(head: Header): Promise<'there' | 'idle' | 'gone'> {
    const { deployedBlock, deployedBlockHash } = deployment;
    const block = head.number < deployedBlock ? null : await fetchHeader(rpc, deployedBlock);
    if (block?.hash === deployedBlockHash) return 'there';
    if (block || context.devChain) return 'gone';
    return waitForBlock(deployedBlock);
  }

  async function apply(range: FetchedRange, finalNumber: number): Promise<void> {
    const last = range.headers.at(-1);
    if (!last) return;
    const unfinal = range.headers.filter((header) => header.number > finalNumber);
    const first = deployment.deployedBlock - 1;
    const isFar = last.number - (state.tip?.number ?? first) >= IDLE_TIP_BLOCKS;
    if (range.events.length === 0 && !isFar) {
      unsaved = [...unsaved, ...unfinal];
      moveTip(last, unfinal);
      return;
    }
    const parts = splitAtBlocks(range.events);
    for (const [index, events] of parts.entries()) {
      const end = events.at(-1);
      const isLast = index === parts.length - 1;
      const to = isLast || !end ? last : { number: end.blockNumber, hash: end.blockHash };
      state = await defineApply(context, state, {
        events,
        from: (state.tip?.number ?? first) + 1,
        to,
        headers: [...unsaved, ...between(unfinal, tip, to)],
        continuity: isLast ? range.continuity : continuityAfter(state.continuity, events),
      });
      // Only now: what an error keeps from being defined must be fetched again.
      moveTip(to, unfinal);
      unsaved = [];
      if (end) awaited.push(end.blockNumber);
    }
  }

  function moveTip(to: BlockRef, unfinal: readonly Header[]): void {
    known = [...known, ...between(unfinal, tip, to)];
    tip = to;
  }

  async function retract(ancestor: BlockRef): Promise<RoundResult> {
    laggingSinceMs = undefined;
    const savedTip = state.tip;
    if (savedTip && savedTip.number > ancestor.number) {
      state = await retractAbove(context, state, ancestor);
    }
    known = known.filter((block) => block.number <= ancestor.number);
    unsaved = unsaved.filter((header) => header.number <= ancestor.number);
    awaited = awaited.map((block) => Math.min(block, ancestor.number));
    tip = ancestor;
    return 'advanced';
  }

  async function resolveFork(): Promise<RoundResult> {
    const fork = await findFork(context, state, withTip());
    if (fork.kind === 'deployment_gone') return 'gone';
    if (fork.kind === 'missing') return waitForBlock(fork.block.number);
    if (fork.kind === 'ancestor') {
      // Nothing parted after all: the node was between two states.
      return fork.block.number === tip?.number ? 'idle' : await retract(fork.block);
    }
    if (!context.devChain) throw belowFinal(state);
    restartFrom(await beginEpoch(context, state.epoch + 1));
    known = [];
    awaited = [];
    notifyRise(context, state.epoch, 'the chain was reverted below its last final block');
    return 'advanced';
  }

  function withTip(): BlockRef[] {
    return tip && known.at(-1)?.number !== tip.number ? [...known, tip] : known;
  }

  /** A node whose head is lower than ours may lag; a dev node has no other to lag behind. */
  function believesShorterChain(): boolean {
    laggingSinceMs ??= clock.nowMs();
    return context.devChain || clock.nowMs() - laggingSinceMs > LAG_LIMIT_MS;
  }

  /** @throws CroupierError `INDEXER_CHECKPOINT_MISSING` (fatal) after the limit */
  function waitForBlock(number: number): 'idle' {
    laggingSinceMs ??= clock.nowMs();
    if (clock.nowMs() - laggingSinceMs <= LAG_LIMIT_MS) return 'idle';
    throw new CroupierError({
      code: 'INDEXER_CHECKPOINT_MISSING',
      errorClass: 'fatal',
      message: `got no block ${number} from the node for ${LAG_LIMIT_MS / 1_000} s, expected the one that was indexed: is it the right endpoint?`,
      details: { block: number },
    });
  }

  /** Defines a finality step where it tells somebody something. */
  async function advanceFinality(number: number): Promise<void> {
    const last = state.final?.number ?? deployment.deployedBlock - 1;
    // Only once everything up to it is in a step: the first one of an epoch ends a rebuild.
    if (tip === null || number <= last || tip.number < number) return;
    const isAwaited = awaited.some((block) => block <= number);
    const isDue = state.final === null || isAwaited || number - last >= IDLE_FINALITY_BLOCKS;
    if (!isDue) return;
    const block =
      known.find((candidate) => candidate.number === number) ?? (await fetchHeader(rpc, number));
    if (!block) throw behind(`no block ${number}`, 'the final one');
    state = await defineFinality(context, state, { number, hash: block.hash });
    known = known.filter((candidate) => candidate.number >= number);
    unsaved = unsaved.filter((header) => header.number > number);
    awaited = awaited.filter((candidate) => candidate > number);
  }

  return {
    round,
    state: () => state,
    head: () => headNumber,
    tip: () => tip?.number ?? deployment.deployedBlock - 1,
    awaitedBlock: () => (awaited.length > 0 ? Math.max(...awaited) : undefined),
  };
}

/** The headers above `after` up to `to`. */
function between(headers: readonly Header[], after: BlockRef | null, to: BlockRef): Header[] {
  return headers.filter(({ number }) => number > (after?.number ?? -1) && number <= to.number);
}

/** After a part of a range whose numbers were found to be without a gap. */
function continuityAfter(from: Continuity, events: readonly IndexedEvent[]): Continuity {
  const followed = followContinuity(from, events);
  if ('gap' in followed) throw new Error(`${followed.gap}, after the whole range had no gap`);
  return followed.next;
}

/** After a restart: the events of the journal's last step may not be final. */
function initiallyAwaited(state: StreamState): number[] {
  return state.tip && state.tip.number > (state.final?.number ?? -1) ? [state.tip.number] : [];
}

/** Parts of at most `STEP_ROWS_MAX` events that end with a block; one empty part for no events. */
function splitAtBlocks(events: readonly IndexedEvent[]): (readonly IndexedEvent[])[] {
  const parts: (readonly IndexedEvent[])[] = [];
  let start = 0;
  while (events.length - start > STEP_ROWS_MAX) {
    let end = start + STEP_ROWS_MAX;
    while (end > start && events[end]?.blockNumber === events[end - 1]?.blockNumber) end -= 1;
    // One block alone has more: it cannot be cut.
    if (end === start) break;
    parts.push(events.slice(start, end));
    start = end;
  }
  return [...parts, events.slice(start)];
}

function behind(got: string, expected: string): CroupierError {
  return new CroupierError({
    code: 'INDEXER_NODE_BEHIND',
    errorClass: 'retryable',
    message: `got ${got}, expected ${expected}`,
  });
}

function belowFinal(state: StreamState): CroupierError {
  return new CroupierError({
    code: 'INDEXER_REORG_BELOW_FINAL',
    errorClass: 'fatal',
    message: `got a chain without block ${state.final?.number} ${state.final?.hash}, expected it: it was final`,
  });
}
