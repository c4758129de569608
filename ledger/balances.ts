import type { Selectable } from 'kysely';
import type { BankLimits } from '../contracts/deploy.ts';
import { limitsFrom, limitsText, NO_LIMITS } from './bankLimits.ts';
import type { LedgerContext, LedgerTransaction } from './ledger.ts';
import type { AccountTable, BankTable } from './schema.ts';

/** Keeps a statement's parameters well below SQLite's 32,766. */
const ROWS_PER_STATEMENT = 500;

/** A seat's row with money as bigint, to compute on. */
export interface AccountState {
  readonly deployment: string;
  readonly player: string;
  chainBalance: bigint;
  unfinalCredits: bigint;
  pending: bigint;
  maxStake: bigint;
  endsAtS: number;
  grantNo: number;
  topUpLeft: bigint;
  playerSeq: number;
  /** Of the row as it was read or, since, written; 0 before the first write. */
  version: number;
}

/** A bank's row with money as bigint, to compute on. */
export interface BankState {
  readonly deployment: string;
  readonly bank: number;
  bankroll: bigint;
  reserved: bigint;
  locked: bigint;
  exiting: bigint;
  exitAtS: number;
  unfinalGains: bigint;
  unfinalFunds: bigint;
  hold: bigint;
  creditHold: bigint;
  /** Without what is announced; see `limitsAt`. */
  limits: BankLimits;
  announced: BankLimits | null;
  limitsReadyAtS: number;
  pausedUntilS: number;
  haltedDay: number | null;
}

/** What the player can stake now: never more than what the chain will hold whatever lands. */
export function spendableOf(account: AccountState): bigint {
  const spendable = account.chainBalance - account.unfinalCredits + account.pending;
  return spendable > 0n ? spendable : 0n;
}

/** A seat that was never funded. */
export function emptyAccount(deployment: string, player: string): AccountState {
  return {
    deployment,
    player,
    chainBalance: 0n,
    unfinalCredits: 0n,
    pending: 0n,
    maxStake: 0n,
    endsAtS: 0,
    grantNo: 0,
    topUpLeft: 0n,
    playerSeq: 0,
    version: 0,
  };
}

/** A bank that was never funded. */
export function emptyBank(deployment: string, bank: number): BankState {
  return {
    deployment,
    bank,
    bankroll: 0n,
    reserved: 0n,
    locked: 0n,
    exiting: 0n,
    exitAtS: 0,
    unfinalGains: 0n,
    unfinalFunds: 0n,
    hold: 0n,
    creditHold: 0n,
    limits: NO_LIMITS,
    announced: null,
    limitsReadyAtS: 0,
    pausedUntilS: 0,
    haltedDay: null,
  };
}

/** The rows in slices that fit one statement each. */
export function slices<T>(rows: readonly T[]): T[][] {
  const out: T[][] = [];
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    out.push(rows.slice(from, from + ROWS_PER_STATEMENT));
  }
  return out;
}

/** Locks and reads the seats that exist among `players`, by player. */
export async function lockAccounts(
  context: LedgerContext,
  tx: LedgerTransaction,
  deployment: string,
  players: Iterable<string>,
): Promise<Map<string, AccountState>> {
  const found = new Map<string, AccountState>();
  for (const keys of slices([...new Set(players)].toSorted())) {
    const query = tx
      .selectFrom('account')
      .selectAll()
      .where('deployment', '=', deployment)
      .where('player', 'in', keys)
      .orderBy('player');
    for (const row of await context.journal.lockRows(query).execute()) {
      found.set(row.player, accountState(row));
    }
  }
  return found;
}

/** Locks and reads the banks that exist among `banks`, by number. */
export async function lockBanks(
  context: LedgerContext,
  tx: LedgerTransaction,
  deployment: string,
  banks: Iterable<number>,
): Promise<Map<number, BankState>> {
  const found = new Map<number, BankState>();
  for (const keys of slices([...new Set(banks)].toSorted((a, b) => a - b))) {
    const query = tx
      .selectFrom('bank')
      .selectAll()
      .where('deployment', '=', deployment)
      .where('bank', 'in', keys)
      .orderBy('bank');
    for (const row of await context.journal.lockRows(query).execute()) {
      found.set(row.bank, bankState(row));
    }
  }
  return found;
}

/**
 * Writes seats as computed on locked rows, new ones too, each under its next version; `spendable`
 * follows from the rest.
 */
export async function writeAccounts(
  tx: LedgerTransaction,
  accounts: readonly AccountState[],
): Promise<void> {
  for (const account of accounts) account.version += 1;
  for (const rows of slices(accounts)) {
    await tx
      .insertInto('account')
      .values(rows.map(accountRow))
      .onConflict((conflict) =>
        conflict.columns(['deployment', 'player']).doUpdateSet((row) => ({
          chain_balance: row.ref('excluded.chain_balance'),
          unfinal_credits: row.ref('excluded.unfinal_credits'),
          pending: row.ref('excluded.pending'),
          spendable: row.ref('excluded.spendable'),
          max_stake: row.ref('excluded.max_stake'),
          ends_at_s: row.ref('excluded.ends_at_s'),
          grant_no: row.ref('excluded.grant_no'),
          top_up_left: row.ref('excluded.top_up_left'),
          player_seq: row.ref('excluded.player_seq'),
          version: row.ref('excluded.version'),
        })),
      )
      .execute();
  }
}

/** Writes banks as computed, new ones too. */
export async function writeBanks(
  tx: LedgerTransaction,
  banks: readonly BankState[],
): Promise<void> {
  for (const rows of slices(banks)) {
    await tx
      .insertInto('bank')
      .values(rows.map(bankRow))
      .onConflict((conflict) =>
        conflict.columns(['deployment', 'bank']).doUpdateSet((row) => ({
          bankroll: row.ref('excluded.bankroll'),
          reserved: row.ref('excluded.reserved'),
          locked: row.ref('excluded.locked'),
          exiting: row.ref('excluded.exiting'),
          exit_at_s: row.ref('excluded.exit_at_s'),
          unfinal_gains: row.ref('excluded.unfinal_gains'),
          unfinal_funds: row.ref('excluded.unfinal_funds'),
          hold: row.ref('excluded.hold'),
          credit_hold: row.ref('excluded.credit_hold'),
          max_payout: row.ref('excluded.max_payout'),
          stop_loss: row.ref('excluded.stop_loss'),
          day_won: row.ref('excluded.day_won'),
          day_credit: row.ref('excluded.day_credit'),
          max_horizon_s: row.ref('excluded.max_horizon_s'),
          announced: row.ref('excluded.announced'),
          limits_ready_at_s: row.ref('excluded.limits_ready_at_s'),
          paused_until_s: row.ref('excluded.paused_until_s'),
          halted_day: row.ref('excluded.halted_day'),
        })),
      )
      .execute();
  }
}

/** The row in bigint. */
export function accountState(row: Selectable<AccountTable>): AccountState {
  return {
    deployment: row.deployment,
    player: row.player,
    chainBalance: BigInt(row.chain_balance),
    unfinalCredits: BigInt(row.unfinal_credits),
    pending: BigInt(row.pending),
    maxStake: BigInt(row.max_stake),
    endsAtS: row.ends_at_s,
    grantNo: row.grant_no,
    topUpLeft: BigInt(row.top_up_left),
    playerSeq: row.player_seq,
    version: row.version,
  };
}

/** The row in bigint. */
export function bankState(row: Selectable<BankTable>): BankState {
  return {
    deployment: row.deployment,
    bank: row.bank,
    bankroll: BigInt(row.bankroll),
    reserved: BigInt(row.reserved),
    locked: BigInt(row.locked),
    exiting: BigInt(row.exiting),
    exitAtS: row.exit_at_s,
    unfinalGains: BigInt(row.unfinal_gains),
    unfinalFunds: BigInt(row.unfinal_funds),
    hold: BigInt(row.hold),
    creditHold: BigInt(row.credit_hold),
    limits: {
      maxPayoutUnits: BigInt(row.max_payout),
      stopLossUnits: BigInt(row.stop_loss),
      dayWonUnits: BigInt(row.day_won),
      dayCreditUnits: BigInt(row.day_credit),
      maxHorizonS: row.max_horizon_s,
    },
    announced: row.announced === null ? null : limitsFrom(row.announced),
    limitsReadyAtS: row.limits_ready_at_s,
    pausedUntilS: row.paused_until_s,
    haltedDay: row.halted_day,
  };
}

function accountRow(account: AccountState): Selectable<AccountTable> {
  return {
    deployment: account.deployment,
    player: account.player,
    chain_balance: String(account.chainBalance),
    unfinal_credits: String(account.unfinalCredits),
    pending: String(account.pending),
    spendable: String(spendableOf(account)),
    max_stake: String(account.maxStake),
    ends_at_s: account.endsAtS,
    grant_no: account.grantNo,
    top_up_left: String(account.topUpLeft),
    player_seq: account.playerSeq,
    version: account.version,
  };
}

function bankRow(bank: BankState): Selectable<BankTable> {
  return {
    deployment: bank.deployment,
    bank: bank.bank,
    bankroll: String(bank.bankroll),
    reserved: String(bank.reserved),
    locked: String(bank.locked),
    exiting: String(bank.exiting),
    exit_at_s: bank.exitAtS,
    unfinal_gains: String(bank.unfinalGains),
    unfinal_funds: String(bank.unfinalFunds),
    hold: String(bank.hold),
    credit_hold: String(bank.creditHold),
    max_payout: String(bank.limits.maxPayoutUnits),
    stop_loss: String(bank.limits.stopLossUnits),
    day_won: String(bank.limits.dayWonUnits),
    day_credit: String(bank.limits.dayCreditUnits),
    max_horizon_s: bank.limits.maxHorizonS,
    announced: bank.announced && limitsText(bank.announced),
    limits_ready_at_s: bank.limitsReadyAtS,
    paused_until_s: bank.pausedUntilS,
    halted_day: bank.haltedDay,
  };
}
