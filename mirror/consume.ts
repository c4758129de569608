import type { Selectable } from 'kysely';
import type { ChainMessage } from '../contracts/encoding/message.ts';
import { applyMessages } from '../ledger/apply.ts';
import type { AccountState } from '../ledger/balances.ts';
import type { LedgerContext, LedgerTransaction } from '../ledger/ledger.ts';
import { beginEpoch, endRebuild } from '../ledger/rebuild.ts';
import type { PositionTable } from '../ledger/schema.ts';
import type { BusMessage } from '../platform/bus/bus.ts';
import { CroupierError } from '../platform/errors.ts';

export type Position = Selectable<PositionTable>;
export type PositionKey = Pick<Position, 'consumer' | 'topic' | 'deployment' | 'partition'>;

/** Where a batch left the partition. */
export interface Consumed {
  readonly position: Position;
  /** The message there is not the one that follows: what is between is missing. */
  readonly gap: { readonly expected: number; readonly got: number } | undefined;
  /** Seats that were written. */
  readonly written: readonly AccountState[];
}

/** The stored position of a partition; its start if it was never read. */
export async function readPosition(context: LedgerContext, key: PositionKey): Promise<Position> {
  const row = await context.journal.read
    .selectFrom('position')
    .selectAll()
    .where('consumer', '=', key.consumer)
    .where('topic', '=', key.topic)
    .where('deployment', '=', key.deployment)
    .where('partition', '=', key.partition)
    .executeTakeFirst();
  return row ?? startOf(key);
}

/**
 * Applies messages that were read from `from` on, and stores the new position, in one transaction: so
 * each message has one effect, however often it is delivered. Known ones and those of other
 * deployments or older epochs are passed over; before a gap it stops. Changes nothing if the
 * partition was moved on meanwhile.
 * @throws CroupierError what `applyMessages` throws, `MESSAGE_MALFORMED` (fatal),
 * `RETRACTED_BELOW_FINAL` (fatal); then nothing of the batch is applied
 */
export async function consume(
  context: LedgerContext,
  key: PositionKey,
  from: number,
  messages: readonly BusMessage[],
): Promise<Consumed> {
  const consumed = await context.journal.transaction(async (tx) => {
    const stored = await lockPosition(context, tx, key);
    if (stored.next_offset !== from) {
      return { position: stored, gap: undefined, written: [] };
    }
    const result = await applyRun(context, tx, stored, messages);
    await writePosition(tx, result.position);
    await endRebuildWhenSeen(tx, result.position);
    context.crash('mirror.writing');
    return result;
  });
  context.crash('mirror.committed');
  return consumed;
}

async function applyRun(
  context: LedgerContext,
  tx: LedgerTransaction,
  stored: Position,
  messages: readonly BusMessage[],
): Promise<Consumed> {
  let position = stored;
  let epoch = await readEpoch(tx, stored.deployment);
  let run: ChainMessage[] = [];
  let written: readonly AccountState[] = [];
  const applyCollected = async (): Promise<void> => {
    written = [...written, ...(await applyMessages(context, tx, run))];
    run = [];
  };
  for (const carried of messages) {
    const message = parse(carried, stored.deployment);
    if (message && message.epoch >= epoch) {
      if (message.epoch > epoch) {
        await applyCollected();
        epoch = message.epoch;
        const reset = await beginEpoch(context, tx, { deployment: stored.deployment, epoch });
        written = [...written, ...reset];
      }
      if (position.epoch !== epoch) position = { ...position, epoch, n: 0, final_block: null };
      const expected = position.n + 1;
      if (message.n > expected) {
        await applyCollected();
        return { position, gap: { expected, got: message.n }, written };
      }
      if (message.n === expected) {
        run.push(message);
        position = advance(position, message);
      }
    }
    position = { ...position, next_offset: carried.offset + 1 };
  }
  await applyCollected();
  return { position, gap: undefined, written };
}

function advance(position: Position, message: ChainMessage): Position {
  const { blockNumber } = message;
  const finalBlock = position.final_block ?? -1;
  if (message.type === 'finality') {
    return { ...position, n: message.n, final_block: Math.max(finalBlock, blockNumber) };
  }
  if (message.sign > 0 || blockNumber > finalBlock) return { ...position, n: message.n };
  throw new CroupierError({
    code: 'RETRACTED_BELOW_FINAL',
    errorClass: 'fatal',
    message: `got the retraction of ${message.id} in block ${blockNumber}, expected none up to the final block ${finalBlock}`,
  });
}

function parse(carried: BusMessage, deployment: string): ChainMessage | undefined {
  if (carried.headers.deployment !== deployment) return undefined;
  try {
    return JSON.parse(carried.value) as ChainMessage;
  } catch (error) {
    throw new CroupierError({
      code: 'MESSAGE_MALFORMED',
      errorClass: 'fatal',
      message: `got a message at offset ${carried.offset} of partition ${carried.partition} that is no JSON`,
      cause: error,
    });
  }
}

async function readEpoch(tx: LedgerTransaction, deployment: string): Promise<number> {
  const row = await tx
    .selectFrom('deployment')
    .select('epoch')
    .where('deployment', '=', deployment)
    .executeTakeFirst();
  if (row) return row.epoch;
  throw new CroupierError({
    code: 'DEPLOYMENT_UNKNOWN',
    errorClass: 'fatal',
    message: `got messages for deployment ${deployment}, expected a registered one`,
  });
}

async function lockPosition(
  context: LedgerContext,
  tx: LedgerTransaction,
  key: PositionKey,
): Promise<Position> {
  const row = await context.journal
    .lockRows(
      tx
        .selectFrom('position')
        .selectAll()
        .where('consumer', '=', key.consumer)
        .where('topic', '=', key.topic)
        .where('deployment', '=', key.deployment)
        .where('partition', '=', key.partition),
    )
    .executeTakeFirst();
  return row ?? startOf(key);
}

async function writePosition(tx: LedgerTransaction, position: Position): Promise<void> {
  await tx
    .insertInto('position')
    .values(position)
    .onConflict((conflict) =>
      conflict.columns(['consumer', 'topic', 'deployment', 'partition']).doUpdateSet((row) => ({
        epoch: row.ref('excluded.epoch'),
        n: row.ref('excluded.n'),
        next_offset: row.ref('excluded.next_offset'),
        final_block: row.ref('excluded.final_block'),
      })),
    )
    .execute();
}

/** A rebuild is over once every partition has said what is final in the new epoch. */
async function endRebuildWhenSeen(tx: LedgerTransaction, position: Position): Promise<void> {
  const { consumer, topic, deployment } = position;
  const row = await tx
    .selectFrom('deployment')
    .select(['state', 'epoch', 'partitions'])
    .where('deployment', '=', deployment)
    .executeTakeFirst();
  if (row?.state !== 'rebuilding') return;
  const seen = await tx
    .selectFrom('position')
    .select('partition')
    .where('consumer', '=', consumer)
    .where('topic', '=', topic)
    .where('deployment', '=', deployment)
    .where('epoch', '=', row.epoch)
    .where('final_block', 'is not', null)
    .execute();
  if (seen.length === row.partitions) await endRebuild(tx, deployment);
}

function startOf(key: PositionKey): Position {
  return { ...key, epoch: 0, n: 0, next_offset: 0, final_block: null };
}
