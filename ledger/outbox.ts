import type { Selectable } from 'kysely';
import { sql } from 'kysely';
import type { LedgerContext } from './ledger.ts';
import type { OutboxTable } from './schema.ts';

export type OutboxRow = Selectable<OutboxTable>;

/** The topic of what the gateway accepted and refused. */
export const GATEWAY_TOPIC = 'croupier.gateway';

/** Rows that are not marked as published, oldest first; rows are marked, since `id > last` skips late commits. */
export async function unpublishedOutbox(context: LedgerContext, max: number): Promise<OutboxRow[]> {
  return await context.journal.read
    .selectFrom('outbox')
    .selectAll()
    .where(sql<boolean>`published = 0`)
    .orderBy('outbox')
    .limit(max)
    .execute();
}

/** Marks rows as published, once the bus has them. */
export async function markPublished(
  context: LedgerContext,
  rows: readonly number[],
): Promise<void> {
  if (rows.length === 0) return;
  await context.journal.transaction(async (tx) => {
    await tx.updateTable('outbox').set({ published: 1 }).where('outbox', 'in', rows).execute();
  });
}
