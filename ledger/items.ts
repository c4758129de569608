import type { LedgerContext, PlannedItems } from './ledger.ts';

/** Items of a lane from `fromSeq` on, in order, landed or not: after a reorg the chain lacks landed ones. */
export const plannedItems: PlannedItems = async (context, { deployment, lane, fromSeq, max }) =>
  await context.journal.read
    .selectFrom('item')
    .select(['seq', 'bytes', 'evidence_leaf'])
    .where('deployment', '=', deployment)
    .where('lane', '=', lane)
    .where('seq', '>=', fromSeq)
    .orderBy('seq')
    .limit(max)
    .execute();

/** The number that each lane's next planned unit will get, by lane. */
export async function plannedNumbers(
  context: LedgerContext,
  deployment: string,
): Promise<ReadonlyMap<number, number>> {
  const rows = await context.journal.read
    .selectFrom('lane')
    .select(['lane', 'next_seq'])
    .where('deployment', '=', deployment)
    .execute();
  return new Map(rows.map(({ lane, next_seq }) => [lane, next_seq]));
}
