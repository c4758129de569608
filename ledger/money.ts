import type { ChainEventMessage } from '../contracts/encoding/message.ts';
import { CroupierError } from '../platform/errors.ts';
import { addEntry, bankOf, type Fold, placeOf, seatOf, textArg, unitsArg } from './fold.ts';

/** What an event replaced in a row, as kept in its entry: a retraction puts it back. */
export type Previous =
  | { readonly maxStake: string; readonly endsAtS: number; readonly grantNo: number }
  | { readonly maxPayout: string };

/** What an event changes in a seat and a bank. A gain is the part that counts once final. */
interface Movement {
  readonly player?: string;
  readonly seat?: bigint;
  readonly seatGain?: bigint;
  readonly bank?: number;
  readonly bankroll?: bigint;
  readonly reserved?: bigint;
  readonly locked?: bigint;
}

/**
 * Applies the money of an event of our operator, or takes it back (`sign` −1); `previous` is what the
 * event had replaced, for a retraction. Events that move none of our money change nothing.
 * @throws CroupierError `OPEN_BET_MISSING` (fatal), `EVENT_MALFORMED` (fatal)
 */
export function applyMoney(
  fold: Fold,
  message: ChainEventMessage,
  previous: Previous | undefined,
): void {
  if (message.contract !== 'bet_book') return;
  switch (message.event) {
    case 'Played':
    case 'Opened':
    case 'Settled':
    case 'Voided':
    case 'Credited':
      applyLaneMoney(fold, message);
      return;
    case 'SeatFunded':
    case 'SeatEnding':
    case 'SeatSwept':
      if (textArg(message, 'operator') === fold.deployment.operator) {
        applySeat(fold, message, previous);
      }
      return;
    case 'BankOpened':
      if (textArg(message, 'operator') === fold.deployment.operator) {
        bankOf(fold, Number(textArg(message, 'bank')));
      }
      return;
    case 'BankFunded':
    case 'LimitsSet':
      if (fold.banks.has(Number(textArg(message, 'bank')))) applyBank(fold, message, previous);
      return;
  }
}

function applyLaneMoney(fold: Fold, message: ChainEventMessage): void {
  const place = placeOf(fold.deployment, message);
  if (!place) return;
  const player = textArg(message, 'player');
  const { bank } = place;
  switch (message.event) {
    case 'Played': {
      const won = unitsArg(message, 'payout') - unitsArg(message, 'stake');
      move(fold, message, { player, bank, seat: won, bankroll: -won });
      return;
    }
    case 'Opened': {
      const stake = unitsArg(message, 'stake');
      const profit = unitsArg(message, 'maxPayout') - stake;
      const { deployment } = fold.deployment;
      const { lane, seq } = place;
      const row = {
        deployment,
        lane,
        seq,
        player,
        bank,
        stake: String(stake),
        profit: String(profit),
      };
      fold.openBets.set(place.key, message.sign > 0 ? row : null);
      fold.changedOpenBets.add(place.key);
      move(fold, message, { player, bank, seat: -stake, locked: stake, reserved: profit });
      return;
    }
    case 'Settled':
    case 'Voided': {
      const bet = fold.openBets.get(place.key);
      if (!bet) {
        throw new CroupierError({
          code: 'OPEN_BET_MISSING',
          errorClass: 'fatal',
          message: `got ${message.event} ${message.id} of number ${place.key}, expected its Opened before it`,
        });
      }
      const stake = BigInt(bet.stake);
      const payout = unitsArg(message, message.event === 'Settled' ? 'payout' : 'stake');
      move(fold, message, {
        player,
        bank,
        seat: payout,
        bankroll: stake - payout,
        reserved: -BigInt(bet.profit),
        locked: -stake,
      });
      return;
    }
    case 'Credited': {
      const amount = unitsArg(message, 'amount');
      move(fold, message, { player, bank, seat: amount, bankroll: -amount });
    }
  }
}

function applySeat(fold: Fold, message: ChainEventMessage, previous: Previous | undefined): void {
  const player = textArg(message, 'player');
  const seat = seatOf(fold, player);
  const replaced: Previous = {
    maxStake: String(seat.maxStake),
    endsAtS: seat.endsAtS,
    grantNo: seat.grantNo,
  };
  if (message.event === 'SeatSwept') {
    move(fold, message, { player, seat: -unitsArg(message, 'amount') });
    return;
  }
  if (message.sign < 0) {
    if (previous && 'maxStake' in previous) {
      seat.maxStake = BigInt(previous.maxStake);
      seat.endsAtS = previous.endsAtS;
      seat.grantNo = previous.grantNo;
    }
  } else if (message.event === 'SeatFunded') {
    seat.maxStake = unitsArg(message, 'maxStake');
    seat.endsAtS = Number(textArg(message, 'expiry'));
    seat.grantNo = Number(textArg(message, 'grantNo'));
  } else {
    seat.endsAtS = Number(textArg(message, 'endsAt'));
  }
  const amount = message.event === 'SeatFunded' ? unitsArg(message, 'amount') : 0n;
  move(fold, message, { player, seat: amount, seatGain: amount }, replaced);
}

function applyBank(fold: Fold, message: ChainEventMessage, previous: Previous | undefined): void {
  const number = Number(textArg(message, 'bank'));
  if (message.event === 'BankFunded') {
    move(fold, message, { bank: number, bankroll: unitsArg(message, 'amount') });
    return;
  }
  const bank = bankOf(fold, number);
  const replaced: Previous = { maxPayout: String(bank.maxPayout) };
  if (message.sign > 0) bank.maxPayout = unitsArg(message, 'maxPayout');
  else if (previous && 'maxPayout' in previous) bank.maxPayout = BigInt(previous.maxPayout);
  move(fold, message, { bank: number }, replaced);
}

/** Writes the movement into the rows and the book, times the message's sign. */
function move(
  fold: Fold,
  message: ChainEventMessage,
  movement: Movement,
  replaced?: Previous,
): void {
  const sign = BigInt(message.sign);
  const previous = replaced && message.sign > 0 ? { previous: JSON.stringify(replaced) } : {};
  const { player, bank: number } = movement;
  if (player !== undefined) {
    const amount = sign * (movement.seat ?? 0n);
    const gain = sign * (movement.seatGain ?? 0n);
    const seat = seatOf(fold, player);
    seat.chainBalance += amount;
    seat.unfinalCredits += gain;
    if (amount !== 0n || replaced) {
      addEntry(fold, message, { account: `seat:${player}`, amount, gain, ...previous });
    }
  }
  if (number === undefined) return;
  const bank = bankOf(fold, number);
  const bankroll = sign * (movement.bankroll ?? 0n);
  const reserved = sign * (movement.reserved ?? 0n);
  const locked = sign * (movement.locked ?? 0n);
  const rise = (movement.bankroll ?? 0n) - (movement.reserved ?? 0n);
  const gain = rise > 0n ? sign * rise : 0n;
  bank.bankroll += bankroll;
  bank.reserved += reserved;
  bank.locked += locked;
  bank.unfinalGains += gain;
  if (bankroll !== 0n || gain !== 0n || (replaced && player === undefined)) {
    addEntry(fold, message, { account: `bankroll:${number}`, amount: bankroll, gain, ...previous });
  }
  if (reserved !== 0n) {
    addEntry(fold, message, { account: `reserved:${number}`, amount: reserved, gain: 0n });
  }
  if (locked !== 0n) {
    addEntry(fold, message, { account: `locked:${number}`, amount: locked, gain: 0n });
  }
}
