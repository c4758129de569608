import { CroupierError } from '../platform/errors.ts';
import type { IndexerContext, StreamState } from './context.ts';
import { checkFence } from './lease.ts';
import type { SinkName } from './schema.ts';
import type { Signal } from './signal.ts';
import { type DefinedStep, loadStep } from './steps.ts';

const IDLE_WAIT_MS = 1_000;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 5_000;

/** Something that every step is delivered to, in order. */
export interface Sink {
  readonly name: SinkName;
  /**
   * Resolves once the sink has the whole step durably. Delivering the same step again is harmless.
   * A retryable error means that it will be tried again, any other halts the sink.
   */
  deliver(step: DefinedStep): Promise<void>;
}

/** How far a sink is; read by the follower to pace itself. */
export interface SinkProgress {
  readonly name: SinkName;
  epoch: number;
  step: number;
  /** Since when deliveries fail; undefined while they succeed. */
  failingSinceMs: number | undefined;
  error: { code: string; message: string } | undefined;
}

/**
 * Delivers step after step and notes each in the sink's cursor, until `signal` aborts. One sink that
 * is down does not stop the other. Rejects with the error that halts the sink.
 */
export async function runSink(
  context: IndexerContext,
  sink: Sink,
  progress: SinkProgress,
  args: {
    readonly current: () => StreamState;
    readonly wake: Signal;
    readonly onProgress: () => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  let backOffMs = BACK_OFF_MIN_MS;
  while (!args.signal.aborted) {
    const state = args.current();
    if (progress.epoch !== state.epoch) Object.assign(progress, { epoch: state.epoch, step: 0 });
    if (progress.step >= state.step) {
      await args.wake.wait(IDLE_WAIT_MS);
      continue;
    }
    try {
      const step = await loadStep(context, progress.epoch, progress.step + 1);
      // The epoch rose between the two lines above.
      if (!step) continue;
      await sink.deliver(step);
      if (await advance(context, sink.name, step)) progress.step = step.content.step;
    } catch (error) {
      if (!(error instanceof CroupierError) || error.errorClass !== 'retryable') throw error;
      progress.failingSinceMs ??= context.clock.nowMs();
      progress.error = { code: error.code, message: error.message };
      args.onProgress();
      await context.clock.sleep(backOffMs, args.signal);
      backOffMs = Math.min(backOffMs * 2, BACK_OFF_MAX_MS);
      continue;
    }
    backOffMs = BACK_OFF_MIN_MS;
    progress.failingSinceMs = undefined;
    progress.error = undefined;
    args.onProgress();
  }
}

/** False when the epoch has risen meanwhile: the cursor belongs to the new one. */
async function advance(
  context: IndexerContext,
  sink: SinkName,
  { content }: DefinedStep,
): Promise<boolean> {
  return await context.journal.transaction(async (tx) => {
    await checkFence(context.journal, tx, context.fence);
    const updated = await tx
      .updateTable('cursor')
      .set({ step: content.step })
      .where('stream', '=', context.stream.name)
      .where('deployment', '=', content.deployment)
      .where('sink', '=', sink)
      .where('epoch', '=', content.epoch)
      .where('step', '=', content.step - 1)
      .executeTakeFirst();
    return updated.numUpdatedRows === 1n;
  });
}
