import fc from 'fast-check';
import { type Hex, keccak256 } from 'viem';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodePreimage, numbersOf, preimageOf } from '../encoding/batch.ts';
import { leaveTypedData } from '../encoding/grant.ts';
import type { GroupMember, OpenBet, OpenUnit, Unit } from '../encoding/unit.ts';
import {
  account,
  addressOf,
  CHAIN_ID,
  LIMITS,
  lower,
  NOTICE_S,
  startChain,
  type TestChain,
} from './chain.ts';
import { bankAt, limitsAt, pendingLimitsAt, type Replayed, replay, wordsOf } from './replay.ts';
import {
  bet,
  credit,
  finish,
  group,
  open,
  outcome,
  play,
  refOf,
  release,
  settle,
  topUp,
} from './units.ts';

const SEED = Number(process.env.CROUPIER_TEST_SEED ?? Date.now() % 2 ** 31);
const RUNS = 50;
const SLOTS = 6;
const DAY_S = 86_400;

/** Two players of lane 0, one of lane 1, and one without a seat. */
const players = [
  addressOf('player'),
  addressOf('other'),
  addressOf('elsewhere', 1),
  addressOf('nobody'),
] as const;
const [player, other, elsewhere, nobody] = players;
const successor = addressOf('successor');
const signer = account(3);

let chain: TestChain;
let admin: Hex;
let guardian: Hex;
let operator: Hex;
beforeAll(async () => {
  chain = await startChain();
  admin = chain.admin.address;
  guardian = chain.guardian.address;
  operator = chain.registered.operator;
  for (const address of [player, other, elsewhere]) {
    await chain.sit({ address }, address === other ? 150n : 2_000n, 400n, { topUp: 500n });
    await chain.provide({ address }, 5_000n);
  }
  await chain.openBank(400n, { maxPayout: 500n, stopLoss: 300n, dayWon: 350n, dayCredit: 90n });
  await chain.betBook.send(successor, 'registerOperator', [1, [], successor]);
  await chain.betBook.send(successor, 'openBank', [successor, successor, LIMITS]);
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

// ------------------------------------------------------------------- getters against logs

/** Compares every getter of both contracts with the fold of all their logs. */
async function expectGettersToFollowFromLogs(): Promise<void> {
  const events = await chain.allEvents(0n);
  const state = replay(events);
  const nowS = await chain.nowS();
  await expectBook(state, nowS);
  await expectBanks(state, nowS);
  await expectPages(state);
  await expectTreasury(state);
}

/** Addresses in lower case, as the fold writes them. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return value.toLowerCase();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
}

async function expectBook(state: Replayed, nowS: number): Promise<void> {
  const { betBook } = chain;
  expect(await betBook.read('eventCount', [])).toBe(state.eventCount);
  for (const [address, expected] of state.operators) {
    expect(plain(await betBook.read('operator', [address]))).toEqual(expected);
    expect(lower(await betBook.read('operatorOf', [expected.operatorNo]))).toBe(address);
    for (let shard = 0; shard < expected.shards; shard++) {
      const lane = expected.operatorNo * 65_536 + shard;
      expect([lane, await betBook.read('lane', [lane])]).toEqual([
        lane,
        state.lanes.get(lane) ?? 0,
      ]);
    }
    for (const owner of [...players, signer.address]) {
      const key = `${lower(owner)} ${address}`;
      const { topUpLeft, ...seat } = state.seats.get(key) ?? {
        balance: 0n,
        maxStake: 0n,
        expiry: 0,
        grantNo: 0,
        topUpLeft: 0n,
      };
      expect([key, await betBook.read('seat', [owner, address])]).toEqual([key, seat]);
      expect([key, await betBook.read('topUpLeft', [owner, address])]).toEqual([key, topUpLeft]);
    }
  }
  for (const [key, readyAt] of state.executors) {
    const [operatorNo, executor] = key.split(' ');
    const read = await betBook.read('executorReadyAt', [Number(operatorNo), executor as Hex]);
    expect([key, read]).toEqual([key, readyAt]);
  }
  let owed = 0n;
  for (const { balance } of state.seats.values()) owed += balance;
  for (const { bankroll, locked } of state.banks.values()) owed += bankroll + locked;
  const held = state.treasury.clients.get(lower(betBook.address)) ?? 0n;
  expect(await betBook.read('solvency', [])).toEqual([held, owed]);
  expect(held).toBe(owed);
  expect(nowS).toBeGreaterThan(0);
}

async function expectBanks(state: Replayed, nowS: number): Promise<void> {
  for (const [number, bank] of state.banks) {
    expect([number, plain(await chain.bankOf(number))]).toEqual([number, bankAt(bank, nowS)]);
    const limits = await chain.betBook.read('limits', [number]);
    expect([number, limits]).toEqual([number, limitsAt(bank, nowS)]);
    const pending = await chain.betBook.read('pendingLimits', [number]);
    expect([number, pending]).toEqual([number, pendingLimitsAt(bank, nowS)]);
  }
}

async function expectPages(state: Replayed): Promise<void> {
  for (const lane of [chain.lane(0), chain.lane(1)]) {
    for (let slot = 0; slot <= SLOTS; slot++) {
      const key = (BigInt(lane) << 32n) | BigInt(slot);
      const page = state.pages.get(key);
      const word = await chain.betBook.read('page', [lane, slot]);
      const words = page ? wordsOf(page) : [{ word: 0n, firstSeq: 0 }];
      const matching = words.filter((candidate) => candidate.word === word);
      expect([key, matching.length]).toEqual([key, 1]);
      const firstSeq = matching[0]?.firstSeq ?? 0;
      for (const { seq, isOpen } of page?.bets ?? []) {
        if (seq < firstSeq || word === 1n) continue;
        const offset = seq - firstSeq;
        const read = await chain.betBook.read('isOpen', [lane, slot, offset]);
        expect([key, seq, read]).toEqual([key, seq, isOpen]);
      }
    }
  }
}

async function expectTreasury({ treasury }: Replayed): Promise<void> {
  const { read } = chain.treasury;
  expect(await read('eventCount', [])).toBe(treasury.eventCount);
  expect(await read('total', [])).toBe(treasury.total);
  expect(await read('solvency', [])).toEqual([treasury.total, treasury.total]);
  for (const [address, available] of treasury.available) {
    expect([address, await read('available', [address])]).toEqual([address, available]);
    const nonce = treasury.withdrawals.get(address) ?? 0n;
    expect([address, await read('withdrawNonce', [address])]).toEqual([address, nonce]);
  }
  for (const [key, { amount, expiry, nonce }] of treasury.allowances) {
    const [owner, client] = key.split(' ') as [Hex, Hex];
    expect([key, await read('allowance', [owner, client])]).toEqual([key, [amount, expiry, nonce]]);
  }
  for (const [address, balance] of treasury.clients) {
    expect([address, await read('clientBalance', [address])]).toEqual([address, balance]);
  }
}

// ---------------------------------------------------------------------------- every event

/** Everything that an event tells of, at least once. */
async function tour(): Promise<void> {
  const { betBook, treasury } = chain;
  const { passTime } = chain;
  const dueS = (await chain.nowS()) + 600;
  const page = open(0, dueS, [
    bet(player, 10n, 20n),
    bet(player, 401n, 1n),
    bet(other, 10n, 20n, 2),
    bet(player, 10n, 1n),
  ]);
  const first = await chain.next(0);
  await chain.applyNext([
    page,
    settle(page, first, [outcome(0, 'explicit', 25n), outcome(2, 'void'), outcome(1, 'lost')]),
    play(player, 10n, 110n, 2),
    credit(other, 30n, 2),
    finish(),
    topUp(player, 200n),
    group(player, [play(player, 5n, 6n), open(1, dueS, [bet(player, 3n, 4n)])]),
    group(player, [play(player, 5n, 6n), credit(player, 10_000_000n)]),
    play(player, 10n, 400n, 2),
    release(other),
  ]);
  await betBook.send(admin, 'resume', [2]);
  await betBook.send(guardian, 'pause', [2, dueS]);
  await betBook.send(admin, 'setLimits', [
    1,
    { ...LIMITS, maxPayout: 90_000n, dayWon: 3_000_000n },
  ]);
  await betBook.send(admin, 'setPayout', [1, successor]);
  await betBook.send(admin, 'requestExit', [1, 500n]);
  await betBook.send(admin, 'cancelExit', [1]);
  await betBook.send(admin, 'requestExit', [1, 700n]);
  await betBook.send(admin, 'transferBankAdmin', [1, successor]);
  await betBook.send(successor, 'acceptBankAdmin', [1]);
  await betBook.send(admin, 'setExecutor', [operator, successor, true]);
  await betBook.send(guardian, 'disableExecutor', [operator, successor]);
  await betBook.send(admin, 'setGuardian', [operator, successor]);
  await betBook.send(successor, 'acceptGuardian', [operator]);
  await betBook.send(player, 'leave', [operator]);
  await passTime(NOTICE_S);
  await betBook.send(successor, 'completeExit', [1]);
  await betBook.send(nobody, 'sweep', [player, operator]);
  await passTime(600);
  const preimage = encodePreimage(preimageOf(page, first));
  await betBook.send(nobody, 'expire', [chain.lane(0), 0, preimage]);
  await treasury.send(player, 'withdraw', [player, 100n]);
  await betBook.send(admin, 'transferAdmin', [operator, successor]);
  await betBook.send(successor, 'acceptAdmin', [operator]);
}

test('every event of both contracts is folded, and the getters follow', async () => {
  await tour();
  await expectGettersToFollowFromLogs();
  const seen = new Set((await chain.allEvents(0n)).map(({ name }) => name));
  const declared = [...chain.betBook.abi, ...chain.treasury.abi]
    .filter((item) => item.type === 'event')
    .map(({ name }) => name);
  expect([...seen].sort()).toEqual([...new Set(declared)].sort());
});

test('a log left out is noticed', async () => {
  await tour();
  const events = await chain.allEvents(0n);
  let unnoticed = 0;
  for (const index of events.keys()) {
    try {
      replay(events.filter((_, other_) => other_ !== index));
      // A batch's last event, and the last of each counter, are missed only by what comes next.
      unnoticed++;
    } catch {}
  }
  expect(unnoticed).toBeLessThan(6);
});

// ---------------------------------------------------------------------------- random runs

/** Mostly `usual`, now and then one of `odd`. */
const mostly = <Value>(usual: readonly Value[], odd: readonly Value[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );

const anyBet = fc.record({
  player: mostly<Hex>([player, player, other], [nobody]),
  bank: mostly([1, 2, 2], [3, 9]),
  stakeUnits: mostly([1n, 7n, 30n, 100n], [0n, 401n]),
  profitUnits: mostly([0n, 1n, 40n, 90n], [200n, 480n, 100_000n]),
});
const anyOutcome = fc.record({
  offset: fc.nat({ max: 4 }),
  code: fc.constantFrom('lost' as const, 'full' as const, 'void' as const, 'explicit' as const),
  payoutUnits: mostly([0n, 3n, 50n, 101n], [100_101n]),
});
const anyOpen = fc.record({
  op: fc.constant('open' as const),
  slot: fc.nat({ max: SLOTS - 1 }),
  bets: fc.array(anyBet, { minLength: 1, maxLength: 5 }),
  bonded: fc.boolean(),
  due: mostly([90, 600, 3_000], [-1, 9_000]),
});
/** `pick` counts back from the page opened last. */
const anySettle = fc.record({
  op: fc.constant('settle' as const),
  pick: fc.nat({ max: 3 }),
  tampered: mostly([false], [true]),
  outcomes: fc.array(anyOutcome, { minLength: 1, maxLength: 6 }),
});
const anyPlay = fc.record({ op: fc.constant('play' as const), bet: anyBet });
const anyCredit = fc.record({ op: fc.constant('credit' as const), bet: anyBet });
const anyMember = fc.oneof(anyPlay, anyCredit, anyOpen, anySettle);
const anyUnit = fc.oneof(
  { weight: 5, arbitrary: anyMember },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('group' as const),
      members: fc.array(anyMember, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: mostly(['finish', 'topUp'] as const, ['release'] as const),
      player: fc.constantFrom(player, other, nobody),
      amountUnits: mostly([1n, 90n], [0n, 501n]),
    }),
  },
);
const anyLimits = fc.record({
  maxPayout: fc.constantFrom(100n, 500n, 100_000n),
  stopLoss: fc.constantFrom(100n, 400n, 2_000_000n),
  dayWon: fc.constantFrom(100n, 400n, 2_000_000n),
  dayCredit: fc.constantFrom(50n, 400n),
  maxHorizon: fc.constantFrom(300, 3_600),
});
const anyBank = fc.constantFrom(1, 2);
const anyPlayer = fc.constantFrom(player, other);
const anyStep = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('apply' as const),
      units: fc.array(anyUnit, { minLength: 1, maxLength: 6 }),
      /** From how many units back it is sent again. */
      again: fc.nat({ max: 3 }),
      gas: mostly([16_000_000n], [150_000n, 300_000n]),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      seconds: fc.constantFrom(1, 30, NOTICE_S, 600, DAY_S / 2),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expire' as const), pick: fc.nat(3) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'leave' as const,
        'sweep' as const,
        'sit' as const,
        'withdraw' as const,
        'allow' as const,
      ),
      player: anyPlayer,
      amount: fc.constantFrom(1n, 60n, 500n),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('requestExit' as const, 'fund' as const),
      bank: anyBank,
      amount: fc.constantFrom(1n, 100n, 1_000n),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'cancelExit' as const,
        'completeExit' as const,
        'resume' as const,
        'setPayout' as const,
        'pause' as const,
      ),
      bank: anyBank,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('setLimits' as const),
      bank: anyBank,
      limits: anyLimits,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setExecutor' as const),
      executor: fc.constantFrom(player, successor),
      enabled: fc.boolean(),
    }),
  },
);
type Described<Any> = Any extends fc.Arbitrary<infer Value> ? Value : never;
type Step = Described<typeof anyStep>;
type ApplyStep = Extract<Step, { do: 'apply' }>;
type Member = Described<typeof anyMember>;

/** Pages in the order of their opening, with the number of their first bet. */
type Opened = { unit: OpenUnit; firstSeq: number }[];

function memberOf(member: Member, seq: number, nowS: number, opened: Opened): GroupMember {
  if (member.op === 'play') {
    const { player: owner, stakeUnits, profitUnits, bank } = member.bet;
    return play(owner, stakeUnits, profitUnits, bank);
  }
  if (member.op === 'credit') {
    return credit(member.bet.player, member.bet.profitUnits, member.bet.bank);
  }
  if (member.op === 'open') {
    const bets = member.bets.map((each): OpenBet => ({ ...each, ref: refOf('random') }));
    const unit = open(member.slot, nowS + member.due, bets, member.bonded);
    opened.push({ unit, firstSeq: seq });
    return unit;
  }
  const picked = opened.at(-1 - member.pick) ?? opened[0];
  if (!picked) return credit(player, 1n);
  const count = picked.unit.bets.length;
  const outcomes = member.outcomes.map(({ offset, code, payoutUnits }) =>
    outcome(offset % count, code, code === 'explicit' ? payoutUnits : undefined),
  );
  return settle(picked.unit, picked.firstSeq + (member.tampered ? 1 : 0), outcomes);
}

function unitOf(step: Described<typeof anyUnit>, seq: number, nowS: number, opened: Opened): Unit {
  if ('amountUnits' in step) {
    if (step.op === 'finish') return finish();
    return step.op === 'topUp' ? topUp(step.player, step.amountUnits) : release(step.player);
  }
  if (step.op !== 'group') return memberOf(step, seq, nowS, opened);
  let at = seq;
  const members = step.members.map((member) => {
    const unit = memberOf(forPlayer(member, player), at, nowS, opened);
    at += numbersOf(unit);
    return unit;
  });
  return group(player, members);
}

/** A group's headers name its player only. */
function forPlayer(member: Member, owner: Hex): Member {
  if (member.op === 'open') {
    return { ...member, bets: member.bets.map((each) => ({ ...each, player: owner })) };
  }
  if (member.op === 'settle') return member;
  return { ...member, bet: { ...member.bet, player: owner } };
}

async function applyStep(step: ApplyStep, opened: Opened): Promise<void> {
  const nowS = await chain.nowS();
  const first = await chain.next(0);
  let seq = first;
  const starts: number[] = [];
  const units = step.units.map((described) => {
    const unit = unitOf(described, seq, nowS, opened);
    starts.push(seq);
    seq += numbersOf(unit);
    return unit;
  });
  await chain.apply(0, first, units, { gas: step.gas }).catch(expectRevert);
  const again = Math.max(0, units.length - step.again);
  await chain.apply(0, first, units);
  if (again < units.length) await chain.apply(0, starts[again] ?? first, units.slice(again));
  await keepOpen(opened);
}

/** Forgets the pages that are not in their slots: a settlement of them is nothing but refused. */
async function keepOpen(opened: Opened): Promise<void> {
  const words = await Promise.all(
    opened.map(({ unit }) => chain.betBook.read('page', [chain.lane(0), unit.slot])),
  );
  const kept = opened.filter(({ unit, firstSeq }, index) => {
    const hash = BigInt(keccak256(encodePreimage(preimageOf(unit, firstSeq))));
    return hash >> 64n === (words[index] ?? 0n) >> 64n;
  });
  opened.splice(0, opened.length, ...kept);
}

async function call(step: Exclude<Step, ApplyStep>, opened: Opened): Promise<unknown> {
  const { betBook, treasury } = chain;
  switch (step.do) {
    case 'wait':
      return chain.passTime(step.seconds);
    case 'expire': {
      const page = opened.at(-1 - step.pick);
      if (!page) return;
      const preimage = encodePreimage(preimageOf(page.unit, page.firstSeq));
      return betBook.send(nobody, 'expire', [chain.lane(0), page.unit.slot, preimage]);
    }
    case 'leave':
      return betBook.send(step.player, 'leave', [operator]);
    case 'sweep':
      return betBook.send(nobody, 'sweep', [step.player, operator]);
    case 'sit':
      return chain.sit({ address: step.player }, step.amount, 400n, { topUp: 50n });
    case 'withdraw':
      return treasury.send(step.player, 'withdraw', [admin, step.amount]);
    case 'allow': {
      const expiry = (await chain.nowS()) + DAY_S;
      return treasury.send(step.player, 'allow', [betBook.address, step.amount, expiry]);
    }
    case 'fund':
      await chain.provide({ address: admin }, step.amount);
      return betBook.send(admin, 'fund', [step.bank, step.amount]);
    case 'requestExit':
      return betBook.send(admin, 'requestExit', [step.bank, step.amount]);
    case 'setPayout':
      return betBook.send(admin, 'setPayout', [step.bank, successor]);
    case 'pause':
      return betBook.send(guardian, 'pause', [step.bank, (await chain.nowS()) + 600]);
    case 'setLimits':
      return betBook.send(admin, 'setLimits', [step.bank, step.limits]);
    case 'setExecutor':
      return betBook.send(admin, 'setExecutor', [operator, step.executor, step.enabled]);
    default:
      return betBook.send(admin, step.do, [step.bank]);
  }
}

test(`after any history the getters say what the logs say (seed ${SEED})`, async () => {
  const met = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 1, maxLength: 50, size: 'max' }),
      async (steps) => {
        await chain.reset();
        const opened: Opened = [];
        for (const step of steps) {
          if (step.do === 'apply') await applyStep(step, opened);
          // What a role may not do now reverts: that must leave no trace either.
          else await call(step, opened).catch(expectRevert);
        }
        await expectGettersToFollowFromLogs();
        for (const { name, args } of await chain.allEvents(0n)) {
          const key = args.code === undefined ? name : `${name} ${args.code}`;
          met.set(key, (met.get(key) ?? 0) + 1);
        }
      },
    ),
    { seed: SEED, numRuns: RUNS, endOnFailure: false },
  );
  const table = [...met].sort().map(([name, times]) => `${name}: ${times}`);
  console.log(`events met in ${RUNS} random histories: ${table.join(', ')}`);
  expect(met.size).toBeGreaterThan(40);
}, 120_000);

/** An error that is not a revert is a fault of the test. */
function expectRevert(error: unknown): void {
  if (!/revert/.test(String(error))) throw error;
}

test('leaving by signature is in the logs like leaving in person', async () => {
  await chain.sit(signer, 100n, 10n);
  const deadline = (await chain.nowS()) + 600;
  const values = { player: signer.address, operator, grantNo: 1, deadline };
  const signature = await signer.signTypedData(
    leaveTypedData({ chainId: CHAIN_ID, betBook: chain.betBook.address, ...values }),
  );
  await chain.betBook.send(nobody, 'leaveBySig', [
    signer.address,
    operator,
    1,
    deadline,
    signature,
  ]);
  await expectGettersToFollowFromLogs();
});
