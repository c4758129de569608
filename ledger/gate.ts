import type { Reason } from './answers.ts';
import type { BankState } from './balances.ts';
import { type DaySums, dayKey, dayOf } from './bankDay.ts';
import { limitsAt } from './bankLimits.ts';

/**
 * The chain may be that far behind our clock: what time gives the bank (a limit that was raised, the
 * end of a pause, a new day) counts so much later here.
 */
const CHAIN_LAG_S = 30;

const NO_SUMS: DaySums = { lossUnits: 0n, wonUnits: 0n, creditedUnits: 0n };

export interface Refusal {
  readonly code: Reason;
  readonly detail: string;
}

/** A bank, what `sumDays` knows of `gateDays`, and the time. */
export interface Gate {
  readonly bank: BankState;
  readonly days: ReadonlyMap<string, DaySums>;
  readonly nowS: number;
}

/** The UTC days whose sums the gate needs. */
export function gateDays(nowS: number): number[] {
  return [...new Set([dayOf(nowS), dayOf(nowS - CHAIN_LAG_S)])];
}

/**
 * Why the bank does not take a bet now, if it does not. It assumes that all that was accepted and has
 * not landed is won, so whatever order things land in, the contract takes the bet too, unless a power
 * is used meanwhile.
 */
export function refuseBet(
  gate: Gate,
  bet: { stakeUnits: bigint; maxPayoutUnits: bigint; dueMs: number },
): Refusal | undefined {
  const { bank, nowS } = gate;
  const limits = limitsAt(bank, nowS - CHAIN_LAG_S);
  if (nowS - CHAIN_LAG_S < bank.pausedUntilS) {
    return {
      code: 'BANK_PAUSED',
      detail: `got a bet while bank ${bank.bank} is paused until ${bank.pausedUntilS} s, expected it afterwards`,
    };
  }
  if (bank.haltedDay !== null && gateDays(nowS).includes(bank.haltedDay)) {
    return {
      code: 'BANK_HALTED',
      detail: `got a bet while bank ${bank.bank} is halted, expected it once it is resumed or the UTC day is over`,
    };
  }
  if (bet.dueMs > (limits.maxHorizonS - CHAIN_LAG_S) * 1000) {
    return {
      code: 'DUE_ABOVE_HORIZON',
      detail: `got a bet that is due after ${bet.dueMs} ms, expected less than the horizon of bank ${bank.bank}, ${limits.maxHorizonS} s`,
    };
  }
  if (bet.maxPayoutUnits > limits.maxPayoutUnits) {
    return above('PAYOUT_ABOVE_LIMIT', 'maxPayout', bet.maxPayoutUnits, limits.maxPayoutUnits);
  }
  const hold = bet.maxPayoutUnits - bet.stakeUnits;
  const headroom = headroomOf(bank) - bank.exiting;
  if (hold > headroom) return above('BANK_HEADROOM_SHORT', 'possible loss', hold, headroom);
  const { lossUnits, wonUnits } = sumsOf(gate);
  // What bets gained the bank and is not final may come back.
  const atRisk =
    bank.reserved + bank.unfinalGains - bank.unfinalFunds + bank.hold - bank.creditHold;
  const leftToLose = limits.stopLossUnits - lossUnits - atRisk;
  if (hold > leftToLose) return above('BANK_DAY_LIMIT', 'possible loss', hold, leftToLose);
  const leftToWin = limits.dayWonUnits - wonUnits - atRisk;
  if (hold > leftToWin) return above('BANK_DAY_LIMIT', 'possible win', hold, leftToWin);
  return undefined;
}

/** Why the bank does not take a credit now, if it does not. Pauses, halts and exits do not matter. */
export function refuseCredit(gate: Gate, amountUnits: bigint): Refusal | undefined {
  const { bank, nowS } = gate;
  const headroom = headroomOf(bank);
  if (amountUnits > headroom) return above('BANK_HEADROOM_SHORT', 'amount', amountUnits, headroom);
  const { dayCreditUnits } = limitsAt(bank, nowS - CHAIN_LAG_S);
  const left = dayCreditUnits - sumsOf(gate).creditedUnits - bank.creditHold;
  if (amountUnits > left) return above('BANK_DAY_LIMIT', 'amount', amountUnits, left);
  return undefined;
}

export function above(code: Reason, what: string, got: bigint, most: bigint): Refusal {
  return { code, detail: `got ${what} ${got}, expected at most ${most > 0n ? most : 0n}` };
}

/** Besides what is exiting, which still pays. */
function headroomOf(bank: BankState): bigint {
  return bank.bankroll - bank.reserved - bank.unfinalGains - bank.hold;
}

/** The largest of the days that it may be on chain. */
function sumsOf({ bank, days, nowS }: Gate): DaySums {
  const most = (a: bigint, b: bigint) => (a > b ? a : b);
  return gateDays(nowS).reduce((sums, day) => {
    const other = days.get(dayKey(bank.bank, day)) ?? NO_SUMS;
    return {
      lossUnits: most(sums.lossUnits, other.lossUnits),
      wonUnits: most(sums.wonUnits, other.wonUnits),
      creditedUnits: most(sums.creditedUnits, other.creditedUnits),
    };
  }, NO_SUMS);
}
