import { accountState, bankState, spendableOf } from './balances.ts';
import { type BankDayState, countDay, dayOf } from './bankDay.ts';
import type { LedgerContext } from './ledger.ts';
import { isFunding } from './movement.ts';
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
  const { amounts, gains, funds, days } = await sumEntries(context, deployment);
  const { pending, hold, creditHold } = await sumIntents(read, deployment);
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
    for (const field of ['bankroll', 'reserved', 'locked', 'exiting'] as const) {
      check(name, field, amounts.get(`${field}:${bank.bank}`) ?? 0n, bank[field]);
      checkSign(name, field, bank[field]);
      amounts.delete(`${field}:${bank.bank}`);
    }
    check(name, 'unfinal_gains', gains.get(`bankroll:${bank.bank}`) ?? 0n, bank.unfinalGains);
    check(name, 'unfinal_funds', funds.get(`bankroll:${bank.bank}`) ?? 0n, bank.unfinalFunds);
    check(name, 'hold', hold.get(bank.bank) ?? 0n, bank.hold);
    check(name, 'credit_hold', creditHold.get(bank.bank) ?? 0n, bank.creditHold);
    checkSign(name, 'unfinal_gains', bank.unfinalGains);
    checkSign(name, 'unfinal_funds', bank.unfinalFunds);
    checkSign(name, 'hold', bank.hold);
  }
  const dayRows = await read
    .selectFrom('bank_day')
    .selectAll()
    .where('deployment', '=', deployment)
    .execute();
  for (const row of dayRows) {
    const name = `bank:${row.bank}`;
    const key = dayName(row.bank, row.partition, row.day);
    for (const field of ['loss', 'won', 'credited'] as const) {
      const named = `${field} of day ${row.day}, partition ${row.partition}`;
      check(name, named, days.get(key)?.[field] ?? 0n, BigInt(row[field]));
    }
    days.delete(key);
  }
  for (const { bank, day, loss, won, credited } of days.values()) {
    check(`bank:${bank}`, `day ${day}`, loss + won + credited, 0n);
  }
  for (const [account, sum] of amounts) {
    if (sum !== 0n) found.push({ account, field: 'row', expected: String(sum), got: 'no row' });
  }
  return found;
}

/** Sums over the entries of the current epoch, by account. */
interface EntrySums {
  readonly amounts: Map<string, bigint>;
  /** Of gains that are not final. */
  readonly gains: Map<string, bigint>;
  /** The part of them that no bet brought. */
  readonly funds: Map<string, bigint>;
  /** The banks' days, by `dayName`. */
  readonly days: Map<string, BankDayState>;
}

/** What counts in a bank's day, by event. */
const COUNTS: Readonly<Record<string, 'result' | 'credit'>> = {
  Played: 'result',
  Settled: 'result',
  Expired: 'result',
  Credited: 'credit',
};

async function sumEntries(context: LedgerContext, deployment: string): Promise<EntrySums> {
  const amounts = new Map<string, bigint>();
  const gains = new Map<string, bigint>();
  const funds = new Map<string, bigint>();
  const days = new Map<string, BankDayState>();
  // A drawdown cannot be taken back from its sum: what was retracted is not counted at all.
  const retracted = await readRetracted(context, deployment);
  let after = 0;
  for (;;) {
    const rows = await context.journal.read
      .selectFrom('entry')
      .innerJoin('deployment', (join) =>
        join
          .onRef('deployment.deployment', '=', 'entry.deployment')
          .onRef('deployment.epoch', '=', 'entry.epoch'),
      )
      .select([
        'entry.entry',
        'entry.partition',
        'entry.account',
        'entry.event',
        'entry.event_id',
        'entry.sign',
        'entry.amount',
        'entry.gain',
        'entry.block_time_s',
        'entry.final',
      ])
      .where('entry.deployment', '=', deployment)
      .where('entry.entry', '>', after)
      .orderBy('entry.entry')
      .limit(ENTRIES_PER_READ)
      .execute();
    for (const row of rows) {
      const { account, event } = row;
      amounts.set(account, (amounts.get(account) ?? 0n) + BigInt(row.amount));
      if (row.final === 0) gains.set(account, (gains.get(account) ?? 0n) + BigInt(row.gain));
      if (row.final === 0 && isFunding(event)) {
        funds.set(account, (funds.get(account) ?? 0n) + BigInt(row.gain));
      }
      const [kind, name] = account.split(':');
      const counts = COUNTS[event];
      if (kind !== 'bankroll' || counts === undefined || row.sign < 0) continue;
      const key = `${row.event_id} ${account}`;
      const left = retracted.get(key) ?? 0;
      if (left > 0) {
        retracted.set(key, left - 1);
        continue;
      }
      const [bank, day, { partition }] = [Number(name), dayOf(row.block_time_s), row];
      const dayKey = dayName(bank, partition, day);
      const state = days.get(dayKey) ?? { bank, partition, day, loss: 0n, won: 0n, credited: 0n };
      days.set(dayKey, state);
      countDay(state, counts, BigInt(row.amount));
    }
    const last = rows.at(-1);
    if (!last || rows.length < ENTRIES_PER_READ) return { amounts, gains, funds, days };
    after = last.entry;
  }
}

/** How often each bankroll's entry was taken back, by event and account. */
async function readRetracted(
  context: LedgerContext,
  deployment: string,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const rows = await context.journal.read
    .selectFrom('entry')
    .innerJoin('deployment', (join) =>
      join
        .onRef('deployment.deployment', '=', 'entry.deployment')
        .onRef('deployment.epoch', '=', 'entry.epoch'),
    )
    .select(['entry.event_id', 'entry.account'])
    .where('entry.deployment', '=', deployment)
    .where('entry.sign', '=', -1)
    .where('entry.account', 'like', 'bankroll:%')
    .execute();
  for (const { event_id, account } of rows) {
    const key = `${event_id} ${account}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function dayName(bank: number, partition: number, day: number): string {
  return `${bank}:${partition}:${day}`;
}
