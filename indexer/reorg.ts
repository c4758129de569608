import type { BlockRef, IndexerContext, StreamState } from './context.ts';
import { rewindContinuity } from './continuity.ts';
import { defineRetract } from './define.ts';
import type { IndexedEvent } from './events.ts';
import { fetchHeader } from './headers.ts';
import { loadEvents, stepsBelow } from './steps.ts';

/** Where the node's chain and ours part. */
export type Fork =
  /** The highest block that both have; it is not below final. */
  | { readonly kind: 'ancestor'; readonly block: BlockRef }
  | { readonly kind: 'below_final' }
  /** The node lacks a block that was final here: a lagging node, or no chain of ours. */
  | { readonly kind: 'missing'; readonly block: BlockRef }
  | { readonly kind: 'deployment_gone' };

const STEPS_PER_PAGE = 100;

/**
 * Compares the known blocks with the node's, from the highest down to the last final one, and below
 * that only the block of the deployment. `known` is in ascending order.
 */
export async function findFork(
  context: IndexerContext,
  state: StreamState,
  known: readonly BlockRef[],
): Promise<Fork> {
  const { deployedBlock, deployedBlockHash } = context.deployment;
  const floor = state.final ?? { number: deployedBlock, hash: deployedBlockHash };
  for (const block of known.toReversed()) {
    if (block.number <= floor.number) break;
    if ((await fetchHeader(context.rpc, block.number))?.hash === block.hash) {
      return { kind: 'ancestor', block };
    }
  }
  const deployed = await fetchHeader(context.rpc, deployedBlock);
  if (deployed && deployed.hash !== deployedBlockHash) return { kind: 'deployment_gone' };
  const checkpoint = await fetchHeader(context.rpc, floor.number);
  if (checkpoint?.hash === floor.hash) return { kind: 'ancestor', block: floor };
  if (!deployed) {
    return context.devChain
      ? { kind: 'deployment_gone' }
      : { kind: 'missing', block: { number: deployedBlock, hash: deployedBlockHash } };
  }
  if (!checkpoint && !context.devChain) return { kind: 'missing', block: floor };
  return { kind: 'below_final' };
}

/** Takes back everything above `ancestor` and makes it the tip. */
export async function retractAbove(
  context: IndexerContext,
  state: StreamState,
  ancestor: BlockRef,
): Promise<StreamState> {
  const events = await liveEventsAbove(context, state, ancestor.number);
  return await defineRetract(context, state, {
    events,
    ancestor,
    continuity: rewindContinuity(state.continuity, events.toReversed()),
  });
}

/**
 * The events above a block that are applied and not retracted, newest first. Read back from the
 * steps: what an older step brought above the ancestor of a newer retraction is gone already.
 * @throws CroupierError `INDEXER_BODIES_MISSING` (fatal)
 */
async function liveEventsAbove(
  context: IndexerContext,
  state: StreamState,
  ancestor: number,
): Promise<IndexedEvent[]> {
  const live: IndexedEvent[] = [];
  let highest = Number.POSITIVE_INFINITY;
  let below = state.step + 1;
  for (;;) {
    const steps = await stepsBelow(context, state.epoch, below, STEPS_PER_PAGE);
    for (const step of steps) {
      below = step.step;
      if (step.kind === 'retract') highest = Math.min(highest, step.from_block - 1);
      if (step.kind !== 'apply') continue;
      if (step.to_block <= ancestor) return live;
      const events = await loadEvents(context, step);
      for (const event of events.toReversed()) {
        if (event.blockNumber > ancestor && event.blockNumber <= highest) live.push(event);
      }
    }
    if (steps.length < STEPS_PER_PAGE) return live;
  }
}
