import { type Address, type Hex, keccak256 } from 'viem';
import { encodePreimage } from '../encoding/batch.ts';
import { readEventId } from '../encoding/message.ts';
import type { PagePreimage } from '../encoding/unit.ts';
import { type Limits, lower, type TestEvent, ZERO_ADDRESS } from './chain.ts';

const DAY_S = 86_400;
/** Codes that refuse an OPEN as a whole: such a bet is not of the page that is in the slot. */
const WHOLE_PAGE_CODES = new Set([8, 11, 16]);
const NO_LIMITS: Limits = { maxPayout: 0n, stopLoss: 0n, dayWon: 0n, dayCredit: 0n, maxHorizon: 0 };

/** Everything that the getters of Treasury and BetBook say, as it follows from logs alone. */
export interface Replayed {
  readonly treasury: {
    readonly available: Map<Address, bigint>;
    readonly withdrawals: Map<Address, bigint>;
    /** By `player client`. */
    readonly allowances: Map<string, { amount: bigint; expiry: number; nonce: number }>;
    readonly clients: Map<Address, bigint>;
    total: bigint;
    eventCount: bigint;
  };
  readonly operators: Map<Address, ReplayedOperator>;
  /** By `operatorNo executor`. */
  readonly executors: Map<string, number>;
  readonly lanes: Map<number, number>;
  /** By `player operator`. */
  readonly seats: Map<string, ReplayedSeat>;
  readonly banks: Map<number, ReplayedBank>;
  readonly pages: Map<bigint, ReplayedPage>;
  eventCount: bigint;
}

interface ReplayedOperator {
  operatorNo: number;
  shards: number;
  admin: Address;
  pendingAdmin: Address;
  guardian: Address;
  pendingGuardian: Address;
}

interface ReplayedSeat {
  balance: bigint;
  maxStake: bigint;
  expiry: number;
  grantNo: number;
  topUpLeft: bigint;
}

interface ReplayedBank {
  operatorNo: number;
  admin: Address;
  pendingAdmin: Address;
  payout: Address;
  bankroll: bigint;
  reserved: bigint;
  locked: bigint;
  exiting: bigint;
  exitAt: number;
  pausedUntil: number;
  /** The day that the four below are of. */
  day: number;
  halted: boolean;
  loss: bigint;
  won: bigint;
  credited: bigint;
  active: Limits;
  announced: Limits;
  readyAt: number;
}

interface PageBet {
  readonly seq: number;
  readonly player: Address;
  readonly bank: number;
  readonly stakeUnits: bigint;
  readonly profitUnits: bigint;
  isOpen: boolean;
}

/** A page that was opened; it is free again once none of its bets is open. */
interface ReplayedPage {
  readonly dueS: number;
  readonly round: Hex;
  /**
   * The page's bets in order. Before the first open one there may be refused ones of the OPEN before:
   * the logs do not say where this page begins.
   */
  readonly bets: PageBet[];
}

/**
 * Folds all events of one Treasury and one BetBook, in log order. Throws where they contradict each
 * other: a number of a lane with no outcome or with two, an event number left out, an outcome of a
 * bet that is not open.
 */
export function replay(events: readonly TestEvent[]): Replayed {
  const state: Replayed = {
    treasury: {
      available: new Map(),
      withdrawals: new Map(),
      allowances: new Map(),
      clients: new Map(),
      total: 0n,
      eventCount: 0n,
    },
    operators: new Map(),
    executors: new Map(),
    lanes: new Map(),
    seats: new Map(),
    banks: new Map(),
    pages: new Map(),
    eventCount: 0n,
  };
  const fold = foldOf(state);
  for (const event of events) {
    const handle = fold[event.name];
    if (!handle) throw new Error(`${event.name}: the fold does not know this event`);
    handle(event.args as never, event.timeS);
  }
  return state;
}

/** What `bank(…)` answers at `nowS`. */
export function bankAt(bank: ReplayedBank, nowS: number) {
  const { day, active: _active, announced: _announced, readyAt: _readyAt, ...rest } = bank;
  const today = day === Math.floor(nowS / DAY_S);
  return today ? rest : { ...rest, halted: false, loss: 0n, won: 0n, credited: 0n };
}

/** What `limits(…)` answers at `nowS`. */
export function limitsAt(bank: ReplayedBank, nowS: number): Limits {
  return bank.readyAt !== 0 && nowS >= bank.readyAt ? bank.announced : bank.active;
}

/** What `pendingLimits(…)` answers at `nowS`. */
export function pendingLimitsAt(bank: ReplayedBank, nowS: number): readonly [Limits, number] {
  return nowS < bank.readyAt ? [bank.announced, bank.readyAt] : [NO_LIMITS, 0];
}

/**
 * The words that `page(…)` may answer, and the number of each one's first bet. Logs say neither
 * whether a page is bonded nor where refused bets before its first open one belong; the hash in the
 * word decides both, so exactly one of these must be the word.
 */
export function wordsOf(page: ReplayedPage): { word: bigint; firstSeq: number }[] {
  if (!page.bets.some((bet) => bet.isOpen)) return [{ word: 1n, firstSeq: 0 }];
  const firstOpened = page.bets.findIndex((bet) => bet.isOpen);
  return page.bets.slice(0, firstOpened + 1).flatMap((first, start) => {
    const bets = page.bets.slice(start);
    if (bets.length > 64) return [];
    let mask = 0n;
    for (const [offset, bet] of bets.entries()) if (bet.isOpen) mask |= 1n << BigInt(offset);
    return [false, true].map((bonded) => {
      const { dueS, round } = page;
      const preimage: PagePreimage = { firstSeq: first.seq, dueS, round, bonded, bets };
      const hash = BigInt(keccak256(encodePreimage(preimage)));
      return { word: ((hash >> 64n) << 64n) | mask, firstSeq: first.seq };
    });
  });
}

/** The balances and counters of one contract, event by event. Addresses come in lower case. */
function foldOf(state: Replayed): Record<string, (args: never, timeS: number) => void> {
  const { treasury } = state;
  const operatorsByNo = new Map<number, Address>();
  /** The number of each lane that the next outcome must have. */
  const expected = new Map<number, number>();
  /** Refused bets at the end of a lane that may belong to the page that is opened next. */
  let tail: { page: bigint; bets: PageBet[] } = { page: -1n, bets: [] };

  const count = (n: bigint) => {
    state.eventCount += 1n;
    if (n !== state.eventCount) throw new Error(`BetBook: event ${n}, not ${state.eventCount}`);
  };
  const countTreasury = (n: bigint) => {
    treasury.eventCount += 1n;
    if (n !== treasury.eventCount) throw new Error(`Treasury: event ${n} is out of order`);
  };
  const add = <Key>(map: Map<Key, bigint>, key: Key, amount: bigint) =>
    map.set(key, (map.get(key) ?? 0n) + amount);
  const operatorAt = (address: Address) => known(state.operators, lower(address));
  const bankAtNo = (bank: number) => known(state.banks, bank);
  const seatOf = (player: Address, operator: Address) =>
    known(state.seats, `${lower(player)} ${lower(operator)}`);
  const seatIn = (id: bigint, player: Address) =>
    seatOf(player, known(operatorsByNo, readEventId(id).operatorNo));
  /** A bank whose counters of the day are those of today. */
  const todaysBank = (bank: number, timeS: number) => {
    const found = bankAtNo(bank);
    const day = Math.floor(timeS / DAY_S);
    if (found.day !== day) {
      Object.assign(found, { day, halted: false, loss: 0n, won: 0n, credited: 0n });
    }
    return found;
  };
  /** A bet of `stake` ended with `payout`, both out of and into the bank. */
  const endBet = (bankNo: number, stake: bigint, payout: bigint, timeS: number) => {
    const bank = todaysBank(bankNo, timeS);
    bank.bankroll += stake - payout;
    const win = payout - stake;
    if (win > 0n) {
      bank.loss += win;
      bank.won += win;
    } else {
      bank.loss = bank.loss + win > 0n ? bank.loss + win : 0n;
    }
  };

  const laneOfId = (id: bigint) => Number(id >> 80n);
  /** Says that a number of a lane has its outcome: each has one, in order. */
  const outcome = (id: bigint) => {
    const { seq } = readEventId(id);
    const lane = laneOfId(id);
    const next = expected.get(lane) ?? 0;
    if (seq !== next) throw new Error(`lane ${lane}: an outcome of ${seq}, expected ${next}`);
    expected.set(lane, next + 1);
  };
  const openBet = (lane: number, seq: number): PageBet => {
    for (const [page, { bets }] of state.pages) {
      if (Number(page >> 32n) !== lane) continue;
      const bet = bets.find((candidate) => candidate.seq === seq && candidate.isOpen);
      if (bet) return bet;
    }
    throw new Error(`lane ${lane}: bet ${seq} ended but is not open`);
  };
  const closeBet = (lane: number, seq: number): PageBet => {
    const bet = openBet(lane, seq);
    bet.isOpen = false;
    const bank = bankAtNo(bet.bank);
    bank.locked -= bet.stakeUnits;
    bank.reserved -= bet.profitUnits;
    return bet;
  };
  const isInUse = (page: bigint) => state.pages.get(page)?.bets.some((bet) => bet.isOpen) ?? false;

  return {
    // ------------------------------------------------------------------------- Treasury
    Deposited: ({ player, amount, n }: { player: Address; amount: bigint; n: bigint }) => {
      add(treasury.available, lower(player), amount);
      treasury.total += amount;
      countTreasury(n);
    },
    Withdrawn: ({ player, amount, n }: { player: Address; amount: bigint; n: bigint }) => {
      add(treasury.available, lower(player), -amount);
      add(treasury.withdrawals, lower(player), 1n);
      treasury.total -= amount;
      countTreasury(n);
    },
    Allowed: (args: {
      player: Address;
      client: Address;
      amount: bigint;
      expiry: number;
      nonce: number;
      n: bigint;
    }) => {
      const { amount, expiry, nonce } = args;
      const key = `${lower(args.player)} ${lower(args.client)}`;
      treasury.allowances.set(key, { amount, expiry, nonce });
      countTreasury(args.n);
    },
    Pulled: (args: { player: Address; client: Address; amount: bigint; n: bigint }) => {
      add(treasury.available, lower(args.player), -args.amount);
      add(treasury.clients, lower(args.client), args.amount);
      known(treasury.allowances, `${lower(args.player)} ${lower(args.client)}`).amount -=
        args.amount;
      countTreasury(args.n);
    },
    Pushed: (args: { player: Address; client: Address; amount: bigint; n: bigint }) => {
      add(treasury.available, lower(args.player), args.amount);
      add(treasury.clients, lower(args.client), -args.amount);
      countTreasury(args.n);
    },

    // ------------------------------------------------------------------------- operators
    OperatorRegistered: (args: {
      operator: Address;
      operatorNo: number;
      shards: number;
      n: bigint;
    }) => {
      state.operators.set(lower(args.operator), {
        operatorNo: args.operatorNo,
        shards: args.shards,
        admin: ZERO_ADDRESS,
        pendingAdmin: ZERO_ADDRESS,
        guardian: ZERO_ADDRESS,
        pendingGuardian: ZERO_ADDRESS,
      });
      operatorsByNo.set(args.operatorNo, lower(args.operator));
      count(args.n);
    },
    AdminNamed: (args: { operator: Address; successor: Address; n: bigint }) => {
      operatorAt(args.operator).pendingAdmin = lower(args.successor);
      count(args.n);
    },
    AdminSet: (args: { operator: Address; admin: Address; n: bigint }) => {
      Object.assign(operatorAt(args.operator), {
        admin: lower(args.admin),
        pendingAdmin: ZERO_ADDRESS,
      });
      count(args.n);
    },
    GuardianNamed: (args: { operator: Address; successor: Address; n: bigint }) => {
      operatorAt(args.operator).pendingGuardian = lower(args.successor);
      count(args.n);
    },
    GuardianSet: (args: { operator: Address; guardian: Address; n: bigint }) => {
      Object.assign(operatorAt(args.operator), {
        guardian: lower(args.guardian),
        pendingGuardian: ZERO_ADDRESS,
      });
      count(args.n);
    },
    ExecutorSet: (args: { operator: Address; executor: Address; readyAt: number; n: bigint }) => {
      const { operatorNo } = operatorAt(args.operator);
      state.executors.set(`${operatorNo} ${lower(args.executor)}`, args.readyAt);
      count(args.n);
    },

    // ------------------------------------------------------------------------- seats
    SeatFunded: (args: {
      player: Address;
      operator: Address;
      amount: bigint;
      topUp: bigint;
      maxStake: bigint;
      expiry: number;
      grantNo: number;
      n: bigint;
    }) => {
      const key = `${lower(args.player)} ${lower(args.operator)}`;
      const { maxStake, expiry, grantNo, topUp } = args;
      const balance = (state.seats.get(key)?.balance ?? 0n) + args.amount;
      state.seats.set(key, { balance, maxStake, expiry, grantNo, topUpLeft: topUp });
      count(args.n);
    },
    SeatEnding: (args: { player: Address; operator: Address; endsAt: number; n: bigint }) => {
      seatOf(args.player, args.operator).expiry = args.endsAt;
      count(args.n);
    },
    SeatSwept: (args: { player: Address; operator: Address; amount: bigint; n: bigint }) => {
      seatOf(args.player, args.operator).balance -= args.amount;
      count(args.n);
    },

    // ------------------------------------------------------------------------- banks
    BankOpened: (args: { bank: number; operator: Address; admin: Address; n: bigint }) => {
      state.banks.set(args.bank, {
        operatorNo: operatorAt(args.operator).operatorNo,
        admin: lower(args.admin),
        pendingAdmin: ZERO_ADDRESS,
        payout: ZERO_ADDRESS,
        bankroll: 0n,
        reserved: 0n,
        locked: 0n,
        exiting: 0n,
        exitAt: 0,
        pausedUntil: 0,
        day: 0,
        halted: false,
        loss: 0n,
        won: 0n,
        credited: 0n,
        active: NO_LIMITS,
        announced: NO_LIMITS,
        readyAt: 0,
      });
      count(args.n);
    },
    BankAdminNamed: (args: { bank: number; successor: Address; n: bigint }) => {
      bankAtNo(args.bank).pendingAdmin = lower(args.successor);
      count(args.n);
    },
    BankAdminSet: (args: { bank: number; admin: Address; n: bigint }) => {
      Object.assign(bankAtNo(args.bank), {
        admin: lower(args.admin),
        pendingAdmin: ZERO_ADDRESS,
      });
      count(args.n);
    },
    PayoutSet: (args: { bank: number; to: Address; exitAt: number; n: bigint }) => {
      Object.assign(bankAtNo(args.bank), { payout: lower(args.to), exitAt: args.exitAt });
      count(args.n);
    },
    LimitsSet: (args: Limits & { bank: number; readyAt: number; n: bigint }, timeS) => {
      const bank = bankAtNo(args.bank);
      const { maxPayout, stopLoss, dayWon, dayCredit, maxHorizon, readyAt } = args;
      const set: Limits = { maxPayout, stopLoss, dayWon, dayCredit, maxHorizon };
      const raises = readyAt > timeS;
      bank.active = raises ? lowest(limitsAt(bank, timeS), set) : set;
      bank.announced = raises ? set : NO_LIMITS;
      bank.readyAt = raises ? readyAt : 0;
      count(args.n);
    },
    BankFunded: (args: { bank: number; amount: bigint; n: bigint }) => {
      bankAtNo(args.bank).bankroll += args.amount;
      count(args.n);
    },
    ExitRequested: (args: { bank: number; amount: bigint; exitAt: number; n: bigint }) => {
      Object.assign(bankAtNo(args.bank), { exiting: args.amount, exitAt: args.exitAt });
      count(args.n);
    },
    ExitCancelled: (args: { bank: number; n: bigint }) => {
      Object.assign(bankAtNo(args.bank), { exiting: 0n, exitAt: 0 });
      count(args.n);
    },
    BankExited: (args: { bank: number; amount: bigint; n: bigint }) => {
      const bank = bankAtNo(args.bank);
      bank.bankroll -= args.amount;
      bank.exiting -= args.amount;
      if (bank.exiting === 0n) bank.exitAt = 0;
      count(args.n);
    },
    Halted: (args: { bank: number; n: bigint }, timeS) => {
      todaysBank(args.bank, timeS).halted = true;
      count(args.n);
    },
    Resumed: (args: { bank: number; n: bigint }) => {
      bankAtNo(args.bank).halted = false;
      count(args.n);
    },
    Paused: (args: { bank: number; until: number; n: bigint }) => {
      bankAtNo(args.bank).pausedUntil = args.until;
      count(args.n);
    },
    Expired: (
      args: { page: bigint; firstSeq: number; mask: bigint; bonded: boolean; n: bigint },
      timeS,
    ) => {
      const operator = known(operatorsByNo, Number(args.page >> 48n));
      for (let offset = 0; offset < 64; offset++) {
        if (((args.mask >> BigInt(offset)) & 1n) === 0n) continue;
        const bet = closeBet(Number(args.page >> 32n), args.firstSeq + offset);
        const payout = bet.stakeUnits + (args.bonded ? bet.profitUnits : 0n);
        seatOf(bet.player, operator).balance += payout;
        if (args.bonded) endBet(bet.bank, bet.stakeUnits, payout, timeS);
      }
      if (isInUse(args.page)) throw new Error(`page ${args.page} is expired but has open bets`);
      count(args.n);
    },

    // ------------------------------------------------------------------------- lanes
    Played: (
      args: { id: bigint; player: Address; stake: bigint; payout: bigint },
      timeS: number,
    ) => {
      seatIn(args.id, args.player).balance += args.payout - args.stake;
      endBet(readEventId(args.id).bank, args.stake, args.payout, timeS);
      outcome(args.id);
    },
    Opened: (args: {
      id: bigint;
      player: Address;
      stake: bigint;
      maxPayout: bigint;
      page: bigint;
      due: number;
      round: Hex;
    }) => {
      const bet = pageBetOf(args, true);
      const bank = bankAtNo(bet.bank);
      bank.locked += bet.stakeUnits;
      bank.reserved += bet.profitUnits;
      seatIn(args.id, args.player).balance -= args.stake;
      if (isInUse(args.page)) {
        known(state.pages, args.page).bets.push(bet);
      } else {
        const follows = tail.page === args.page && tail.bets.at(-1)?.seq === bet.seq - 1;
        const bets = [...(follows ? tail.bets : []), bet];
        state.pages.set(args.page, { dueS: args.due, round: args.round, bets });
      }
      tail = { page: -1n, bets: [] };
      outcome(args.id);
    },
    OpenRejected: (args: {
      id: bigint;
      player: Address;
      stake: bigint;
      maxPayout: bigint;
      page: bigint;
      code: number;
    }) => {
      outcome(args.id);
      if (WHOLE_PAGE_CODES.has(args.code)) return;
      const bet = pageBetOf(args, false);
      if (isInUse(args.page)) {
        known(state.pages, args.page).bets.push(bet);
        return;
      }
      const follows = tail.page === args.page && tail.bets.at(-1)?.seq === bet.seq - 1;
      tail = { page: args.page, bets: [...(follows ? tail.bets : []), bet] };
    },
    Settled: (args: { id: bigint; player: Address; payout: bigint }, timeS) => {
      const bet = closeBet(laneOfId(args.id), readEventId(args.id).seq);
      endBet(bet.bank, bet.stakeUnits, args.payout, timeS);
      seatIn(args.id, args.player).balance += args.payout;
    },
    Voided: (args: { id: bigint; player: Address; stake: bigint }) => {
      closeBet(laneOfId(args.id), readEventId(args.id).seq);
      seatIn(args.id, args.player).balance += args.stake;
    },
    Closed: (args: { id: bigint; page: bigint; leftMask: bigint }) => {
      if (isInUse(args.page) !== (args.leftMask !== 0n)) {
        throw new Error(`page ${args.page}: left ${args.leftMask} disagrees with the outcomes`);
      }
      outcome(args.id);
    },
    Credited: (args: { id: bigint; player: Address; amount: bigint }, timeS) => {
      const bank = todaysBank(readEventId(args.id).bank, timeS);
      bank.bankroll -= args.amount;
      bank.credited += args.amount;
      seatIn(args.id, args.player).balance += args.amount;
      outcome(args.id);
    },
    ToppedUp: (args: { id: bigint; player: Address; amount: bigint }) => {
      const seat = seatIn(args.id, args.player);
      seat.balance += args.amount;
      seat.topUpLeft -= args.amount;
      outcome(args.id);
    },
    Released: (args: { id: bigint; player: Address }, timeS) => {
      seatIn(args.id, args.player).expiry = timeS;
      outcome(args.id);
    },
    RoundFinalized: (args: { id: bigint }) => outcome(args.id),
    Rejected: (args: { id: bigint; player: Address }) => {
      const { seq } = readEventId(args.id);
      // In a SETTLE: of an older bet, or of the SETTLE itself, whose outcome is its Closed.
      if (seq < (expected.get(laneOfId(args.id)) ?? 0) || args.player === ZERO_ADDRESS) return;
      outcome(args.id);
    },
    BatchApplied: (args: { lane: number; first: number; next: number }) => {
      if (args.first !== (state.lanes.get(args.lane) ?? 0)) {
        throw new Error(`lane ${args.lane}: a batch from ${args.first}`);
      }
      if (args.next !== expected.get(args.lane)) {
        throw new Error(`lane ${args.lane}: a batch up to ${args.next} without all outcomes`);
      }
      state.lanes.set(args.lane, args.next);
    },
  };
}

function pageBetOf(
  args: { id: bigint; player: Address; stake: bigint; maxPayout: bigint },
  isOpen: boolean,
): PageBet {
  const { bank, seq } = readEventId(args.id);
  return {
    seq,
    player: lower(args.player),
    bank,
    stakeUnits: args.stake,
    profitUnits: args.maxPayout - args.stake,
    isOpen,
  };
}

function lowest(one: Limits, other: Limits): Limits {
  const least = (a: bigint, b: bigint) => (a < b ? a : b);
  return {
    maxPayout: least(one.maxPayout, other.maxPayout),
    stopLoss: least(one.stopLoss, other.stopLoss),
    dayWon: least(one.dayWon, other.dayWon),
    dayCredit: least(one.dayCredit, other.dayCredit),
    maxHorizon: Math.min(one.maxHorizon, other.maxHorizon),
  };
}

function known<Key, Value>(map: Map<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`${key}: an event of something that no event made`);
  return value;
}
