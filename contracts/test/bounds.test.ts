import type { Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeBatch, numbersOf } from '../encoding/batch.ts';
import { GAS_BOUNDS, unitGasBound } from '../encoding/bounds.ts';
import type { OpenBet, SettleOutcome, Unit } from '../encoding/unit.ts';
import {
  addressOf,
  codesOf,
  LIMITS,
  NOTICE_S,
  namesOf,
  revertOf,
  startChain,
  type TestChain,
  ZERO_HASH,
} from './chain.ts';
import {
  bet,
  credit,
  finish,
  group,
  open,
  outcome,
  play,
  release,
  settle,
  topUp,
} from './units.ts';

const DAY_S = 86_400;
/** A player and a bank of their own for each bet of a page: nothing is warm. */
const COUNT = 64;
/** How exactly the least gas is found. */
const TOLERANCE = 32n;

const players = Array.from({ length: COUNT }, (_, index) => addressOf(`player ${index}`));
const playerAt = (index: number): Hex => players[index] ?? '0x';
const bankAt = (index: number) => index + 2;
const repeat = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain({ shards: 1 });
  const { admin, betBook, registered } = chain;
  await chain.provide(admin, 1_000n * BigInt(COUNT));
  const limits = { ...LIMITS, stopLoss: 500n };
  for (let index = 0; index < COUNT; index++) {
    await betBook.send(admin.address, 'openBank', [registered.operator, admin.address, limits]);
    await betBook.send(admin.address, 'fund', [bankAt(index), 1_000n]);
    // Limits that are announced and ready have to be looked at in a place of their own.
    const raised = { ...limits, maxHorizon: LIMITS.maxHorizon + 1 };
    await betBook.send(admin.address, 'setLimits', [bankAt(index), raised]);
    await chain.sit({ address: playerAt(index) }, 2_000n, 2_000n, { topUp: 10n });
  }
  await chain.passTime(NOTICE_S);
}, 120_000);
beforeEach(() => chain.reset());
afterAll(() => chain.close());

test('the published bounds are the encoder’s', async () => {
  const names = {
    PLAY_RUN_GAS: 'playRun',
    PLAY_GAS: 'play',
    OPEN_GAS: 'open',
    OPEN_RUN_GAS: 'openRun',
    OPEN_BET_GAS: 'openBet',
    SETTLE_GAS: 'settle',
    SETTLE_LEAF_GAS: 'settleLeaf',
    SETTLE_BET_GAS: 'settleBet',
    CREDIT_GAS: 'credit',
    FINISH_GAS: 'finish',
    TOPUP_GAS: 'topUp',
    RELEASE_GAS: 'release',
    GROUP_GAS: 'group',
    FLUSH_GAS: 'flush',
  } as const;
  const published: Record<string, bigint> = {};
  for (const [name, key] of Object.entries(names)) {
    published[key] = await chain.betBook.read(name as keyof typeof names, []);
  }
  expect(published).toEqual(GAS_BOUNDS);
});

/** The number that the lane would expect after the units with this gas, or why it refuses. */
async function nextWith(first: number, ops: Hex, gas: bigint): Promise<number | string> {
  let next = -1;
  const { name } = await revertOf(
    chain.publicClient
      .simulateContract({
        ...chain.betBook,
        functionName: 'applyBatch',
        args: [chain.lane(0), first, ZERO_HASH, ops],
        account: chain.executor,
        gas,
      })
      .then(({ result }) => {
        next = result;
      }),
  );
  return name === 'no error' ? next : name;
}

/**
 * Finds the least gas with which unit after unit is still begun: there, exactly the published bound
 * is left when it starts. It has to land all the same, with all its effects, and nothing but
 * `GasTooLow` may come out below. Answers what the last unit and the flush used of their bounds.
 */
async function expectBoundsToHold(name: string, units: readonly Unit[]): Promise<void> {
  const first = await chain.next(0);
  const ops = encodeBatch(units);
  const state = await chain.test.snapshot();
  const whole = namesOf((await chain.apply(0, first, units)).events);
  await chain.test.revert({ id: state });

  const ends: number[] = [];
  let seq = first;
  for (const unit of units) {
    seq += numbersOf(unit);
    ends.push(seq);
  }
  const probed = new Set([0, 1, ends.length - 1].filter((index) => index < ends.length));
  const used: string[] = [];
  for (const index of probed) {
    const end = ends[index] ?? 0;
    let low = 21_000n;
    let high = 16_700_000n;
    while (high - low > TOLERANCE) {
      const middle = (low + high) / 2n;
      const next = await nextWith(first, ops, middle);
      // Less than the transaction's own cost: the node refuses it before anything runs.
      const tooLow = typeof next === 'string';
      if (tooLow && next !== 'GasTooLow') {
        expect([name, middle, /intrinsic|floor|ran out of gas/i.test(next)]).toEqual([
          name,
          middle,
          true,
        ]);
      }
      if (!tooLow) expect([name, [first, ...ends].includes(next)]).toEqual([name, true]);
      if (!tooLow && next >= end) high = middle;
      else low = middle;
    }
    const saved = await chain.test.snapshot();
    const { receipt, events, gasUsed } = await chain.apply(0, first, units, { gas: high });
    expect([name, index, receipt.status]).toEqual([name, index, 'success']);
    // Cheaper units behind it may be begun as well.
    const next = await chain.next(0);
    expect([name, index, next >= end]).toEqual([name, index, true]);
    const done = namesOf(events).slice(0, -1);
    expect([name, index, done]).toEqual([name, index, whole.slice(0, done.length)]);
    await chain.test.revert({ id: saved });
    const bound = unitGasBound(units[index] ?? finish()) + GAS_BOUNDS.flush;
    // What a later unit leaves is not of its own bound: the first may need more.
    if (index === 0 && next === end) used.push(`${bound - (high - gasUsed)} of ${bound}`);
  }
  if (used.length > 0) console.log(`${name}, with the flush: ${used.join(', ')} gas`);
}

const ownBet = (index: number, profit = 5n): OpenBet =>
  bet(playerAt(index), 5n, profit, bankAt(index));
const dueS = async () => (await chain.nowS()) + 600;

test('PLAY, each with a player and a bank of its own', async () => {
  const wins = repeat(8, (index) => play(playerAt(index), 5n, 8n, bankAt(index)));
  await expectBoundsToHold('PLAY, first ever', wins);
  await chain.applyNext(wins);
  await expectBoundsToHold('PLAY, same day', wins);
  await chain.passTime(DAY_S);
  const wonYesterday = repeat(8, (index) => play(playerAt(index), 5n, 50n, bankAt(index)));
  await expectBoundsToHold('PLAY, next day, seats ended', wonYesterday);
});

test('PLAY, runs of one player and bank, and of one player with many banks', async () => {
  await expectBoundsToHold(
    'PLAY, one run',
    repeat(20, () => play(playerAt(0), 5n, 8n, 2)),
  );
  const banks = repeat(8, (index) => play(playerAt(0), 5n, 8n, bankAt(index)));
  await expectBoundsToHold('PLAY, one player, many banks', banks);
  const same = repeat(8, (index) => play(playerAt(index), 5n, 0n));
  await expectBoundsToHold('PLAY, many players, one bank', same);
});

test('PLAY that is refused and halts the bank', async () => {
  const halting = repeat(8, (index) => play(playerAt(index), 5n, 506n, bankAt(index)));
  await expectBoundsToHold('PLAY, halting', halting);
  expect(codesOf(await chain.applyNext(halting))).toEqual(halting.map(() => 6));
  const after = repeat(8, (index) => play(playerAt(index + 8), 5n, 8n, bankAt(index)));
  await expectBoundsToHold('PLAY, halted already', after);
  const mixed = [
    play(playerAt(20), 5n, 8n, bankAt(20)),
    play(playerAt(20), 5n, 600n, bankAt(20)),
    play(playerAt(20), 5n, 8n, bankAt(20)),
    play(playerAt(21), 5n, 8n, bankAt(21)),
  ];
  await expectBoundsToHold('PLAY, halting in a run', mixed);
});

test('OPEN and SETTLE of pages of every size', async () => {
  const due = await dueS();
  const pages = [
    open(1, due, [ownBet(0)]),
    open(
      2,
      due,
      repeat(COUNT, (index) => ownBet(index)),
    ),
    open(
      3,
      due,
      repeat(COUNT, () => ownBet(0, 1n)),
    ),
    open(
      4,
      due,
      repeat(COUNT, (index) => bet(playerAt(index), 5n, 5n)),
      true,
    ),
    open(
      5,
      due,
      repeat(COUNT, (index) => bet(playerAt(0), 1n, 1n, bankAt(index))),
    ),
  ];
  for (const page of pages) {
    const name = `page ${page.slot}`;
    await expectBoundsToHold(`OPEN, ${name}`, [page]);
    const first = await chain.next(0);
    expect(codesOf(await chain.applyNext([page]))).toEqual([]);
    for (const code of ['full', 'lost', 'void'] as const) {
      const code_: SettleOutcome['code'] = page.bonded && code === 'void' ? 'full' : code;
      const all = page.bets.map((_, offset) => outcome(offset, code_));
      await expectBoundsToHold(`SETTLE, ${name}, all ${code_}`, [settle(page, first, all)]);
    }
    const one = [settle(page, first, [outcome(page.bets.length - 1, 'full')])];
    await expectBoundsToHold(`SETTLE, ${name}, one bet`, one);
    const mismatch = page.bets.map((_, offset) => outcome(offset, 'explicit', 1n));
    await expectBoundsToHold(`SETTLE, ${name}, mismatch`, [settle(page, first + 1, mismatch)]);
    await expectBoundsToHold(`OPEN, ${name}, busy`, [page]);
  }
  const singles = repeat(12, (index) => open(10 + index, due, [ownBet(index)]));
  await expectBoundsToHold('OPEN, pages of one', singles);
  const first = await chain.next(0);
  await chain.applyNext(singles);
  const settlements = singles.map((page, index) =>
    settle(page, first + index, [outcome(0, 'full')]),
  );
  await expectBoundsToHold('SETTLE, pages of one', settlements);
});

test('CREDIT, FINISH, TOPUP and RELEASE', async () => {
  const credits = repeat(8, (index) => credit(playerAt(index), 3n, bankAt(index)));
  await expectBoundsToHold('CREDIT', credits);
  await expectBoundsToHold('CREDIT, refused', [credit(playerAt(0), 5_000n, bankAt(0))]);
  await expectBoundsToHold(
    'FINISH',
    repeat(8, () => finish()),
  );
  await expectBoundsToHold(
    'TOPUP',
    repeat(8, (index) => topUp(playerAt(index), 10n)),
  );
  await expectBoundsToHold(
    'TOPUP, refused',
    repeat(8, (index) => topUp(playerAt(index), 11n)),
  );
  await chain.treasury.send(playerAt(0), 'allow', [chain.betBook.address, 0n, 0]);
  await expectBoundsToHold('TOPUP, not allowed', [topUp(playerAt(0), 10n)]);
  await expectBoundsToHold(
    'RELEASE',
    repeat(8, (index) => release(playerAt(index))),
  );
});

test('GROUP, landing, and refused after nearly all of its work', async () => {
  const due = await dueS();
  const owner = playerAt(0);
  const betsFrom = (from: number) => repeat(8, (index) => bet(owner, 5n, 5n, bankAt(from + index)));
  const first = await chain.next(0);
  const page = open(1, due, betsFrom(0));
  await chain.applyNext([page]);
  const settled = settle(
    page,
    first,
    page.bets.map((_, offset) => outcome(offset, 'full')),
  );
  const opens = repeat(6, (index) => open(2 + index, due, betsFrom(8 * index)));
  const win = play(owner, 5n, 8n, bankAt(50));
  const halting = play(owner, 5n, 506n, bankAt(51));
  await expectBoundsToHold('GROUP of one PLAY', [group(owner, [win])]);
  await expectBoundsToHold('GROUP of one CREDIT', [group(owner, [credit(owner, 1n, bankAt(3))])]);
  await expectBoundsToHold('GROUP of 8 PLAYs', [
    group(
      owner,
      repeat(8, (index) => play(owner, 5n, 8n, bankAt(index))),
    ),
  ]);
  await expectBoundsToHold('GROUP of 8 CREDITs', [
    group(
      owner,
      repeat(8, (index) => credit(owner, 5n, bankAt(index))),
    ),
  ]);
  await expectBoundsToHold('GROUP of 6 pages, a SETTLE, a PLAY', [
    group(owner, [...opens, settled, win]),
  ]);
  await expectBoundsToHold('GROUP of the same, refused and halting', [
    group(owner, [...opens, settled, halting]),
    group(owner, [halting]),
    win,
  ]);
  await expectBoundsToHold('GROUP refused at once', [group(owner, [halting])]);
  const credits = repeat(7, (index) => credit(owner, 5n, bankAt(index)));
  await expectBoundsToHold('GROUP of 7 CREDITs, refused', [group(owner, [...credits, halting])]);
  await expectBoundsToHold('GROUP of a SETTLE', [group(owner, [settled])]);
  await expectBoundsToHold('GROUP of an OPEN', [group(owner, opens.slice(0, 1))]);
});
