import type { Selectable } from 'kysely';
import { slices } from './balances.ts';
import type { LedgerTransaction } from './ledger.ts';
import type { BankDayTable } from './schema.ts';

const DAY_S = 86_400;

/** A row of `bank_day` with money as bigint, to compute on. */
export interface BankDayState {
  readonly bank: number;
  readonly partition: number;
  readonly day: number;
  loss: bigint;
  won: bigint;
  credited: bigint;
}

/** What a bank's bets and credits came to in a day. */
export interface DaySums {
  readonly lossUnits: bigint;
  readonly wonUnits: bigint;
  readonly creditedUnits: bigint;
}

/** The UTC day of a time in seconds, as days since the epoch. */
export function dayOf(timeS: number): number {
  return Math.floor(timeS / DAY_S);
}

/** Key of a day's row in a fold, whose partition is one. */
export function dayKey(bank: number, day: number): string {
  return `${bank}:${day}`;
}

/**
 * Counts what one event brought to a bankroll: a bet's result, or a credit (never above 0). Answers the
 * drawdown before it where the event cannot be taken back without.
 */
export function countDay(
  state: BankDayState,
  event: 'result' | 'credit',
  bankrollUnits: bigint,
): bigint | undefined {
  if (event === 'credit') {
    state.credited -= bankrollUnits;
    return undefined;
  }
  if (bankrollUnits <= 0n) {
    state.loss -= bankrollUnits;
    state.won -= bankrollUnits;
    return undefined;
  }
  const before = state.loss;
  state.loss = before > bankrollUnits ? before - bankrollUnits : 0n;
  return before;
}

/** Takes back what `countDay` did with the same arguments and answered. */
export function uncountDay(
  state: BankDayState,
  event: 'result' | 'credit',
  bankrollUnits: bigint,
  lossBefore: bigint | undefined,
): void {
  if (event === 'credit') state.credited += bankrollUnits;
  else if (bankrollUnits <= 0n) {
    state.loss += bankrollUnits;
    state.won += bankrollUnits;
  } else state.loss = lossBefore ?? state.loss;
}

/** Reads the days that exist of one partition, by `dayKey`. The banks' rows are locked before. */
export async function readDays(
  tx: Pick<LedgerTransaction, 'selectFrom'>,
  args: { deployment: string; partition: number; banks: Iterable<number>; days: Iterable<number> },
): Promise<Map<string, BankDayState>> {
  const found = new Map<string, BankDayState>();
  const days = [...new Set(args.days)];
  for (const banks of slices([...new Set(args.banks)])) {
    const rows = await tx
      .selectFrom('bank_day')
      .selectAll()
      .where('deployment', '=', args.deployment)
      .where('bank', 'in', banks)
      .where('day', 'in', days)
      .where('partition', '=', args.partition)
      .execute();
    for (const row of rows) found.set(dayKey(row.bank, row.day), dayState(row));
  }
  return found;
}

/** Writes days as computed, new ones too. */
export async function writeDays(
  tx: LedgerTransaction,
  deployment: string,
  days: readonly BankDayState[],
): Promise<void> {
  for (const some of slices(days)) {
    await tx
      .insertInto('bank_day')
      .values(
        some.map(({ bank, partition, day, loss, won, credited }) => ({
          deployment,
          bank,
          partition,
          day,
          loss: String(loss),
          won: String(won),
          credited: String(credited),
        })),
      )
      .onConflict((conflict) =>
        conflict.columns(['deployment', 'bank', 'day', 'partition']).doUpdateSet((row) => ({
          loss: row.ref('excluded.loss'),
          won: row.ref('excluded.won'),
          credited: row.ref('excluded.credited'),
        })),
      )
      .execute();
  }
}

/** The sums over all partitions of each bank's day, by `dayKey`; days without bets are missing. */
export async function sumDays(
  tx: Pick<LedgerTransaction, 'selectFrom'>,
  args: { deployment: string; banks: Iterable<number>; days: readonly number[] },
): Promise<Map<string, DaySums>> {
  const sums = new Map<string, DaySums>();
  for (const banks of slices([...new Set(args.banks)])) {
    const rows = await tx
      .selectFrom('bank_day')
      .selectAll()
      .where('deployment', '=', args.deployment)
      .where('bank', 'in', banks)
      .where('day', 'in', args.days)
      .execute();
    for (const { bank, day, loss, won, credited } of rows.map(dayState)) {
      const key = dayKey(bank, day);
      const sum = sums.get(key);
      sums.set(key, {
        lossUnits: loss + (sum?.lossUnits ?? 0n),
        wonUnits: won + (sum?.wonUnits ?? 0n),
        creditedUnits: credited + (sum?.creditedUnits ?? 0n),
      });
    }
  }
  return sums;
}

function dayState(row: Selectable<BankDayTable>): BankDayState {
  return {
    bank: row.bank,
    partition: row.partition,
    day: row.day,
    loss: BigInt(row.loss),
    won: BigInt(row.won),
    credited: BigInt(row.credited),
  };
}
