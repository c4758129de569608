import { type AuditedDeployment, type ChainLog, partsOfId } from './chainLogs.ts';
import type { Effect } from './effects.ts';

const DAY_S = 86_400;

/** Limits in the order of `LimitsSet`: maxPayout, stopLoss, dayWon, dayCredit, maxHorizon. */
export type Limits = readonly [bigint, bigint, bigint, bigint, bigint];

/** What a day's bets and credits came to. */
export interface DayCounters {
  loss: bigint;
  won: bigint;
  credited: bigint;
}

/** A bank besides its money, as its events leave it. */
export interface BankState {
  limits: Limits;
  announced: Limits | null;
  /** 0: nothing is announced. */
  readyAt: number;
  pausedUntil: number;
  /** The UTC day for which it is halted. */
  haltedDay: number | null;
  exitAt: number;
  /** By UTC day: in the order of the chain. */
  readonly days: Map<number, DayCounters>;
  /** By shard and UTC day (`shard:day`): each shard's own bets alone. */
  readonly daysOfShards: Map<string, DayCounters>;
}

/** The banks of the operator by number, by the rules that the contracts document. */
export function bankStatesOf(
  logs: readonly ChainLog[],
  effects: readonly Effect[],
  deployment: AuditedDeployment,
): Map<string, BankState> {
  const operator = deployment.operator.toLowerCase();
  const banks = new Map<string, BankState>();
  const effectsOfLog = Map.groupBy(effects, ({ log }) => log);
  const exiting = new Map<string, bigint>();
  for (const log of logs) {
    if (log.contract !== 'bet_book') continue;
    if (log.event === 'BankOpened' && log.args.operator === operator) {
      banks.set(String(log.args.bank), emptyBank());
    }
    const number = String(log.args.bank);
    const bank = banks.get(number);
    if (bank) setBank(bank, log);
    for (const { account, amount } of effectsOfLog.get(log) ?? []) {
      const [kind, name = ''] = account.split(':');
      const state = banks.get(name);
      if (kind === 'exiting' && state) {
        const left = (exiting.get(name) ?? 0n) + amount;
        exiting.set(name, left);
        if (left === 0n) state.exitAt = 0;
      }
      if (kind === 'bankroll' && state) countDays(state, log, amount);
    }
  }
  return banks;
}

/** The day's counters, zeros where nothing happened in it. */
export function dayOf(bank: BankState, timeS: number): DayCounters {
  return bank.days.get(Math.floor(timeS / DAY_S)) ?? noCounters();
}

/** Whether the bank is halted at that time. */
export function isHalted(bank: BankState, timeS: number): boolean {
  return bank.haltedDay === Math.floor(timeS / DAY_S);
}

/** The limits that count at that time. */
export function limitsAt(bank: BankState, timeS: number): Limits {
  return bank.announced && timeS >= bank.readyAt ? bank.announced : bank.limits;
}

function setBank(bank: BankState, { event, args, blockTime }: ChainLog): void {
  switch (event) {
    case 'LimitsSet': {
      const set = limitsIn(args);
      const readyAt = Number(args.readyAt);
      const counting = limitsAt(bank, blockTime);
      const isLater = readyAt > blockTime;
      bank.limits = isLater ? lowest(counting, set) : set;
      bank.announced = isLater ? set : null;
      bank.readyAt = isLater ? readyAt : 0;
      return;
    }
    case 'Paused':
      bank.pausedUntil = Number(args.until);
      return;
    case 'Halted':
      bank.haltedDay = Math.floor(blockTime / DAY_S);
      return;
    case 'Resumed':
      bank.haltedDay = null;
      return;
    case 'ExitRequested':
    case 'PayoutSet':
      bank.exitAt = Number(args.exitAt);
      return;
  }
}

function countDays(bank: BankState, log: ChainLog, amount: bigint): void {
  const { event, args, blockTime } = log;
  if (!['Played', 'Settled', 'Expired', 'Credited'].includes(event)) return;
  const day = Math.floor(blockTime / DAY_S);
  const lane = event === 'Expired' ? BigInt(String(args.page)) >> 32n : laneOf(String(args.id));
  count(bank.days, day, event, amount);
  count(bank.daysOfShards, `${lane & 0xffffn}:${day}`, event, amount);
}

function count<Key>(
  days: Map<Key, DayCounters>,
  key: Key,
  event: string,
  bankrollUnits: bigint,
): void {
  const day = days.get(key) ?? noCounters();
  days.set(key, day);
  if (event === 'Credited') {
    day.credited -= bankrollUnits;
    return;
  }
  day.loss -= bankrollUnits;
  if (day.loss < 0n) day.loss = 0n;
  if (bankrollUnits < 0n) day.won -= bankrollUnits;
}

function laneOf(id: string): bigint {
  return BigInt(partsOfId(id).lane);
}

function limitsIn(args: ChainLog['args']): Limits {
  const of = (name: string): bigint => BigInt(String(args[name]));
  return [of('maxPayout'), of('stopLoss'), of('dayWon'), of('dayCredit'), of('maxHorizon')];
}

function lowest(one: Limits, other: Limits): Limits {
  const least = (index: 0 | 1 | 2 | 3 | 4): bigint => {
    if (one[index] < other[index]) return one[index];
    return other[index];
  };
  return [least(0), least(1), least(2), least(3), least(4)];
}

function emptyBank(): BankState {
  return {
    limits: [0n, 0n, 0n, 0n, 0n],
    announced: null,
    readyAt: 0,
    pausedUntil: 0,
    haltedDay: null,
    exitAt: 0,
    days: new Map(),
    daysOfShards: new Map(),
  };
}

function noCounters(): DayCounters {
  return { loss: 0n, won: 0n, credited: 0n };
}
