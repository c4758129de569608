import { CroupierError } from '../platform/errors.ts';
import type { IndexerContext } from './context.ts';
import type { StepDigest } from './digest.ts';
import type { IndexedEvent } from './events.ts';
import type { StepContent } from './place.ts';
import type { StepTable } from './schema.ts';

/** A defined step with what must reach the sinks. */
export interface DefinedStep {
  readonly content: StepContent;
  readonly digest: StepDigest;
}

/** The step, or `undefined` when there is none of this number (any more). */
export async function loadStep(
  context: IndexerContext,
  epoch: number,
  step: number,
): Promise<DefinedStep | undefined> {
  const row = await context.journal.read
    .selectFrom('step')
    .selectAll()
    .where('stream', '=', context.stream.name)
    .where('deployment', '=', context.deployment.deployment)
    .where('epoch', '=', epoch)
    .where('step', '=', step)
    .executeTakeFirst();
  if (!row) return undefined;
  return {
    content: {
      deployment: row.deployment,
      epoch: row.epoch,
      step: row.step,
      kind: row.kind,
      firstN: JSON.parse(row.first_n),
      events: await loadEvents(context, row),
      toBlock: row.to_block,
      toHash: row.to_hash,
    },
    digest: JSON.parse(row.digest),
  };
}

/**
 * The events of a step in its order; a finality step has none.
 * @throws CroupierError `INDEXER_BODIES_MISSING` (fatal) once they were pruned
 */
export async function loadEvents(
  context: IndexerContext,
  step: StepTable,
): Promise<IndexedEvent[]> {
  if (step.kind === 'finality') return [];
  const bodies = await context.journal.read
    .selectFrom('step_body')
    .select('events')
    .where('stream', '=', context.stream.name)
    .where('deployment', '=', step.deployment)
    .where('epoch', '=', step.epoch)
    .where('step', '=', step.step)
    .orderBy('chunk')
    .execute();
  const events = bodies.flatMap((body) => JSON.parse(body.events) as IndexedEvent[]);
  if (events.length !== step.rows) {
    throw new CroupierError({
      code: 'INDEXER_BODIES_MISSING',
      errorClass: 'fatal',
      message: `got ${events.length} stored events of step ${step.step}, expected ${step.rows}: it can be neither delivered nor taken back`,
    });
  }
  return events;
}

/** Up to `max` steps before (and without) `below`, newest first. */
export async function stepsBelow(
  context: IndexerContext,
  epoch: number,
  below: number,
  max: number,
): Promise<StepTable[]> {
  return await context.journal.read
    .selectFrom('step')
    .selectAll()
    .where('stream', '=', context.stream.name)
    .where('deployment', '=', context.deployment.deployment)
    .where('epoch', '=', epoch)
    .where('step', '<', below)
    .orderBy('step', 'desc')
    .limit(max)
    .execute();
}
