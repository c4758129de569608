import { plannedNumbers } from '../ledger/items.ts';
import { planLane } from '../ledger/plan.ts';
import type { ExecutorContext, ExecutorFences, ExecutorState, LaneState } from './state.ts';

/**
 * Numbers what is pending in every lane that is due for it, and notes how far each is. A lane that has too much on its way waits:
 * what stays pending still merges into fewer units.
 *
 * @throws CroupierError `LEASE_LOST` (retryable)
 */
export async function planLanes(
  context: ExecutorContext,
  state: ExecutorState,
  fences: ExecutorFences,
): Promise<void> {
  const { ledger, deployment, limits } = context;
  for (const lane of state.lanes) {
    const fence = fences.lanes[lane.lane];
    const unlanded = lane.plannedNext - lane.landedNext;
    if (fence === undefined || planDueInMs(context, lane) > 0) continue;
    if (unlanded < 0 || unlanded >= limits.unlandedItemsMax) continue;
    lane.plannedAtMs = ledger.clock.nowMs();
    const max = limits.intentsPerPlanMax;
    await planLane(ledger, { deployment, lane: lane.lane, fence, max });
  }
  const numbers = await plannedNumbers(ledger, deployment);
  for (const lane of state.lanes) lane.plannedNext = numbers.get(lane.lane) ?? 0;
}

/** Milliseconds until the lane may be planned again. */
export function planDueInMs(context: ExecutorContext, lane: LaneState): number {
  return Math.max(
    0,
    lane.plannedAtMs + context.limits.planIntervalMs - context.ledger.clock.nowMs(),
  );
}
