import { accountState, bankState, spendableOf } from './balances.ts';
import type { LedgerContext } from './ledger.ts';
import { sumIntents } from './rebuild.ts';

/** A number of a row that does not follow from the book or the intents. */
export interface LedgerMismatch {
  /** `seat:<address>` or `bank:<number>`. */
  readonly account: string;
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

/** Entries read at once. */
const ENTRIES_PER_READ = 5_000;

/**
 * Recomputes every seat and bank of the deployment from its entries and intents, and names each field
 * that differs or is negative. Reads one after another: run it while nothing is being applied.
 */
export async function checkLedger(
  context: LedgerContext,
  deployment: string,
): Promise<LedgerMismatch[]> {
  const { read } = context.journal;
  const { amounts, gains } = await sumEntries(context, deployment);
  const { pending, hold } = await sumIntents(read, deployment);
  const found: LedgerMismatch[] = [];
  const check = (account: string, field: string, expected: bigint, got: bigint) => {
    if (expected !== got) {
      found.push({ account, field, expected: String(expected), got: String(got) });
    }
  };
  const checkSign = (account: string, field: string, got: bigint) => {
    if (got < 0n) found.push({ account, field, expected: 'at least 0', got: String(got) });
  };
  const seats = await read
    .selectFrom('account')
    .selectAll()
    .where('deployment', '=', deployment)
    .execute();
  for (const row of seats) {
    const seat = accountState(row);
    const name = `seat:${seat.player}`;
    check(name, 'chain_balance', amounts.get(name) ?? 0n, seat.chainBalance);
    check(name, 'unfinal_credits', gains.get(name) ?? 0n, seat.unfinalCredits);
    check(name, 'pending', pending.get(seat.player) ?? 0n, seat.pending);
    check(name, 'spendable', spendableOf(seat), BigInt(row.spendable));
    checkSign(name, 'chain_balance', seat.chainBalance);
    checkSign(name, 'unfinal_credits', seat.unfinalCredits);
    amounts.delete(name);
  }
  const banks = await read
    .selectFrom('bank')
    .selectAll()
    .where('deployment', '=', deployment)
    .execute();
  for (const bank of banks.map(bankState)) {
    const name = `bank:${bank.bank}`;
    for (const field of ['bankroll', 'reserved', 'locked'] as const) {
      check(name, field, amounts.get(`${field}:${bank.bank}`) ?? 0n, bank[field]);
      checkSign(name, field, bank[field]);
      amounts.delete(`${field}:${bank.bank}`);
    }
    check(name, 'unfinal_gains', gains.get(`bankroll:${bank.bank}`) ?? 0n, bank.unfinalGains);
    check(name, 'hold', hold.get(bank.bank) ?? 0n, bank.hold);
    checkSign(name, 'unfinal_gains', bank.unfinalGains);
    checkSign(name, 'hold', bank.hold);
  }
  for (const [account, sum] of amounts) {
    if (sum !== 0n) found.push({ account, field: 'row', expected: String(sum), got: 'no row' });
  }
  return found;
}

/** Per account of the current epoch: Σ of amounts, and Σ of gains that are not final. */
async function sumEntries(
  context: LedgerContext,
  deployment: string,
): Promise<{ amounts: Map<string, bigint>; gains: Map<string, bigint> }> {
  const amounts = new Map<string, bigint>();
  const gains = new Map<string, bigint>();
  let after = 0;
  for (;;) {
    const rows = await context.journal.read
      .selectFrom('entry')
      .innerJoin('deployment', (join) =>
        join
          .onRef('deployment.deployment', '=', 'entry.deployment')
          .onRef('deployment.epoch', '=', 'entry.epoch'),
      )
      .select(['entry.entry', 'entry.account', 'entry.amount', 'entry.gain', 'entry.final'])
      .where('entry.deployment', '=', deployment)
      .where('entry.entry', '>', after)
      .orderBy('entry.entry')
      .limit(ENTRIES_PER_READ)
      .execute();
    for (const { account, amount, gain, final } of rows) {
      amounts.set(account, (amounts.get(account) ?? 0n) + BigInt(amount));
      if (final === 0) gains.set(account, (gains.get(account) ?? 0n) + BigInt(gain));
    }
    const last = rows.at(-1);
    if (!last || rows.length < ENTRIES_PER_READ) return { amounts, gains };
    after = last.entry;
  }
}
