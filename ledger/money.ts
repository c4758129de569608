import type { ChainEventMessage } from '../contracts/encoding/message.ts';
import { CroupierError } from '../platform/errors.ts';
import { applyBankEvent } from './bankEvents.ts';
import { expiredPage } from './expired.ts';
import { bankOf, type Fold, numberKey, placeOf, seatOf, textArg, unitsArg } from './fold.ts';
import { move } from './movement.ts';

/** What an event replaced in a seat, as kept in its entry: a retraction puts it back. */
interface SeatLimits {
  readonly maxStake: string;
  readonly endsAtS: number;
  readonly grantNo: number;
  readonly topUpLeft: string;
}

/**
 * Applies the money of an event of our operator, or takes it back (`sign` −1); `previous` is what the
 * event's entry kept, for a retraction. Events that move none of our money change nothing.
 * @throws CroupierError `OPEN_BET_MISSING` (fatal), `EVENT_MALFORMED` (fatal)
 */
export function applyMoney(
  fold: Fold,
  message: ChainEventMessage,
  previous: string | undefined,
): void {
  if (message.contract !== 'bet_book') return;
  switch (message.event) {
    case 'Played':
    case 'Opened':
    case 'Settled':
    case 'Voided':
    case 'Credited':
    case 'ToppedUp':
      applyLaneMoney(fold, message, previous);
      return;
    case 'Released':
      if (placeOf(fold.deployment, message)) applySeat(fold, message, previous);
      return;
    case 'Expired':
      applyExpired(fold, message);
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
    default:
      // A bank that was not opened before is another operator's.
      if (fold.banks.has(Number(message.args.bank))) applyBankEvent(fold, message, previous);
  }
}

function applyLaneMoney(
  fold: Fold,
  message: ChainEventMessage,
  previous: string | undefined,
): void {
  const place = placeOf(fold.deployment, message);
  if (!place) return;
  const player = textArg(message, 'player');
  const { bank } = place;
  switch (message.event) {
    case 'Played': {
      const won = unitsArg(message, 'payout') - unitsArg(message, 'stake');
      move(fold, message, { player, bank, seat: won, bankroll: -won, counts: 'result', previous });
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
      const { stake, profit } = openBetAt(fold, message, place.key);
      const payout = unitsArg(message, message.event === 'Settled' ? 'payout' : 'stake');
      move(fold, message, {
        player,
        bank,
        seat: payout,
        bankroll: stake - payout,
        reserved: -profit,
        locked: -stake,
        counts: 'result',
        previous,
      });
      return;
    }
    case 'Credited': {
      const amount = unitsArg(message, 'amount');
      move(fold, message, { player, bank, seat: amount, bankroll: -amount, counts: 'credit' });
      return;
    }
    case 'ToppedUp': {
      const amount = unitsArg(message, 'amount');
      seatOf(fold, player).topUpLeft -= BigInt(message.sign) * amount;
      move(fold, message, { player, seat: amount, seatGain: amount });
    }
  }
}

/** Each bet's stake goes back, of a bonded page its whole reserve: a foreign credit of each seat. */
function applyExpired(fold: Fold, message: ChainEventMessage): void {
  const page = expiredPage(fold.deployment, message);
  if (!page) return;
  const seats = new Map<string, bigint>();
  const banks = new Map<number, { bankroll: bigint; reserved: bigint; locked: bigint }>();
  for (const seq of page.seqs) {
    const bet = openBetAt(fold, message, numberKey(page.lane, seq));
    const payout = page.bonded ? bet.stake + bet.profit : bet.stake;
    seats.set(bet.player, (seats.get(bet.player) ?? 0n) + payout);
    const sums = banks.get(bet.bank) ?? { bankroll: 0n, reserved: 0n, locked: 0n };
    banks.set(bet.bank, {
      bankroll: sums.bankroll + bet.stake - payout,
      reserved: sums.reserved - bet.profit,
      locked: sums.locked - bet.stake,
    });
  }
  for (const [player, payout] of seats) {
    move(fold, message, { player, seat: payout, seatGain: payout });
  }
  for (const [bank, sums] of banks) move(fold, message, { bank, ...sums, counts: 'result' });
}

function openBetAt(
  fold: Fold,
  message: ChainEventMessage,
  key: string,
): { player: string; bank: number; stake: bigint; profit: bigint } {
  const bet = fold.openBets.get(key);
  if (!bet) {
    throw new CroupierError({
      code: 'OPEN_BET_MISSING',
      errorClass: 'fatal',
      message: `got ${message.event} ${message.id} of number ${key}, expected its Opened before it`,
    });
  }
  const { player, bank, stake, profit } = bet;
  return { player, bank, stake: BigInt(stake), profit: BigInt(profit) };
}

function applySeat(fold: Fold, message: ChainEventMessage, previous: string | undefined): void {
  const player = textArg(message, 'player');
  if (message.event === 'SeatSwept') {
    move(fold, message, { player, seat: -unitsArg(message, 'amount') });
    return;
  }
  const seat = seatOf(fold, player);
  const replaced: SeatLimits = {
    maxStake: String(seat.maxStake),
    endsAtS: seat.endsAtS,
    grantNo: seat.grantNo,
    topUpLeft: String(seat.topUpLeft),
  };
  if (message.sign < 0) {
    if (previous !== undefined) {
      const limits = JSON.parse(previous) as SeatLimits;
      seat.maxStake = BigInt(limits.maxStake);
      seat.endsAtS = limits.endsAtS;
      seat.grantNo = limits.grantNo;
      seat.topUpLeft = BigInt(limits.topUpLeft);
    }
  } else if (message.event === 'SeatFunded') {
    seat.maxStake = unitsArg(message, 'maxStake');
    seat.endsAtS = Number(textArg(message, 'expiry'));
    seat.grantNo = Number(textArg(message, 'grantNo'));
    seat.topUpLeft = unitsArg(message, 'topUp');
  } else if (message.event === 'SeatEnding') {
    seat.endsAtS = Number(textArg(message, 'endsAt'));
  } else {
    seat.endsAtS = message.blockTime;
  }
  const amount = message.event === 'SeatFunded' ? unitsArg(message, 'amount') : 0n;
  move(fold, message, {
    player,
    seat: amount,
    seatGain: amount,
    replaced: JSON.stringify(replaced),
  });
}
