import type { BankLimits } from '../contracts/deploy.ts';

/** A bank that was never opened. */
export const NO_LIMITS: BankLimits = {
  maxPayoutUnits: 0n,
  stopLossUnits: 0n,
  dayWonUnits: 0n,
  dayCreditUnits: 0n,
  maxHorizonS: 0,
};

/** The limits of a bank as the contract keeps them: those that count, and those to come. */
export interface LimitsState {
  limits: BankLimits;
  announced: BankLimits | null;
  limitsReadyAtS: number;
}

/** The limits that count at that time, seconds. */
export function limitsAt(state: LimitsState, timeS: number): BankLimits {
  return state.announced && timeS >= state.limitsReadyAtS ? state.announced : state.limits;
}

/**
 * What a `LimitsSet` in a block of that time makes of them: what it lowers counts at once; where it
 * raises anything (then it is ready later), all of it counts from then on. It replaces what was
 * announced before and was not ready.
 */
export function setLimits(
  before: LimitsState,
  set: { limits: BankLimits; readyAtS: number; blockTimeS: number },
): LimitsState {
  const { limits, readyAtS, blockTimeS } = set;
  if (readyAtS <= blockTimeS) return { limits, announced: null, limitsReadyAtS: 0 };
  const lower = lowerOf(limitsAt(before, blockTimeS), limits);
  return { limits: lower, announced: limits, limitsReadyAtS: readyAtS };
}

/** As kept in a column; `limitsFrom` reads it. */
export function limitsText(limits: BankLimits): string {
  const { maxPayoutUnits, stopLossUnits, dayWonUnits, dayCreditUnits, maxHorizonS } = limits;
  const units = [maxPayoutUnits, stopLossUnits, dayWonUnits, dayCreditUnits].map(String);
  return JSON.stringify([...units, maxHorizonS]);
}

export function limitsFrom(text: string): BankLimits {
  const [maxPayout, stopLoss, dayWon, dayCredit, maxHorizonS] = JSON.parse(text) as [
    string,
    string,
    string,
    string,
    number,
  ];
  return {
    maxPayoutUnits: BigInt(maxPayout),
    stopLossUnits: BigInt(stopLoss),
    dayWonUnits: BigInt(dayWon),
    dayCreditUnits: BigInt(dayCredit),
    maxHorizonS,
  };
}

function lowerOf(a: BankLimits, b: BankLimits): BankLimits {
  const least = (x: bigint, y: bigint) => (x < y ? x : y);
  return {
    maxPayoutUnits: least(a.maxPayoutUnits, b.maxPayoutUnits),
    stopLossUnits: least(a.stopLossUnits, b.stopLossUnits),
    dayWonUnits: least(a.dayWonUnits, b.dayWonUnits),
    dayCreditUnits: least(a.dayCreditUnits, b.dayCreditUnits),
    maxHorizonS: Math.min(a.maxHorizonS, b.maxHorizonS),
  };
}
