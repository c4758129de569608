import type { Hex } from 'viem';
import { readEventId } from '../encoding/message.ts';

interface ReplayedBank {
  bankroll: bigint;
  reserved: bigint;
  locked: bigint;
}

/** Balances that follow from logs alone. */
export interface Replayed {
  readonly seats: Map<Hex, bigint>;
  readonly banks: Map<number, ReplayedBank>;
  /** Open bets by id. */
  readonly open: Map<bigint, { readonly stake: bigint; readonly profit: bigint }>;
  /** One outcome for each number below the lane's next, in log order. */
  readonly numbers: Map<number, string>;
}

/** Folds the events of one BetBook from its deployment on. Throws where they contradict each other. */
export function replay(
  events: readonly { readonly name: string; readonly args: Record<string, unknown> }[],
): Replayed {
  const seats = new Map<Hex, bigint>();
  const banks = new Map<number, ReplayedBank>();
  const open: Replayed['open'] = new Map();
  const numbers = new Map<number, string>();

  const seat = (args: Record<string, unknown>, change: bigint) => {
    const player = (args.player as Hex).toLowerCase() as Hex;
    seats.set(player, (seats.get(player) ?? 0n) + change);
  };
  const bank = (number: number, change: Partial<ReplayedBank>) => {
    const before = banks.get(number) ?? { bankroll: 0n, reserved: 0n, locked: 0n };
    banks.set(number, {
      bankroll: before.bankroll + (change.bankroll ?? 0n),
      reserved: before.reserved + (change.reserved ?? 0n),
      locked: before.locked + (change.locked ?? 0n),
    });
  };
  const outcome = (id: bigint, name: string) => {
    const { seq } = readEventId(id);
    if (numbers.has(seq)) throw new Error(`number ${seq} has two outcomes`);
    numbers.set(seq, name);
  };

  for (const { name, args } of events) {
    const id = (args.id ?? 0n) as bigint;
    const stake = (args.stake ?? 0n) as bigint;
    const amount = (args.amount ?? 0n) as bigint;
    const payout = (args.payout ?? 0n) as bigint;
    const bankNo = readEventId(id).bank;
    if (name === 'SeatFunded') seat(args, amount);
    if (name === 'SeatSwept') seat(args, -amount);
    if (name === 'BankFunded') bank(args.bank as number, { bankroll: amount });
    if (name === 'Played') {
      seat(args, payout - stake);
      bank(bankNo, { bankroll: stake - payout });
      outcome(id, name);
    }
    if (name === 'Credited') {
      seat(args, amount);
      bank(bankNo, { bankroll: -amount });
      outcome(id, name);
    }
    if (name === 'Opened') {
      const profit = (args.maxPayout as bigint) - stake;
      seat(args, -stake);
      bank(bankNo, { locked: stake, reserved: profit });
      open.set(id, { stake, profit });
      outcome(id, name);
    }
    if (name === 'Settled' || name === 'Voided') {
      const bet = open.get(id);
      if (!bet) throw new Error(`${name} of a bet that is not open: ${id}`);
      const back = name === 'Voided' ? bet.stake : payout;
      open.delete(id);
      seat(args, back);
      bank(bankNo, {
        bankroll: bet.stake - back,
        reserved: -bet.profit,
        locked: -bet.stake,
      });
    }
    if (name === 'OpenRejected' || name === 'Closed') outcome(id, name);
    // Inside a SETTLE a rejection carries the id of a bet, or the SETTLE's own, which Closed ends.
    if (name === 'Rejected' && !numbers.has(readEventId(id).seq) && bankNo !== 0) outcome(id, name);
  }
  return { seats, banks, open, numbers };
}
