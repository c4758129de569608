import type { Selectable } from 'kysely';
import type { Address } from 'viem';
import { type DaySums, dayKey, dayOf, sumDays } from './bankDay.ts';
import { transactionKey } from './keys.ts';
import type { LedgerContext } from './ledger.ts';
import type { AccountTable, BankTable, BetTable, IntentTable } from './schema.ts';

export type Account = Selectable<AccountTable>;
export type Bank = Selectable<BankTable>;
export type Bet = Selectable<BetTable>;
export type Intent = Selectable<IntentTable>;

/** A player's account, if the seat was seen. */
export async function findAccount(
  context: LedgerContext,
  deployment: string,
  player: Address,
): Promise<Account | undefined> {
  return await context.journal.read
    .selectFrom('account')
    .selectAll()
    .where('deployment', '=', deployment)
    .where('player', '=', player.toLowerCase())
    .executeTakeFirst();
}

/** A bank of the operator, if it was seen. */
export async function findBank(
  context: LedgerContext,
  deployment: string,
  bank: number,
): Promise<Bank | undefined> {
  return await context.journal.read
    .selectFrom('bank')
    .selectAll()
    .where('deployment', '=', deployment)
    .where('bank', '=', bank)
    .executeTakeFirst();
}

/** What the bank's bets and credits came to in the UTC day of that time, on chain as far as it was seen. */
export async function findBankDay(
  context: LedgerContext,
  args: { deployment: string; bank: number; timeS: number },
): Promise<DaySums> {
  const { deployment, bank } = args;
  const day = dayOf(args.timeS);
  const sums = await sumDays(context.journal.read, { deployment, banks: [bank], days: [day] });
  return sums.get(dayKey(bank, day)) ?? { lossUnits: 0n, wonUnits: 0n, creditedUnits: 0n };
}

/** What the bank can still lose to a new bet, smallest units. */
export function headroomOf(
  bank: Pick<Bank, 'bankroll' | 'reserved' | 'exiting' | 'unfinal_gains' | 'hold'>,
): bigint {
  return (
    BigInt(bank.bankroll) -
    BigInt(bank.reserved) -
    BigInt(bank.exiting) -
    BigInt(bank.unfinal_gains) -
    BigInt(bank.hold)
  );
}

/**
 * A bet (or the tombstone of a void that came first) by the txId of the bet, with its intents in order.
 * `isPageOpen`: its page is planned or on chain, and was not closed or expired for good.
 */
export async function findBet(
  context: LedgerContext,
  args: { deployment: string; provider: string; brand: string; txId: string },
): Promise<{ bet: Bet; intents: Intent[]; isPageOpen: boolean } | undefined> {
  const betKey = transactionKey(args.provider, args.brand, args.txId);
  const bet = await context.journal.read
    .selectFrom('bet')
    .selectAll()
    .where('deployment', '=', args.deployment)
    .where('bet_key', '=', betKey)
    .executeTakeFirst();
  if (!bet) return undefined;
  const intents = await context.journal.read
    .selectFrom('intent')
    .selectAll()
    .where('deployment', '=', args.deployment)
    .where('bet_key', '=', betKey)
    .orderBy('intent')
    .execute();
  const { lane, slot, seq } = bet;
  if (lane === null || slot === null || seq === null) return { bet, intents, isPageOpen: false };
  const busy = await context.journal.read
    .selectFrom('slot')
    .select('slot')
    .where('deployment', '=', args.deployment)
    .where('lane', '=', lane)
    .where('slot', '=', slot)
    .where('open_seq', '=', seq)
    .where('state', '=', 'busy')
    .executeTakeFirst();
  return { bet, intents, isPageOpen: busy !== undefined };
}
