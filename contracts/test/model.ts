import type { Hex } from 'viem';
import { numbersOf } from '../encoding/batch.ts';
import { packEventId } from '../encoding/message.ts';
import type {
  CreditUnit,
  OpenBet,
  OpenUnit,
  PlayUnit,
  SettleOutcome,
  SettleUnit,
  Unit,
} from '../encoding/unit.ts';

/** What the contract should do with one lane of operator 1, written down a second time. */
export interface Model {
  seats: Record<Hex, { balance: bigint; maxStake: bigint; ended: boolean }>;
  banks: Record<
    number,
    { bankroll: bigint; reserved: bigint; locked: bigint; maxPayout: bigint; foreign: boolean }
  >;
  pages: Record<number, { firstSeq: number; unit: OpenUnit; open: Set<number> }>;
  next: number;
  nowS: number;
  horizonS: number;
}

/** An event's name and its arguments, of those that lanes emit. */
export type LaneEvent = readonly [name: string, ...args: unknown[]];

/** Applies one unit to the model and answers the events that it should emit. */
export function applyToModel(model: Model, shard: number, unit: Unit): LaneEvent[] {
  const idOf = (bank: number, seq: number) => packEventId({ operatorNo: 1, shard, bank, seq });
  const seq = model.next;
  model.next += numbersOf(unit);
  if (unit.op === 'play') return [applyPlay(model, unit, idOf(unit.bank, seq))];
  if (unit.op === 'credit') return [applyCredit(model, unit, idOf(unit.bank, seq))];
  if (unit.op === 'open') return applyOpen(model, unit, seq, idOf);
  return applySettle(model, unit, seq, idOf);
}

type IdOf = (bank: number, seq: number) => bigint;

function applyPlay(model: Model, unit: PlayUnit, id: bigint): LaneEvent {
  const seat = model.seats[unit.player];
  const bank = model.banks[unit.bank];
  const { stakeUnits: stake, payoutUnits: payout } = unit;
  const refuse = (code: number): LaneEvent => ['Rejected', id, unit.player, code, unit.refBet];
  if (stake === 0n) return refuse(13);
  if (!seat || (seat.ended && payout <= stake)) return refuse(1);
  if (stake > seat.maxStake) return refuse(2);
  if (!seat.ended && stake > seat.balance) return refuse(3);
  if (!bank || bank.foreign) return refuse(7);
  if (payout > bank.maxPayout) return refuse(4);
  if (payout - stake > bank.bankroll - bank.reserved) return refuse(5);
  seat.balance += payout - stake;
  bank.bankroll -= payout - stake;
  return ['Played', id, unit.player, stake, payout, unit.refBet, unit.refWin];
}

function applyCredit(model: Model, unit: CreditUnit, id: bigint): LaneEvent {
  const seat = model.seats[unit.player];
  const bank = model.banks[unit.bank];
  const refuse = (code: number): LaneEvent => ['Rejected', id, unit.player, code, unit.ref];
  if (!seat) return refuse(1);
  if (!bank || bank.foreign) return refuse(7);
  if (unit.amountUnits > bank.bankroll - bank.reserved) return refuse(5);
  seat.balance += unit.amountUnits;
  bank.bankroll -= unit.amountUnits;
  return ['Credited', id, unit.player, unit.amountUnits, unit.ref];
}

function applyOpen(model: Model, unit: OpenUnit, firstSeq: number, idOf: IdOf): LaneEvent[] {
  const page = model.pages[unit.slot];
  const busy = page !== undefined && page.open.size > 0;
  const opened = new Set<number>();
  const events = unit.bets.map((bet, offset): LaneEvent => {
    const id = idOf(bet.bank, firstSeq + offset);
    const maxPayout = bet.stakeUnits + bet.profitUnits;
    const code = busy ? 8 : unit.dueS <= model.nowS ? 11 : refuseOpen(model, unit, bet);
    if (code !== 0) {
      return ['OpenRejected', id, bet.player, bet.stakeUnits, maxPayout, unit.slot, code, bet.ref];
    }
    const seat = model.seats[bet.player];
    const bank = model.banks[bet.bank];
    if (!seat || !bank) throw new Error('a bet without seat or bank was not refused');
    seat.balance -= bet.stakeUnits;
    bank.locked += bet.stakeUnits;
    bank.reserved += bet.profitUnits;
    opened.add(offset);
    const { dueS, round, slot } = unit;
    return ['Opened', id, bet.player, bet.stakeUnits, maxPayout, slot, dueS, round, bet.ref];
  });
  if (opened.size > 0) model.pages[unit.slot] = { firstSeq, unit, open: opened };
  return events;
}

function refuseOpen(model: Model, unit: OpenUnit, bet: OpenBet): number {
  const seat = model.seats[bet.player];
  const bank = model.banks[bet.bank];
  if (bet.stakeUnits === 0n) return 13;
  if (!seat || seat.ended) return 1;
  if (bet.stakeUnits > seat.maxStake) return 2;
  if (bet.stakeUnits > seat.balance) return 3;
  if (!bank || bank.foreign) return 7;
  if (unit.dueS > model.nowS + model.horizonS) return 17;
  if (bet.stakeUnits + bet.profitUnits > bank.maxPayout) return 4;
  return bet.profitUnits > bank.bankroll - bank.reserved ? 5 : 0;
}

function applySettle(model: Model, unit: SettleUnit, seq: number, idOf: IdOf): LaneEvent[] {
  const page = model.pages[unit.slot];
  const matches =
    page !== undefined &&
    page.open.size > 0 &&
    page.firstSeq === unit.preimage.firstSeq &&
    page.unit.bonded === unit.preimage.bonded;
  const settled = new Set<number>();
  const events = unit.outcomes.map((outcome): LaneEvent => {
    const bet = unit.preimage.bets[outcome.offset];
    if (!matches || !bet) return ['Rejected', idOf(0, seq), ZERO_ADDRESS, 9, outcome.ref];
    const id = idOf(bet.bank, page.firstSeq + outcome.offset);
    const refuse = (code: number): LaneEvent => ['Rejected', id, bet.player, code, outcome.ref];
    if (!page.open.has(outcome.offset)) return refuse(12);
    if (outcome.code === 'void' && page.unit.bonded) return refuse(14);
    const payout = payoutOf(bet, outcome);
    if (payout > bet.stakeUnits + bet.profitUnits) return refuse(10);
    const seat = model.seats[bet.player];
    const bank = model.banks[bet.bank];
    if (!seat || !bank) throw new Error('an open bet without seat or bank');
    page.open.delete(outcome.offset);
    settled.add(outcome.offset);
    seat.balance += payout;
    bank.locked -= bet.stakeUnits;
    bank.reserved -= bet.profitUnits;
    bank.bankroll += bet.stakeUnits - payout;
    return [outcome.code === 'void' ? 'Voided' : 'Settled', id, bet.player, payout, outcome.ref];
  });
  const left = page ? maskOf(page.open) : 0n;
  return [...events, ['Closed', idOf(0, seq), unit.slot, maskOf(settled), left]];
}

const ZERO_ADDRESS: Hex = `0x${'0'.repeat(40)}`;

function payoutOf(bet: Omit<OpenBet, 'ref'>, outcome: SettleOutcome): bigint {
  if (outcome.code === 'full') return bet.stakeUnits + bet.profitUnits;
  if (outcome.code === 'void') return bet.stakeUnits;
  return outcome.payoutUnits ?? 0n;
}

function maskOf(offsets: ReadonlySet<number>): bigint {
  let mask = 0n;
  for (const offset of offsets) mask |= 1n << BigInt(offset);
  return mask;
}
