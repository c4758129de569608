import {
  type AccountState,
  accountState,
  emptyBank,
  writeAccounts,
  writeBanks,
} from './balances.ts';
import { holdOf, pendingOf } from './fold.ts';
import type { LedgerContext, LedgerTransaction } from './ledger.ts';

/** Intents read at once: a rebuild reads all of them. */
const INTENTS_PER_READ = 5_000;

/**
 * A higher epoch of the stream came: forgets all that was folded from the chain, so that the epoch's
 * messages fold it anew. What arrived from outside stays: bets, requests, and items with their numbers
 * and bytes, which count as planned again. Where something had been applied, the deployment is
 * `rebuilding` (every request is told to come later) until `endRebuild`. Resolves to the seats that
 * were written.
 */
export async function beginEpoch(
  context: LedgerContext,
  tx: LedgerTransaction,
  args: { deployment: string; epoch: number },
): Promise<AccountState[]> {
  const { deployment, epoch } = args;
  const applied = await tx
    .selectFrom('entry')
    .select('entry')
    .where('deployment', '=', deployment)
    .limit(1)
    .executeTakeFirst();
  await tx
    .updateTable('deployment')
    .set(applied ? { epoch, state: 'rebuilding' } : { epoch })
    .where('deployment', '=', deployment)
    .execute();
  if (!applied) return [];
  await tx.deleteFrom('open_bet').where('deployment', '=', deployment).execute();
  await tx
    .updateTable('intent')
    .set({ state: 'planned', landed_block: null, landed_tx: null, rejection_code: null })
    .where('deployment', '=', deployment)
    .where('state', '!=', 'pending')
    .execute();
  await tx
    .updateTable('item')
    .set({ state: 'planned', closed_block: null })
    .where('deployment', '=', deployment)
    .where('state', '!=', 'planned')
    .execute();
  await tx
    .updateTable('slot')
    .set({ state: 'busy', expired_block: null })
    .where('deployment', '=', deployment)
    .execute();
  await tx
    .updateTable('bet')
    .set({ state: 'open' })
    .where('deployment', '=', deployment)
    .where('state', '=', 'expired')
    .execute();
  await tx.deleteFrom('bank_day').where('deployment', '=', deployment).execute();
  return await resetBalances(context, tx, deployment);
}

/** Every partition's finality of the new epoch was seen: the deployment takes new risk again. */
export async function endRebuild(tx: LedgerTransaction, deployment: string): Promise<void> {
  await tx
    .updateTable('deployment')
    .set({ state: 'active' })
    .where('deployment', '=', deployment)
    .where('state', '=', 'rebuilding')
    .execute();
}

async function resetBalances(
  context: LedgerContext,
  tx: LedgerTransaction,
  deployment: string,
): Promise<AccountState[]> {
  const { pending, hold, creditHold } = await sumIntents(tx, deployment);
  const rows = await context.journal
    .lockRows(tx.selectFrom('account').selectAll().where('deployment', '=', deployment))
    .execute();
  const accounts = rows.map((row) => ({
    ...accountState(row),
    chainBalance: 0n,
    unfinalCredits: 0n,
    pending: pending.get(row.player) ?? 0n,
    maxStake: 0n,
    endsAtS: 0,
    grantNo: 0,
    topUpLeft: 0n,
  }));
  await writeAccounts(tx, accounts);
  const banks = await context.journal
    .lockRows(tx.selectFrom('bank').selectAll().where('deployment', '=', deployment))
    .execute();
  await writeBanks(
    tx,
    banks.map(({ bank }) => ({
      ...emptyBank(deployment, bank),
      hold: hold.get(bank) ?? 0n,
      creditHold: creditHold.get(bank) ?? 0n,
    })),
  );
  return accounts;
}

/** What the intents that have not landed take from each player and hold of each bank. */
export async function sumIntents(
  tx: Pick<LedgerTransaction, 'selectFrom'>,
  deployment: string,
): Promise<{
  pending: Map<string, bigint>;
  hold: Map<number, bigint>;
  /** The part of `hold` that credits hold. */
  creditHold: Map<number, bigint>;
}> {
  const pending = new Map<string, bigint>();
  const hold = new Map<number, bigint>();
  const creditHold = new Map<number, bigint>();
  let after = 0;
  for (;;) {
    const rows = await tx
      .selectFrom('intent')
      .select(['intent', 'player', 'bank', 'delta', 'hold', 'state', 'kind'])
      .where('deployment', '=', deployment)
      .where('intent', '>', after)
      .orderBy('intent')
      .limit(INTENTS_PER_READ)
      .execute();
    for (const row of rows) {
      const taken = pendingOf(row.state, BigInt(row.delta));
      const held = holdOf(row.state, BigInt(row.hold));
      pending.set(row.player, (pending.get(row.player) ?? 0n) + taken);
      hold.set(row.bank, (hold.get(row.bank) ?? 0n) + held);
      if (row.kind === 'credit') {
        creditHold.set(row.bank, (creditHold.get(row.bank) ?? 0n) + held);
      }
    }
    const last = rows.at(-1);
    if (!last || rows.length < INTENTS_PER_READ) return { pending, hold, creditHold };
    after = last.intent;
  }
}
