import type { Selectable } from 'kysely';
import { checkFence } from './leases.ts';
import type { Fence, LedgerContext, LedgerTransaction } from './ledger.ts';
import type { TransactionTable } from './schema.ts';

export type SignedTransaction = Selectable<TransactionTable>;

/** Whose transactions are meant. */
export interface SignerScope {
  readonly deployment: string;
  /** Lower case. */
  readonly signer: string;
}

/** What a transaction turned into; its bytes never change. */
export interface TransactionOutcome {
  readonly hash: string;
  readonly state: SignedTransaction['state'];
  readonly blockNumber: number | null;
  readonly status: number | null;
  readonly gasUsed: number | null;
}

/**
 * Writes signed transactions down before they are sent; durable when it resolves. The calls that they
 * carry are `sent` from then on. The same transaction again changes nothing.
 * @throws CroupierError `LEASE_LOST` (retryable) when one of the leases was lost: nothing is written
 */
export async function persistTransactions(
  context: LedgerContext,
  fences: readonly Fence[],
  transactions: readonly SignedTransaction[],
): Promise<void> {
  await context.journal.transaction(async (tx) => {
    for (const fence of fences) await checkFence(context, tx, fence);
    for (const transaction of transactions) {
      await tx
        .insertInto('transaction')
        .values(transaction)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    const calls = transactions.flatMap(({ call }) => (call === null ? [] : [call]));
    if (calls.length === 0) return;
    await tx.updateTable('call').set({ state: 'sent' }).where('call', 'in', calls).execute();
  });
}

/**
 * Notes what became of transactions; a mined one may become `signed` again after a reorg. A call is
 * `done` by the success of a transaction of its own, and `sent` again when a reorg made that a revert.
 * @throws CroupierError `LEASE_LOST` (retryable)
 */
export async function markTransactions(
  context: LedgerContext,
  fence: Fence,
  outcomes: readonly TransactionOutcome[],
): Promise<void> {
  await context.journal.transaction(async (tx) => {
    await checkFence(context, tx, fence);
    for (const outcome of outcomes) {
      const row = await tx
        .updateTable('transaction')
        .set({
          state: outcome.state,
          block_number: outcome.blockNumber,
          status: outcome.status,
          gas_used: outcome.gasUsed,
        })
        .where('hash', '=', outcome.hash)
        .returning('call')
        .executeTakeFirst();
      if (row?.call != null) await refreshCall(tx, row.call);
    }
  });
}

async function refreshCall(tx: LedgerTransaction, call: number): Promise<void> {
  const succeeded = await tx
    .selectFrom('transaction')
    .select('hash')
    .where('call', '=', call)
    .where('status', '=', 1)
    .limit(1)
    .executeTakeFirst();
  const [state, from] = succeeded ? (['done', 'sent'] as const) : (['sent', 'done'] as const);
  await tx
    .updateTable('call')
    .set({ state })
    .where('call', '=', call)
    .where('state', '=', from)
    .execute();
}

/** The signer's transactions that are signed or mined but not final, by nonce. */
export async function unconfirmedTransactions(
  context: LedgerContext,
  args: SignerScope & { max: number },
): Promise<SignedTransaction[]> {
  return await context.journal.read
    .selectFrom('transaction')
    .selectAll()
    .where('deployment', '=', args.deployment)
    .where('signer', '=', args.signer)
    .where('state', 'in', ['signed', 'mined'])
    .orderBy('nonce')
    .limit(args.max)
    .execute();
}

/** One above the highest nonce that a final transaction of the signer used in the deployment, or 0. */
export async function finalNonce(context: LedgerContext, args: SignerScope): Promise<number> {
  const last = await context.journal.read
    .selectFrom('transaction')
    .select('nonce')
    .where('deployment', '=', args.deployment)
    .where('signer', '=', args.signer)
    .where('state', '=', 'final')
    .orderBy('nonce', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last === undefined ? 0 : last.nonce + 1;
}

/**
 * A chain went back below what was final: every transaction that was final from the nonce on is
 * `signed` again. Answers them, by nonce.
 * @throws CroupierError `LEASE_LOST` (retryable)
 */
export async function reviveTransactions(
  context: LedgerContext,
  fence: Fence,
  args: SignerScope & { fromNonce: number },
): Promise<SignedTransaction[]> {
  return await context.journal.transaction(async (tx) => {
    await checkFence(context, tx, fence);
    const revived = await tx
      .updateTable('transaction')
      .set({ state: 'signed', block_number: null, status: null, gas_used: null })
      .where('deployment', '=', args.deployment)
      .where('signer', '=', args.signer)
      .where('state', '=', 'final')
      .where('nonce', '>=', args.fromNonce)
      .returningAll()
      .execute();
    return revived.toSorted((a, b) => a.nonce - b.nonce);
  });
}

/** Every transaction ever signed for the call, oldest first. */
export async function transactionsOfCall(
  context: LedgerContext,
  args: SignerScope & { call: number },
): Promise<SignedTransaction[]> {
  return await context.journal.read
    .selectFrom('transaction')
    .selectAll()
    .where('deployment', '=', args.deployment)
    .where('signer', '=', args.signer)
    .where('call', '=', args.call)
    .orderBy('nonce')
    .execute();
}
