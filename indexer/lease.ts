import type { Transaction } from 'kysely';
import type { Clock } from '../platform/clock.ts';
import { CroupierError } from '../platform/errors.ts';
import type { Journal } from '../platform/journal/journal.ts';
import type { IndexerDatabase } from './schema.ts';

/** The token of a taken lease. */
export interface Fence {
  readonly lease: string;
  readonly holder: string;
  readonly fence: number;
}

interface LeaseContext {
  readonly journal: Journal<IndexerDatabase>;
  readonly clock: Clock;
}

/**
 * Takes the lease if it is free, expired, or held under the same name by an earlier run; every taking
 * gets a higher fence. `undefined`: another holder has it.
 */
export async function takeLease(
  { journal, clock }: LeaseContext,
  args: { lease: string; holder: string; ttlMs: number },
): Promise<Fence | undefined> {
  const nowMs = clock.nowMs();
  return await journal.transaction(async (tx) => {
    const held = await journal
      .lockRows(tx.selectFrom('lease').selectAll().where('lease', '=', args.lease))
      .executeTakeFirst();
    if (held && held.holder !== args.holder && held.expires_ms > nowMs) return undefined;
    const fence = (held?.fence ?? 0) + 1;
    const row = { holder: args.holder, fence, expires_ms: nowMs + args.ttlMs };
    if (held) await tx.updateTable('lease').set(row).where('lease', '=', args.lease).execute();
    else
      await tx
        .insertInto('lease')
        .values({ lease: args.lease, ...row })
        .execute();
    return { lease: args.lease, holder: args.holder, fence };
  });
}

/**
 * Extends the lease to `ttlMs` from now.
 * @throws CroupierError `LEASE_LOST` (fatal)
 */
export async function renewLease(
  { journal, clock }: LeaseContext,
  fence: Fence,
  ttlMs: number,
): Promise<void> {
  await journal.transaction(async (tx) => {
    await checkFence(journal, tx, fence);
    await tx
      .updateTable('lease')
      .set({ expires_ms: clock.nowMs() + ttlMs })
      .where('lease', '=', fence.lease)
      .execute();
  });
}

/** Gives the lease back, if it is still held: the next holder need not wait for its end. */
export async function releaseLease({ journal }: LeaseContext, fence: Fence): Promise<void> {
  await journal.transaction(async (tx) => {
    await tx
      .updateTable('lease')
      .set({ expires_ms: 0 })
      .where('lease', '=', fence.lease)
      .where('fence', '=', fence.fence)
      .execute();
  });
}

/**
 * Locks the lease's row, so that nobody takes it before the caller's transaction ends. An expired
 * lease that nobody took is still good.
 * @throws CroupierError `LEASE_LOST` (fatal): another indexer writes this stream now
 */
export async function checkFence(
  journal: Journal<IndexerDatabase>,
  tx: Transaction<IndexerDatabase>,
  fence: Fence,
): Promise<void> {
  const held = await journal
    .lockRows(tx.selectFrom('lease').selectAll().where('lease', '=', fence.lease))
    .executeTakeFirst();
  if (held?.fence === fence.fence) return;
  throw new CroupierError({
    code: 'LEASE_LOST',
    errorClass: 'fatal',
    message: `got fence ${fence.fence} for ${fence.lease}, expected ${held?.fence ?? 'none'}: another indexer took over`,
  });
}
