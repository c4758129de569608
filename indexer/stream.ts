import type { BusMessage } from '../platform/bus/bus.ts';
import type { BlockRef, IndexerContext, StreamState } from './context.ts';
import { beginEpoch, emptyState, STEPS_KEPT } from './define.ts';
import { differingTables, type StepDigest, warehouseDigests } from './digest.ts';
import type { SinkName, StepTable, StreamTable } from './schema.ts';
import { stepsBelow } from './steps.ts';
import { differs } from './warehouseSink.ts';

/** Messages at the end of a partition among which our last one is looked for. */
const LOOK_BACK_MESSAGES = 1_000;

export interface OpenedStream {
  readonly state: StreamState;
  /** Known blocks that may still be reorganised, ascending; the last final one first. */
  readonly known: readonly BlockRef[];
  readonly cursors: Readonly<Record<SinkName, number>>;
}

/** How far a sink was found to be: steps of `epoch`, as its own content says. */
interface SinkExtent {
  readonly epoch: number;
  readonly step: number;
}

/**
 * Reads where the stream stands and holds the sinks against it: one that lost its last steps (power
 * loss) is rewound; where a sink has more than the journal (restored or lost journal), or lacks more
 * than the journal keeps, a new epoch begins.
 *
 * @throws CroupierError `WAREHOUSE_STEP_DIFFERS` (fatal) when a step's rows are not those written
 */
export async function openStream(context: IndexerContext): Promise<OpenedStream> {
  const row = await readStream(context);
  const extents = [await warehouseExtent(context), await busExtent(context)];
  const epochOfSinks = Math.max(0, ...extents.map((extent) => extent.epoch));
  if (!row) {
    await insertStream(context, epochOfSinks + 1);
    if (epochOfSinks > 0) notifyRise(context, epochOfSinks + 1, 'the journal is new');
    return await read(context);
  }
  const isAhead = (extent: SinkExtent): boolean =>
    extent.epoch > row.epoch || (extent.epoch === row.epoch && extent.step > row.step);
  if (extents.some(isAhead)) {
    return await rise(
      context,
      Math.max(epochOfSinks, row.epoch) + 1,
      'a sink is ahead of the journal',
    );
  }
  const cursors = await readCursors(context);
  const warehouse = await heldByWarehouse(context, row, cursors.warehouse);
  const bus = await heldByBus(context, row, cursors.bus);
  if (warehouse === undefined || bus === undefined) {
    const sink = warehouse === undefined ? 'warehouse' : 'bus';
    return await rise(context, row.epoch + 1, `the ${sink} lost more than the journal keeps`);
  }
  await rewind(context, 'warehouse', cursors.warehouse, warehouse);
  await rewind(context, 'bus', cursors.bus, bus);
  return await read(context);
}

async function read(context: IndexerContext): Promise<OpenedStream> {
  const row = await readStream(context);
  if (!row) throw new Error('got no stream row, expected the one just written');
  const headers = await context.journal.read
    .selectFrom('header')
    .select(['number', 'hash'])
    .where('stream', '=', context.stream.name)
    .where('deployment', '=', row.deployment)
    .orderBy('number')
    .execute();
  const block = (number: number | null, hash: string | null): BlockRef | null =>
    number === null || hash === null ? null : { number, hash };
  const state: StreamState = {
    epoch: row.epoch,
    step: row.step,
    tip: block(row.tip_block, row.tip_hash),
    final: block(row.final_block, row.final_hash),
    nextN: JSON.parse(row.next_n),
    continuity: JSON.parse(row.continuity),
  };
  return { state, known: headers, cursors: await readCursors(context) };
}

async function readStream(context: IndexerContext): Promise<StreamTable | undefined> {
  return await context.journal.read
    .selectFrom('stream')
    .selectAll()
    .where('stream', '=', context.stream.name)
    .where('deployment', '=', context.deployment.deployment)
    .executeTakeFirst();
}

async function insertStream(context: IndexerContext, epoch: number): Promise<void> {
  const { deployment, deployedBlock } = context.deployment;
  const state = emptyState(context, epoch);
  await context.journal.transaction(async (tx) => {
    await tx
      .insertInto('stream')
      .values({
        stream: context.stream.name,
        deployment,
        epoch,
        step: 0,
        tip_block: deployedBlock - 1,
        tip_hash: null,
        final_block: null,
        final_hash: null,
        next_n: JSON.stringify(state.nextN),
        continuity: JSON.stringify(state.continuity),
        created_ms: context.clock.nowMs(),
      })
      .execute();
    const sinks: SinkName[] = ['warehouse', 'bus'];
    await tx
      .insertInto('cursor')
      .values(
        sinks.map((sink) => ({ stream: context.stream.name, deployment, sink, epoch, step: 0 })),
      )
      .execute();
  });
}

async function readCursors(context: IndexerContext): Promise<Record<SinkName, number>> {
  const rows = await context.journal.read
    .selectFrom('cursor')
    .select(['sink', 'step'])
    .where('stream', '=', context.stream.name)
    .where('deployment', '=', context.deployment.deployment)
    .execute();
  const stepOf = (sink: SinkName): number => rows.find((row) => row.sink === sink)?.step ?? 0;
  return { warehouse: stepOf('warehouse'), bus: stepOf('bus') };
}

async function rise(context: IndexerContext, epoch: number, why: string): Promise<OpenedStream> {
  await beginEpoch(context, epoch);
  notifyRise(context, epoch, why);
  return await read(context);
}

/** Says that everything is filled again, and why. */
export function notifyRise(context: IndexerContext, epoch: number, why: string): void {
  context.onNotice({
    code: 'INDEXER_EPOCH_RISES',
    message: `Epoch ${epoch} of deployment ${context.deployment.deployment} begins, because ${why}: everything is filled again from the chain.`,
  });
}

async function rewind(
  context: IndexerContext,
  sink: SinkName,
  cursor: number,
  held: number,
): Promise<void> {
  if (held >= cursor) return;
  await context.journal.transaction(async (tx) => {
    await tx
      .updateTable('cursor')
      .set({ step: held })
      .where('stream', '=', context.stream.name)
      .where('deployment', '=', context.deployment.deployment)
      .where('sink', '=', sink)
      .execute();
  });
  context.onNotice({
    code: 'INDEXER_SINK_REWOUND',
    message: `The ${sink} lost what it had of the steps after ${held} (its cursor said ${cursor}): they are delivered again.`,
  });
}

// ------------------------------------------------------------------------------- warehouse

async function warehouseExtent(context: IndexerContext): Promise<SinkExtent> {
  const selects = context.tables.map(
    (table) => `SELECT max((epoch, step)) AS last FROM ${table.name}
WHERE deployment = {deployment:String}`,
  );
  const [found] = await context.warehouse.query<{ epoch: string | number; step: string }>(
    `SELECT max(last).1 AS epoch, max(last).2 AS step FROM (${selects.join('\nUNION ALL\n')})`,
    { deployment: context.deployment.deployment },
  );
  return { epoch: Number(found?.epoch ?? 0), step: Number(found?.step ?? 0) };
}

/** The last step up to which the warehouse has all; undefined: it lost more than can be refilled. */
async function heldByWarehouse(
  context: IndexerContext,
  row: StreamTable,
  cursor: number,
): Promise<number | undefined> {
  const steps = (await stepsBelow(context, row.epoch, cursor + 1, STEPS_KEPT)).toReversed();
  const [first] = steps;
  if (!first) return cursor;
  const found = await warehouseDigests(context.warehouse, context.tables, {
    deployment: row.deployment,
    epoch: row.epoch,
    from: first.step,
    to: cursor,
  });
  for (const step of steps) {
    const expected: StepDigest = JSON.parse(step.digest);
    const has = found.get(step.step) ?? {};
    const differing = differingTables(expected, has);
    if (differing.length === 0) continue;
    const wrong = differing.find((table) => (has[table]?.rows ?? 0) > 0);
    if (wrong) throw differs(wrong, step, expected, has);
    // When the oldest one is gone, so may be those before it, which are not kept.
    return step === first && first.step > 1 ? undefined : step.step - 1;
  }
  return cursor;
}

// ------------------------------------------------------------------------------------- bus

async function busExtent(context: IndexerContext): Promise<SinkExtent> {
  let last: SinkExtent = { epoch: 0, step: 0 };
  for (let partition = 0; partition < context.partitions; partition += 1) {
    const headers = (await lastOnBus(context, partition))?.headers;
    const epoch = Number(headers?.epoch ?? 0);
    const step = Number(headers?.step ?? 0);
    if (epoch > last.epoch || (epoch === last.epoch && step > last.step)) last = { epoch, step };
  }
  return last;
}

/** The last step of which every partition has all messages; undefined: more is lost than is kept. */
async function heldByBus(
  context: IndexerContext,
  row: StreamTable,
  cursor: number,
): Promise<number | undefined> {
  if (cursor === 0) return cursor;
  const lastN: number[] = [];
  for (let partition = 0; partition < context.partitions; partition += 1) {
    const headers = (await lastOnBus(context, partition))?.headers;
    lastN.push(headers?.epoch === String(row.epoch) ? Number(headers.n) : 0);
  }
  const holds = (nextN: string): boolean =>
    (JSON.parse(nextN) as number[]).every((n, partition) => n - 1 <= (lastN[partition] ?? 0));
  // Newest first: what comes after the cursor's step, the step itself, and so on.
  const steps: Pick<StepTable, 'step' | 'first_n'>[] = await stepsBelow(
    context,
    row.epoch,
    row.step + 1,
    row.step - cursor + STEPS_KEPT,
  );
  const after = [{ step: row.step + 1, first_n: row.next_n }, ...steps];
  for (const { step, first_n } of after) {
    if (step - 1 <= cursor && holds(first_n)) return step - 1;
  }
  return undefined;
}

/** The last message of the deployment in a partition, unless many of others came after it. */
async function lastOnBus(
  context: IndexerContext,
  partition: number,
): Promise<BusMessage | undefined> {
  const end = await context.bus.endOffset(context.stream.topic, partition);
  const isOurs = (message: BusMessage): boolean =>
    message.headers.deployment === context.deployment.deployment;
  for (const count of [1, LOOK_BACK_MESSAGES]) {
    const offset = Math.max(end - count, 0);
    if (offset === end) return undefined;
    const messages = await context.bus.read({
      topic: context.stream.topic,
      partition,
      offset,
      max: count,
      waitMs: 0,
    });
    const last = messages.findLast(isOurs);
    if (last) return last;
  }
  return undefined;
}
