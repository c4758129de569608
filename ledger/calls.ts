import type { Selectable } from 'kysely';
import type { Address, Hex } from 'viem';
import { CroupierError } from '../platform/errors.ts';
import { checkFence } from './leases.ts';
import type { Fence, LedgerContext } from './ledger.ts';
import type { CallTable } from './schema.ts';

export type Call = Selectable<CallTable>;
export type CallState = Call['state'];

/**
 * Writes a chain of calls outside lanes, each sent once the one before it is done, and answers their
 * rows. Calls whose keys are known already are left as they are: the same request is the same calls.
 */
export async function insertCalls(
  context: LedgerContext,
  args: {
    deployment: string;
    calls: readonly { readonly callKey: string; readonly to: Address; readonly data: Hex }[];
  },
): Promise<Call[]> {
  return await context.journal.transaction(async (tx) => {
    const rows: Call[] = [];
    for (const { callKey, to, data } of args.calls) {
      const known = await tx
        .selectFrom('call')
        .selectAll()
        .where('deployment', '=', args.deployment)
        .where('call_key', '=', callKey)
        .executeTakeFirst();
      const row =
        known ??
        (await tx
          .insertInto('call')
          .values({
            deployment: args.deployment,
            call_key: callKey,
            to: to.toLowerCase(),
            data,
            after_call: rows.at(-1)?.call ?? null,
            state: 'pending',
            error: null,
            created_ms: context.clock.nowMs(),
          })
          .returningAll()
          .executeTakeFirstOrThrow());
      rows.push(row);
    }
    return rows;
  });
}

/** A call by its number, if it is one of this deployment. */
export async function findCall(
  context: LedgerContext,
  deployment: string,
  call: number,
): Promise<Call | undefined> {
  return await context.journal.read
    .selectFrom('call')
    .selectAll()
    .where('deployment', '=', deployment)
    .where('call', '=', call)
    .executeTakeFirst();
}

/** Calls in one of the states, oldest first. */
export async function callsInState(
  context: LedgerContext,
  args: { deployment: string; states: readonly CallState[]; max: number },
): Promise<Call[]> {
  return await context.journal.read
    .selectFrom('call')
    .selectAll()
    .where('deployment', '=', args.deployment)
    .where('state', 'in', args.states)
    .orderBy('call')
    .limit(args.max)
    .execute();
}

/**
 * Moves a call on. A failed call fails those that wait for it, with the same error.
 * @throws CroupierError `LEASE_LOST` (retryable), `CALL_UNKNOWN` (final)
 */
export async function setCallState(
  context: LedgerContext,
  args: { fence: Fence; call: number; state: CallState; error: string | null },
): Promise<void> {
  await context.journal.transaction(async (tx) => {
    await checkFence(context, tx, args.fence);
    const changed = await tx
      .updateTable('call')
      .set({ state: args.state, error: args.error })
      .where('call', '=', args.call)
      .executeTakeFirst();
    if (changed.numUpdatedRows === 0n) {
      throw new CroupierError({
        code: 'CALL_UNKNOWN',
        errorClass: 'final',
        message: `Got call ${args.call}, expected one that was inserted.`,
      });
    }
    if (args.state !== 'failed') return;
    await tx
      .updateTable('call')
      .set({ state: 'failed', error: args.error })
      .where('after_call', '=', args.call)
      .where('state', '=', 'pending')
      .execute();
  });
}
