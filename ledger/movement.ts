import type { ChainEventMessage } from '../contracts/encoding/message.ts';
import { countDay, uncountDay } from './bankDay.ts';
import { addEntry, bankDayOf, bankOf, type Fold, seatOf } from './fold.ts';

/** What an event changes in a seat and a bank. A gain is the part that counts once final. */
export interface Movement {
  readonly player?: string;
  readonly seat?: bigint;
  readonly seatGain?: bigint;
  readonly bank?: number;
  readonly bankroll?: bigint;
  readonly reserved?: bigint;
  readonly locked?: bigint;
  readonly exiting?: bigint;
  /** What the change of the bankroll counts as in the bank's day. */
  readonly counts?: 'result' | 'credit';
  /** Kept in the entry: what a retraction puts back. */
  readonly replaced?: string;
  /** For a retraction: what the event's entry kept. */
  readonly previous?: string | undefined;
}

/** Events by which a bank gains without a bet: they lower no drawdown. */
const FUNDING = new Set(['BankFunded', 'ExitRequested', 'ExitCancelled']);

/** Whether what the event gains a bank is no bet's. */
export function isFunding(event: string): boolean {
  return FUNDING.has(event);
}

/** Writes the movement into the rows and the book, times the message's sign. */
export function move(fold: Fold, message: ChainEventMessage, movement: Movement): void {
  if (movement.player !== undefined) moveSeat(fold, message, movement.player, movement);
  if (movement.bank !== undefined) moveBank(fold, message, movement.bank, movement);
}

function moveSeat(
  fold: Fold,
  message: ChainEventMessage,
  player: string,
  movement: Movement,
): void {
  const sign = BigInt(message.sign);
  const amount = sign * (movement.seat ?? 0n);
  const gain = sign * (movement.seatGain ?? 0n);
  const seat = seatOf(fold, player);
  seat.chainBalance += amount;
  seat.unfinalCredits += gain;
  if (amount === 0n && movement.replaced === undefined) return;
  const replaced = message.sign > 0 ? movement.replaced : undefined;
  addEntry(fold, message, { account: `seat:${player}`, amount, gain, previous: replaced });
}

function moveBank(fold: Fold, message: ChainEventMessage, number: number, movement: Movement) {
  const sign = BigInt(message.sign);
  const bank = bankOf(fold, number);
  const bankroll = sign * (movement.bankroll ?? 0n);
  const reserved = sign * (movement.reserved ?? 0n);
  const locked = sign * (movement.locked ?? 0n);
  const exiting = sign * (movement.exiting ?? 0n);
  const rise = (movement.bankroll ?? 0n) - (movement.reserved ?? 0n) - (movement.exiting ?? 0n);
  const gain = rise > 0n ? sign * rise : 0n;
  bank.bankroll += bankroll;
  bank.reserved += reserved;
  bank.locked += locked;
  bank.exiting += exiting;
  bank.unfinalGains += gain;
  if (isFunding(message.event)) bank.unfinalFunds += gain;
  const lossBefore = moveDay(fold, message, number, movement);
  const replaced = message.sign > 0 ? (movement.replaced ?? lossBefore) : undefined;
  if (bankroll !== 0n || gain !== 0n || movement.replaced !== undefined) {
    addEntry(fold, message, {
      account: `bankroll:${number}`,
      amount: bankroll,
      gain,
      previous: replaced,
    });
  }
  const others = { reserved, locked, exiting };
  for (const [name, amount] of Object.entries(others)) {
    if (amount !== 0n) addEntry(fold, message, { account: `${name}:${number}`, amount, gain: 0n });
  }
}

/** Answers what a retraction will need, as text. */
function moveDay(
  fold: Fold,
  message: ChainEventMessage,
  bank: number,
  { counts, bankroll = 0n, previous }: Movement,
): string | undefined {
  if (counts === undefined || bankroll === 0n) return undefined;
  const day = bankDayOf(fold, bank, message);
  if (message.sign > 0) return countDay(day, counts, bankroll)?.toString();
  uncountDay(day, counts, bankroll, previous === undefined ? undefined : BigInt(previous));
  return undefined;
}
