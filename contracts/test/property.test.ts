import fc from 'fast-check';
import type { Hex } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { numbersOf, preimageOf } from '../encoding/batch.ts';
import { shardOf } from '../encoding/message.ts';
import type { OpenUnit, SettleOutcome, Unit } from '../encoding/unit.ts';
import { account, lower, startChain, type TestChain } from './chain.ts';
import { applyToModel, type LaneEvent, type Model } from './model.ts';
import { replay } from './replay.ts';
import { refOf } from './units.ts';

const SEED = Number(process.env.CROUPIER_TEST_SEED ?? Date.now() % 2 ** 31);
const RUNS = 100;
const SHARD = 0;
/** All of them must come about, or the generator is at fault. */
const LANE_EVENTS = [
  'Closed',
  'Credited',
  'Opened',
  'OpenRejected',
  'Played',
  'Rejected',
  'Settled',
  'Voided',
].sort();

const owners = Array.from({ length: 60 }, (_, index) => account(index + 10)).filter(
  (owner) => shardOf(owner.address, 4) === SHARD,
);
const [rich, poor, leaving, nobody] = owners.map((owner) => lower(owner.address));
if (!rich || !poor || !leaving || !nobody) throw new Error('too few accounts in the shard');

let chain: TestChain;
let deployedBlock: bigint;
beforeAll(async () => {
  chain = await startChain();
  deployedBlock = BigInt(chain.contracts.deployedBlock);
  const [richOwner, poorOwner, leavingOwner] = owners;
  if (!richOwner || !poorOwner || !leavingOwner) throw new Error('too few accounts in the shard');
  await chain.sit(richOwner, 2_000n, 400n);
  await chain.sit(poorOwner, 60n, 400n);
  await chain.sit(leavingOwner, 500n, 400n);
  // Bank 2 is small. Bank 3 belongs to another operator.
  const { betBook, admin } = chain;
  const stranger = account(2);
  await chain.provide(admin, 300n);
  await chain.walletOf(admin).writeContract({
    ...betBook,
    functionName: 'openBank',
    args: [admin.address, admin.address, { maxPayout: 500n, maxHorizon: 3_600 }],
  });
  await chain.walletOf(admin).writeContract({
    ...betBook,
    functionName: 'fund',
    args: [2, 300n],
  });
  await chain.walletOf(stranger).writeContract({
    ...betBook,
    functionName: 'registerOperator',
    args: [1, [], stranger.address],
  });
  await chain.walletOf(stranger).writeContract({
    ...betBook,
    functionName: 'openBank',
    args: [stranger.address, stranger.address, { maxPayout: 500n, maxHorizon: 3_600 }],
  });
  await chain.walletOf(leavingOwner).writeContract({
    ...betBook,
    functionName: 'leave',
    args: [admin.address],
  });
  await chain.passTime(60);
});
afterAll(() => chain.close());

/** Mostly `usual`, now and then one of `odd`. */
const mostly = <Value>(usual: readonly Value[], odd: readonly Value[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );

const anyBet = fc.record({
  player: mostly([rich, rich, rich, poor], [leaving, nobody]),
  bank: mostly([1, 1, 2], [3, 9]),
  stakeUnits: mostly([1n, 7n, 30n, 100n], [0n, 401n]),
  profitUnits: mostly([0n, 1n, 40n, 90n], [200n, 480n, 100_000n]),
});

/** What to do next; `pick` counts back from the page opened last. */
const anyStep = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('play' as const), bet: anyBet }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('credit' as const), bet: anyBet }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('open' as const),
      slot: fc.nat({ max: 2 }),
      bets: fc.array(anyBet, { minLength: 1, maxLength: 5 }),
      bonded: fc.boolean(),
      due: mostly([600], [-1, 9_000]),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('settle' as const),
      pick: fc.nat({ max: 3 }),
      tampered: mostly([false], [true]),
      outcomes: fc.array(
        fc.record({
          offset: fc.nat({ max: 4 }),
          code: fc.constantFrom(
            'lost' as const,
            'full' as const,
            'void' as const,
            'explicit' as const,
          ),
          payoutUnits: mostly([0n, 3n, 50n, 101n], [100_101n]),
        }),
        { minLength: 1, maxLength: 6 },
      ),
    }),
  },
);
type Step = typeof anyStep extends fc.Arbitrary<infer Value> ? Value : never;

function unitsOf(steps: readonly Step[], nowS: number): Unit[] {
  const units: Unit[] = [];
  const opened: { unit: OpenUnit; firstSeq: number }[] = [];
  let seq = 0;
  for (const [index, step] of steps.entries()) {
    const ref = (part: string): Hex => refOf(`${index} ${part}`);
    let unit: Unit;
    if (step.op === 'play') {
      const { profitUnits, ...bet } = step.bet;
      unit = { op: 'play', ...bet, payoutUnits: profitUnits, refBet: ref('b'), refWin: ref('w') };
    } else if (step.op === 'credit') {
      const { player, bank, profitUnits } = step.bet;
      unit = { op: 'credit', player, bank, amountUnits: profitUnits, ref: ref('c') };
    } else if (step.op === 'open') {
      unit = {
        op: 'open',
        slot: step.slot,
        dueS: nowS + step.due,
        round: '0x00000000000000aa',
        bonded: step.bonded,
        bets: step.bets.map((bet, offset) => ({ ...bet, ref: ref(`o${offset}`) })),
      };
      opened.push({ unit, firstSeq: seq });
    } else {
      const page = opened[opened.length - 1 - step.pick];
      if (!page) continue;
      const preimage = preimageOf(page.unit, page.firstSeq);
      const bets = page.unit.bets.length;
      unit = {
        op: 'settle',
        slot: page.unit.slot,
        preimage: step.tampered ? { ...preimage, bonded: !preimage.bonded } : preimage,
        outcomes: step.outcomes.map(({ offset, code, payoutUnits }, n): SettleOutcome => {
          const shared = { offset: offset % bets, ref: ref(`s${n}`) };
          return code === 'explicit' ? { ...shared, code, payoutUnits } : { ...shared, code };
        }),
      };
    }
    units.push(unit);
    seq += numbersOf(unit);
  }
  return units;
}

interface Seen {
  readonly events: LaneEvent[];
  readonly state: unknown;
}

/** What the chain says after the batches: the lane's events, without BatchApplied, and all balances. */
async function look(fromBlock: bigint): Promise<Seen> {
  const all = await chain.allEvents(fromBlock);
  const events = all
    .filter((event) => event.name !== 'BatchApplied')
    .map(({ name, args }): LaneEvent => {
      const values = Object.entries(args).map(([key, value]) =>
        key === 'player'
          ? lower(value as Hex)
          : key === 'page'
            ? Number((value as bigint) & 0xffffffffn)
            : value,
      );
      return [name, ...values];
    });
  return { events, state: await stateOf() };
}

async function stateOf() {
  const banks = [1, 2].map(async (number) => {
    const { bankroll, reserved, locked } = await chain.publicClient.readContract({
      ...chain.betBook,
      functionName: 'bank',
      args: [number],
    });
    return { bankroll, reserved, locked };
  });
  const seats = [rich, poor, leaving].map(
    async (player) => (await chain.seatOf(player as Hex)).balance,
  );
  const pages = [0, 1, 2].map((slot) =>
    chain.publicClient.readContract({
      ...chain.betBook,
      functionName: 'page',
      args: [chain.lane(SHARD), slot],
    }),
  );
  return {
    banks: await Promise.all(banks),
    seats: await Promise.all(seats),
    pages: await Promise.all(pages),
    next: await chain.next(SHARD),
    eventCount: await chain.publicClient.readContract({
      ...chain.betBook,
      functionName: 'eventCount',
    }),
  };
}

const freshModel = (nowS: number): Model => ({
  seats: {
    [rich]: { balance: 2_000n, maxStake: 400n, ended: false },
    [poor]: { balance: 60n, maxStake: 400n, ended: false },
    [leaving]: { balance: 500n, maxStake: 400n, ended: true },
  },
  banks: {
    1: { bankroll: 1_000_000n, reserved: 0n, locked: 0n, maxPayout: 100_000n, foreign: false },
    2: { bankroll: 300n, reserved: 0n, locked: 0n, maxPayout: 500n, foreign: false },
    3: { bankroll: 0n, reserved: 0n, locked: 0n, maxPayout: 500n, foreign: true },
  },
  pages: {},
  next: 0,
  nowS,
  horizonS: 3_600,
});

/** Sends [start, end) of the units as one batch. */
async function send(units: readonly Unit[], start: number, end: number): Promise<void> {
  const first = units.slice(0, start).reduce((sum, unit) => sum + numbersOf(unit), 0);
  await chain.apply(SHARD, first, units.slice(start, end));
}

test(`any split and repetition of a batch has one effect, the model's (seed ${SEED})`, async () => {
  const names = new Set<string>();
  const codes = new Set<unknown>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyStep, { minLength: 1, maxLength: 25 }),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 6 }),
      async (steps, cuts) => {
        const snapshot = await chain.test.snapshot();
        const nowS = await chain.nowS();
        const units = unitsOf(steps, nowS);
        const fromBlock = (await chain.publicClient.getBlockNumber()) + 1n;

        await send(units, 0, units.length);
        const once = await look(fromBlock);
        const replayed = replay(await chain.allEvents(deployedBlock));
        await chain.test.revert({ id: snapshot });

        const again = await chain.test.snapshot();
        let sent = 0;
        for (const [from, size] of cuts) {
          const start = from % (sent + 1);
          const end = Math.min(units.length, start + (size % 6));
          await send(units, start, end);
          sent = Math.max(sent, end);
        }
        await send(units, 0, units.length);
        await send(units, 0, units.length);
        const split = await look(fromBlock);
        const { held, owed } = await solvency();
        await chain.test.revert({ id: again });

        expect(split).toEqual(once);
        expect(held).toBe(owed);

        const model = freshModel(nowS);
        const expected = units.flatMap((unit) => applyToModel(model, SHARD, unit));
        expect(once.events).toEqual(expected);
        const balances = [rich, poor, leaving].map((player) => model.seats[player]?.balance);
        const banks = [1, 2].map((number) => {
          const { bankroll, reserved, locked } = model.banks[number] ?? {};
          return { bankroll, reserved, locked };
        });
        expect(once.state).toMatchObject({ seats: balances, banks, next: model.next });

        expect([rich, poor, leaving].map((player) => replayed.seats.get(player))).toEqual(balances);
        expect([1, 2].map((number) => replayed.banks.get(number))).toEqual(banks);
        expect([...replayed.numbers.keys()].sort((a, b) => a - b)).toEqual(
          Array.from({ length: model.next }, (_, number) => number),
        );
        for (const [name, ...args] of expected) {
          names.add(name);
          if (name === 'Rejected') codes.add(args[2]);
          if (name === 'OpenRejected') codes.add(args[5]);
        }
      },
    ),
    { seed: SEED, numRuns: RUNS },
  );
  expect([...names].sort()).toEqual(LANE_EVENTS);
  console.log(
    `rejection codes met: ${[...codes]
      .map(Number)
      .sort((a, b) => a - b)
      .join(' ')}`,
  );
}, 40_000);

async function solvency() {
  const [held, owed] = await chain.publicClient.readContract({
    ...chain.betBook,
    functionName: 'solvency',
  });
  return { held, owed };
}
