import type { Selectable } from 'kysely';
import type { Address } from 'viem';
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

/** What the bank can still lose to a new bet, smallest units. */
export function headroomOf(
  bank: Pick<Bank, 'bankroll' | 'reserved' | 'unfinal_gains' | 'hold'>,
): bigint {
  return (
    BigInt(bank.bankroll) - BigInt(bank.reserved) - BigInt(bank.unfinal_gains) - BigInt(bank.hold)
  );
}

/** A bet (or the tombstone of a void that came first) by the txId of the bet, with its intents in order. */
export async function findBet(
  context: LedgerContext,
  args: { deployment: string; provider: string; brand: string; txId: string },
): Promise<{ bet: Bet; intents: Intent[] } | undefined> {
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
  return { bet, intents };
}
