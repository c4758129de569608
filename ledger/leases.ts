import { CroupierError } from '../platform/errors.ts';
import type { Fence, LedgerContext, LedgerTransaction } from './ledger.ts';

/**
 * Takes the lease if it is free, expired, or held under the same name by an earlier run; every taking
 * gets a higher fence. `undefined`: another holder has it.
 */
export async function takeLease(
  context: LedgerContext,
  args: { lease: string; holder: string; ttlMs: number },
): Promise<Fence | undefined> {
  const nowMs = context.clock.nowMs();
  const row = { lease: args.lease, holder: args.holder, expires_ms: nowMs + args.ttlMs };
  return await context.journal.transaction(async (tx) => {
    const held = await context.journal
      .lockRows(tx.selectFrom('lease').selectAll().where('lease', '=', args.lease))
      .executeTakeFirst();
    if (!held) {
      await tx
        .insertInto('lease')
        .values({ ...row, fence: 1 })
        .execute();
      return { lease: args.lease, holder: args.holder, fence: 1 };
    }
    if (held.holder !== args.holder && held.expires_ms > nowMs) return undefined;
    const fence = held.fence + 1;
    await tx
      .updateTable('lease')
      .set({ ...row, fence })
      .where('lease', '=', args.lease)
      .execute();
    return { lease: args.lease, holder: args.holder, fence };
  });
}

/**
 * Extends the lease to `ttlMs` from now.
 * @throws CroupierError `LEASE_LOST` (retryable) when another holder took it
 */
export async function renewLease(
  context: LedgerContext,
  fence: Fence,
  ttlMs: number,
): Promise<void> {
  await context.journal.transaction(async (tx) => {
    await checkFence(context, tx, fence);
    await tx
      .updateTable('lease')
      .set({ expires_ms: context.clock.nowMs() + ttlMs })
      .where('lease', '=', fence.lease)
      .execute();
  });
}

/** Gives the lease back, if it is still held: the next holder need not wait for its end. */
export async function releaseLease(context: LedgerContext, fence: Fence): Promise<void> {
  await context.journal.transaction(async (tx) => {
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
 * @throws CroupierError `LEASE_LOST` (retryable)
 */
export async function checkFence(
  context: LedgerContext,
  tx: LedgerTransaction,
  fence: Fence,
): Promise<void> {
  const held = await context.journal
    .lockRows(tx.selectFrom('lease').selectAll().where('lease', '=', fence.lease))
    .executeTakeFirst();
  if (held?.fence === fence.fence) return;
  throw new CroupierError({
    code: 'LEASE_LOST',
    errorClass: 'retryable',
    message: `Got fence ${fence.fence} for lease ${fence.lease}, expected ${held?.fence ?? 'none'}: another holder took it.`,
  });
}
