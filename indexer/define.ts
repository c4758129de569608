import type { Transaction } from 'kysely';
import { CroupierError } from '../platform/errors.ts';
import type { BlockRef, IndexerContext, StreamState } from './context.ts';
import { type Continuity, EMPTY_CONTINUITY } from './continuity.ts';
import { digestOf } from './digest.ts';
import type { IndexedEvent } from './events.ts';
import type { Header } from './headers.ts';
import { checkFence } from './lease.ts';
import { nextNAfter, rowsOf, type StepContent } from './place.ts';
import type { IndexerDatabase, StepKind } from './schema.ts';

/** Rows of the warehouse that one step may have: so many still make one part. */
export const STEP_ROWS_MAX = 400_000;
/** Steps behind both cursors whose events are kept, so that a sink that lost them can be refilled. */
export const STEPS_KEPT = 20;
const EVENTS_PER_BODY = 500;
const HEADERS_PER_INSERT = 500;

type Tx = Transaction<IndexerDatabase>;

/**
 * Defines the step that applies `events`, or only moves the tip when there are none. `headers` are
 * those of the range that are not final yet.
 */
export async function defineApply(
  context: IndexerContext,
  state: StreamState,
  args: {
    events: readonly IndexedEvent[];
    from: number;
    to: BlockRef;
    headers: readonly Header[];
    continuity: Continuity;
  },
): Promise<StreamState> {
  return await define(context, state, {
    step: { kind: 'apply', events: args.events, from: args.from, to: args.to },
    next: { tip: args.to, continuity: args.continuity },
    write: async (tx) => {
      for (let at = 0; at < args.headers.length; at += HEADERS_PER_INSERT) {
        await tx
          .insertInto('header')
          .values(
            args.headers.slice(at, at + HEADERS_PER_INSERT).map((header) => ({
              ...keyOf(context),
              number: header.number,
              hash: header.hash,
              parent: header.parentHash,
            })),
          )
          .execute();
      }
    },
  });
}

/**
 * Defines the step that takes back `events` (newest first), all above `ancestor`, which becomes the
 * tip; without events only the tip moves.
 */
export async function defineRetract(
  context: IndexerContext,
  state: StreamState,
  args: { events: readonly IndexedEvent[]; ancestor: BlockRef; continuity: Continuity },
): Promise<StreamState> {
  const oldTip = state.tip ?? args.ancestor;
  return await define(context, state, {
    step: { kind: 'retract', events: args.events, from: args.ancestor.number + 1, to: oldTip },
    next: { tip: args.ancestor, continuity: args.continuity },
    write: async (tx) => {
      await where(context, tx.deleteFrom('header'))
        .where('number', '>', args.ancestor.number)
        .execute();
    },
  });
}

/** Defines the step that says that everything up to `final` is final, and prunes what nobody needs. */
export async function defineFinality(
  context: IndexerContext,
  state: StreamState,
  final: BlockRef,
): Promise<StreamState> {
  return await define(context, state, {
    step: { kind: 'finality', events: [], from: final.number, to: final },
    // Blocks without events may be final before a step has moved the tip over them.
    next: { final, tip: state.tip && state.tip.number > final.number ? state.tip : final },
    write: async (tx) => {
      await where(context, tx.deleteFrom('header')).where('number', '<', final.number).execute();
      await prune(context, tx, state, final);
    },
  });
}

/** A stream of this epoch before its first block. */
export function emptyState(
  context: Pick<IndexerContext, 'partitions'>,
  epoch: number,
): StreamState {
  return {
    epoch,
    step: 0,
    tip: null,
    final: null,
    nextN: Array.from({ length: context.partitions }, () => 1),
    continuity: EMPTY_CONTINUITY,
  };
}

/**
 * Begins `epoch`: all is filled again from the first block on, and what was not delivered of the
 * epochs before never is.
 */
export async function beginEpoch(context: IndexerContext, epoch: number): Promise<StreamState> {
  const state = emptyState(context, epoch);
  await context.journal.transaction(async (tx) => {
    await checkFence(context.journal, tx, context.fence);
    for (const table of ['step', 'step_body', 'header'] as const) {
      await where(context, tx.deleteFrom(table)).execute();
    }
    await where(context, tx.updateTable('cursor').set({ epoch, step: 0 })).execute();
    await updateStream(context, tx, state);
  });
  return state;
}

async function define(
  context: IndexerContext,
  state: StreamState,
  args: {
    step: { kind: StepKind; events: readonly IndexedEvent[]; from: number; to: BlockRef };
    next: Partial<Pick<StreamState, 'tip' | 'final' | 'continuity'>>;
    write: (tx: Tx) => Promise<void>;
  },
): Promise<StreamState> {
  const { kind, events, from, to } = args.step;
  const isStep = kind === 'finality' || events.length > 0;
  const content: StepContent = {
    deployment: context.deployment.deployment,
    epoch: state.epoch,
    step: state.step + 1,
    kind,
    firstN: state.nextN,
    events,
    toBlock: to.number,
    toHash: to.hash,
  };
  const next: StreamState = {
    ...state,
    ...args.next,
    ...(isStep ? { step: content.step, nextN: nextNAfter(content) } : {}),
  };
  const rows = rowsOf(content, context.specs);
  const digest = digestOf(rows, context.tables);
  await context.journal.transaction(async (tx) => {
    await checkFence(context.journal, tx, context.fence);
    if (isStep) {
      await tx
        .insertInto('step')
        .values({
          ...keyOf(context),
          epoch: content.epoch,
          step: content.step,
          kind,
          from_block: from,
          to_block: to.number,
          to_hash: to.hash,
          rows: kind === 'finality' ? 1 : events.length,
          digest: JSON.stringify(digest),
          first_n: JSON.stringify(content.firstN),
          fence: context.fence.fence,
          defined_ms: context.clock.nowMs(),
        })
        .execute();
      await insertBodies(context, tx, content);
    }
    await args.write(tx);
    await updateStream(context, tx, next);
  });
  if (isStep) context.crash('step.defined');
  return next;
}

async function insertBodies(context: IndexerContext, tx: Tx, content: StepContent): Promise<void> {
  for (let at = 0; at < content.events.length; at += EVENTS_PER_BODY) {
    await tx
      .insertInto('step_body')
      .values({
        ...keyOf(context),
        epoch: content.epoch,
        step: content.step,
        chunk: at / EVENTS_PER_BODY,
        events: JSON.stringify(content.events.slice(at, at + EVENTS_PER_BODY)),
      })
      .execute();
  }
}

async function updateStream(context: IndexerContext, tx: Tx, state: StreamState): Promise<void> {
  const updated = await where(
    context,
    tx.updateTable('stream').set({
      epoch: state.epoch,
      step: state.step,
      tip_block: state.tip?.number ?? context.deployment.deployedBlock - 1,
      tip_hash: state.tip?.hash ?? null,
      final_block: state.final?.number ?? null,
      final_hash: state.final?.hash ?? null,
      next_n: JSON.stringify(state.nextN),
      continuity: JSON.stringify(state.continuity),
    }),
  ).executeTakeFirst();
  if (updated.numUpdatedRows !== 1n) {
    throw new CroupierError({
      code: 'INDEXER_STREAM_MISSING',
      errorClass: 'fatal',
      message: `got ${updated.numUpdatedRows} streams of deployment ${context.deployment.deployment}, expected one`,
    });
  }
}

/** Events stay until their blocks are final and every sink is `STEPS_KEPT` steps past them. */
async function prune(
  context: IndexerContext,
  tx: Tx,
  state: StreamState,
  final: BlockRef,
): Promise<void> {
  const { behind } = await where(context, tx.selectFrom('cursor'))
    .select((select) => select.fn.min('step').as('behind'))
    .executeTakeFirstOrThrow();
  const kept = await where(context, tx.selectFrom('step_body'))
    .select((select) => select.fn.min('step').as('first'))
    .where('epoch', '=', state.epoch)
    .executeTakeFirst();
  const unfinal = await where(context, tx.selectFrom('step'))
    .select((select) => select.fn.min('step').as('first'))
    .where('epoch', '=', state.epoch)
    .where('step', '>=', kept?.first ?? 0)
    .where('kind', '!=', 'finality')
    .where('to_block', '>', final.number)
    .executeTakeFirst();
  const keepFrom = Math.min(Number(behind) - STEPS_KEPT + 1, unfinal?.first ?? Number(behind));
  await where(context, tx.deleteFrom('step_body')).where('step', '<', keepFrom).execute();
}

function keyOf(context: IndexerContext): { stream: string; deployment: string } {
  return { stream: context.stream.name, deployment: context.deployment.deployment };
}

/** Restricts a statement to the rows of the stream's deployment. */
function where<Query extends { where(column: string, operator: '=', value: string): Query }>(
  context: IndexerContext,
  query: Query,
): Query {
  return query
    .where('stream', '=', context.stream.name)
    .where('deployment', '=', context.deployment.deployment);
}
