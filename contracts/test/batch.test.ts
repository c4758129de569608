import type { Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeBatch, numbersOf } from '../encoding/batch.ts';
import { GAS_BOUNDS, unitGasBound } from '../encoding/bounds.ts';
import type { Unit } from '../encoding/unit.ts';
import {
  addressOf,
  namesOf,
  revertOf,
  startChain,
  type TestChain,
  type TestEvent,
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

const player = addressOf('player');
const other = addressOf('other');
/** In another lane than the two. */
const elsewhere = addressOf('elsewhere', 3);

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 10_000n, 500n, { topUp: 100n });
  await chain.sit({ address: other }, 10_000n, 500n);
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

const simulate = (first: number, ops: Hex, { shard = 0, gas = 10_000_000n } = {}) =>
  revertOf(
    chain.publicClient.simulateContract({
      ...chain.betBook,
      functionName: 'applyBatch',
      args: [chain.lane(shard), first, ZERO_HASH, ops],
      account: chain.executor,
      gas,
    }),
  );
const refusal = async (first: number, ops: Hex, options = {}) =>
  (await simulate(first, ops, options)).name;

/** One of each op, from number 0 on; a page of three in the middle. */
async function everyUnit(): Promise<Unit[]> {
  const dueS = (await chain.nowS()) + 600;
  const bets = [bet(player, 5n, 5n), bet(player, 6n, 5n), bet(other, 7n, 5n)];
  const page = open(0, dueS, bets);
  return [
    play(player, 1n, 0n),
    play(player, 1n, 3n),
    play(other, 1n, 0n),
    page,
    settle(page, 3, [outcome(0, 'full'), outcome(2, 'lost')]),
    credit(player, 9n),
    finish(),
    topUp(player, 20n),
    group(player, [play(player, 1n, 0n), open(1, dueS, bets.slice(0, 2)), credit(player, 1n)]),
    settle(page, 3, [outcome(1, 'void')]),
    release(player),
  ];
}

/** All events but BatchApplied, as what a batch did. */
const effects = (events: readonly TestEvent[]) =>
  events
    .filter(({ name }) => name !== 'BatchApplied')
    .map(({ name, args }) => [name, { ...args, n: undefined }]);

// ----------------------------------------------------------------------- numbers and order

test('a batch says which numbers it applied, and carries its evidence', async () => {
  const units = await everyUnit();
  const evidence: Hex = `0x${'ab'.repeat(32)}`;
  const { events } = await chain.apply(0, 0, units, { evidence });
  const total = units.reduce((sum, unit) => sum + numbersOf(unit), 0);
  expect(total).toBe(16);
  expect(events.at(-1)).toMatchObject({
    name: 'BatchApplied',
    args: { lane: chain.lane(0), first: 0, next: 16, evidence },
  });
  expect(await chain.next(0)).toBe(16);
});

test('an empty batch, and one whose numbers are all used, does nothing', async () => {
  const units = await everyUnit();
  await chain.apply(0, 0, units);
  for (const again of [await chain.apply(0, 0, units), await chain.apply(0, 16, [])]) {
    expect(again.receipt.status).toBe('success');
    expect(again.receipt.logs).toEqual([]);
  }
  expect(await chain.next(0)).toBe(16);
});

test('any split and repetition of a batch has the effect of the whole', async () => {
  const units = await everyUnit();
  const starts: number[] = [];
  let seq = 0;
  for (const unit of units) {
    starts.push(seq);
    seq += numbersOf(unit);
  }
  const dueS = units.flatMap((unit) => (unit.op === 'open' ? [unit.dueS] : []))[0] ?? 0;
  const atS = dueS - 500;
  const run = async (parts: readonly (readonly [from: number, to: number])[]) => {
    await chain.reset();
    const seen: TestEvent[] = [];
    for (const [from, to] of parts) {
      // The same time for all, which a release writes down.
      await chain.setNextTime(atS);
      const { events } = await chain.apply(0, starts[from] ?? 0, units.slice(from, to));
      seen.push(...events);
    }
    const seats = [await chain.seatOf(player), await chain.seatOf(other)];
    return { effects: effects(seen), seats, bank: await chain.bankOf(1) };
  };
  const end = units.length;
  const whole = await run([[0, end]]);
  for (let cut = 1; cut < end; cut++) {
    expect(
      await run([
        [0, cut],
        [cut, end],
        [0, end],
      ]),
    ).toEqual(whole);
  }
  expect(
    await run([
      [0, 4],
      [2, 6],
      [0, 3],
      [5, 9],
      [8, end],
    ]),
  ).toEqual(whole);
});

test('a gap in the numbers and a half-used unit revert, and name the next number', async () => {
  const page = open(1, (await chain.nowS()) + 600, [bet(player, 1n, 1n), bet(player, 1n, 1n)]);
  const pair = group(player, [play(player, 1n, 0n), play(player, 1n, 0n)]);
  await chain.applyNext([play(player, 1n, 0n)]);
  const good = encodeBatch([play(player, 1n, 0n)]);
  expect(await simulate(2, good)).toEqual({ name: 'LaneGap', args: [1] });
  expect(await simulate(2, '0x')).toEqual({ name: 'LaneGap', args: [1] });
  expect(await simulate(0, encodeBatch([page]))).toEqual({ name: 'UnitSplit', args: [1] });
  expect(await simulate(0, encodeBatch([pair]))).toEqual({ name: 'UnitSplit', args: [1] });
  expect(await simulate(1, encodeBatch([page]))).toMatchObject({ name: 'no error' });
});

test('any two units before two others, in one batch, do what they do one by one', async () => {
  const small = await chain.openBank(900n, { maxPayout: 600n, stopLoss: 500n });
  const nowS = await chain.nowS();
  const page = open(0, nowS + 600, [
    bet(player, 5n, 5n, small),
    bet(other, 6n, 5n),
    bet(player, 7n, 5n),
  ]);
  await chain.applyNext([page]);
  const pair = [bet(player, 3n, 3n, small), bet(other, 4n, 4n, small)];
  const pool: Unit[] = [
    play(player, 2n, 9n, small),
    play(other, 0n, 9n, small),
    play(player, 2n, 601n, small),
    open(1, nowS + 600, pair),
    open(0, nowS + 600, pair),
    settle(page, 0, [outcome(0, 'full'), outcome(1, 'lost')]),
    settle(page, 0, [outcome(2, 'explicit', 8n)]),
    settle(page, 1, [outcome(0, 'full')]),
    credit(other, 3n, small),
    credit(other, 3_000n, small),
    topUp(player, 20n),
    release(player),
    group(player, [play(player, 1n, 5n, small), credit(player, 1n)]),
    group(player, [credit(player, 1n), play(player, 1n, 700n, small)]),
  ];
  const probes = [play(player, 1n, 0n, small), play(other, 1n, 3n, small)];
  let saved = await chain.test.snapshot();
  const run = async (batches: readonly (readonly Unit[])[]) => {
    await chain.test.revert({ id: saved });
    saved = await chain.test.snapshot();
    const seen: TestEvent[] = [];
    for (const units of batches) {
      await chain.setNextTime(nowS + 100);
      seen.push(...(await chain.applyNext(units)));
    }
    return {
      effects: effects(seen),
      seats: [await chain.seatOf(player), await chain.seatOf(other)],
      banks: [await chain.bankOf(1), await chain.bankOf(small)],
    };
  };
  for (const first of pool) {
    for (const second of pool) {
      const units = [first, second, ...probes];
      const alone = await run(units.map((unit) => [unit]));
      expect(await run([units]), `${first.op}, ${second.op}`).toEqual(alone);
    }
  }
});

// ----------------------------------------------------------------------- shape

test('a player of another shard reverts the batch, in every op and when skipped too', async () => {
  const dueS = (await chain.nowS()) + 600;
  await chain.applyNext(Array.from({ length: 9 }, () => play(player, 1n, 0n)));
  const foreign: Unit[] = [
    play(elsewhere, 1n, 0n),
    open(0, dueS, [bet(player, 1n, 1n), bet(elsewhere, 1n, 1n)]),
    credit(elsewhere, 1n),
    topUp(elsewhere, 1n),
    release(elsewhere),
    group(elsewhere, [credit(elsewhere, 1n)]),
  ];
  for (const unit of foreign) {
    for (const first of [0, 9]) {
      const ops = encodeBatch([unit]);
      expect([unit.op, await refusal(first, ops)]).toEqual([unit.op, 'WrongShard']);
    }
  }
  expect(await simulate(9, encodeBatch([credit(elsewhere, 1n)]))).toMatchObject({
    args: [expect.stringMatching(new RegExp(elsewhere, 'i')), chain.lane(0)],
  });
});

test('bytes that are no ops revert the whole batch, when skipped too', async () => {
  const dueS = (await chain.nowS()) + 600;
  const page = open(1, dueS, [bet(player, 1n, 1n)]);
  const hex = (unit: Unit) => encodeBatch([unit]).slice(2);
  const good = hex(play(player, 1n, 0n));
  const opened = hex(page);
  const settled = hex(settle(page, 0, [outcome(0, 'lost')]));
  const run = `${player.slice(2)}00000001`;
  const inGroup = (count: string, ...ops: string[]) =>
    `08${player.slice(2)}${count}${ops.join('')}`;
  const outcomes = settled.slice(0, -2 * 18);
  const nineBets = hex(
    open(
      1,
      dueS,
      Array.from({ length: 9 }, () => bet(player, 1n, 1n)),
    ),
  );
  const wide = open(
    1,
    dueS,
    Array.from({ length: 9 }, () => bet(player, 1n, 1n)),
  );
  const nineOutcomes = hex(
    settle(
      wide,
      0,
      wide.bets.map((_, offset) => outcome(offset, 'lost')),
    ),
  );
  const malformed = [
    '00',
    '09',
    'ff',
    `${good}00`,
    // Cut short, of each op and in each field.
    ...[play(player, 1n, 0n), page, credit(player, 1n), finish(), topUp(player, 1n)].map((unit) =>
      hex(unit).slice(0, -2),
    ),
    hex(release(player)).slice(0, -2),
    settled.slice(0, -2),
    hex(group(player, [credit(player, 1n)])).slice(0, -2),
    '01',
    '0101',
    `0101${run}`,
    '02000000',
    '0300000001',
    // Counts out of their range.
    `0100${run}`,
    `0101${run}00`,
    opened.replace(`0001${run}01`, `0000${run}01`),
    opened.replace(`0001${run}01`, `0041${run}01`),
    opened.replace(`0001${run}01`, `0001${run}00`),
    `${opened.replace(`${run}01`, `${run}41`)}${'00'.repeat(40 * 64)}`,
    settled.replace(`0001${run}`, `0000${run}`),
    settled.replace(`0001${run}`, `0041${run}`),
    `${outcomes.slice(0, -2)}00`,
    `${outcomes.slice(0, -2)}41${'00'.repeat(18 * 65)}`,
    inGroup('00'),
    inGroup('09', ...Array.from({ length: 9 }, () => hex(credit(player, 1n)))),
    // Neither bonded nor not; no outcome and no bet of this page.
    opened.replace(`0001${run}01`, `0201${run}01`),
    settled.replace(`0001${run}`, `0201${run}`),
    `${outcomes}0004${'00'.repeat(16)}`,
    `${outcomes}0100${'00'.repeat(16)}`,
    // What a group may not hold.
    inGroup('01', hex(finish())),
    inGroup('01', hex(topUp(player, 1n))),
    inGroup('01', hex(release(player))),
    inGroup('01', inGroup('01', hex(credit(player, 1n)))),
    inGroup('01', hex(credit(other, 1n))),
    inGroup('01', hex(play(other, 1n, 0n))),
    inGroup('01', hex(open(1, dueS, [bet(player, 1n, 1n), bet(other, 1n, 1n)]))),
    inGroup('01', encodeBatch([play(player, 1n, 0n), play(player, 1n, 0n)]).slice(2)),
    inGroup('01', encodeBatch([play(player, 1n, 0n), play(player, 1n, 0n, 2)]).slice(2)),
    inGroup('01', nineBets),
    inGroup('01', nineOutcomes),
  ];
  await chain.applyNext(Array.from({ length: 9 }, () => play(player, 1n, 0n)));
  for (const first of [9, 0]) {
    for (const ops of malformed) {
      const whole = first === 9 ? `${good}${ops}` : ops;
      expect([first, ops, await refusal(first, `0x${whole}`)]).toEqual([
        first,
        ops,
        'MalformedOps',
      ]);
    }
  }
  expect(await refusal(9, `0x${inGroup('01', hex(credit(player, 1n)))}`)).toBe('no error');
});

test('a bet of more than 96 bits is malformed where it is applied, and only there', async () => {
  const page = open(1, (await chain.nowS()) + 600, [bet(player, 1n, 1n)]);
  const money = `${'1'.padStart(24, '0')}${'1'.padStart(24, '0')}`;
  const ops = encodeBatch([page]).replace(
    money,
    `${'f'.repeat(24)}${'1'.padStart(24, '0')}`,
  ) as Hex;
  expect(ops).not.toBe(encodeBatch([page]));
  expect(await refusal(0, ops)).toBe('MalformedOps');
  await chain.applyNext([play(player, 1n, 0n)]);
  expect(await refusal(0, ops)).toBe('no error');
  const edge = ops.replace(
    `${'f'.repeat(24)}${'1'.padStart(24, '0')}`,
    `${'f'.repeat(24)}${'0'.repeat(24)}`,
  );
  expect(await refusal(1, edge as Hex)).toBe('no error');
});

// ----------------------------------------------------------------------- gas

test('too little gas for the first unit reverts with what it needs', async () => {
  const dueS = (await chain.nowS()) + 600;
  const page = open(0, dueS, [bet(player, 5n, 5n), bet(other, 6n, 5n), bet(other, 6n, 5n)]);
  await chain.applyNext([page]);
  const units: [Unit, bigint][] = [
    [play(player, 1n, 0n), GAS_BOUNDS.playRun + GAS_BOUNDS.play],
    [open(1, dueS, page.bets), GAS_BOUNDS.open + 2n * GAS_BOUNDS.openRun + 3n * GAS_BOUNDS.openBet],
    [
      settle(page, 0, [outcome(1, 'lost'), outcome(0, 'lost')]),
      GAS_BOUNDS.settle + 3n * GAS_BOUNDS.settleLeaf + 2n * GAS_BOUNDS.settleBet,
    ],
    [credit(player, 1n), GAS_BOUNDS.credit],
    [finish(), GAS_BOUNDS.finish],
    [topUp(player, 1n), GAS_BOUNDS.topUp],
    [release(player), GAS_BOUNDS.release],
    [
      group(player, [credit(player, 1n), play(player, 1n, 0n)]),
      GAS_BOUNDS.group + 2n * (GAS_BOUNDS.credit + GAS_BOUNDS.playRun + GAS_BOUNDS.play),
    ],
  ];
  for (const [unit, bound] of units) {
    expect([unit.op, unitGasBound(unit)]).toEqual([unit.op, bound]);
    expect([unit.op, await simulate(3, encodeBatch([unit]), { gas: 45_000n })]).toEqual([
      unit.op,
      { name: 'GasTooLow', args: [bound + GAS_BOUNDS.flush] },
    ]);
  }
});

test('little gas stops before a unit, never in it, and the rest lands later', async () => {
  const units = await everyUnit();
  const { events } = await chain.apply(0, 0, units);
  const whole = effects(events);
  const boundaries = new Set([0]);
  let seq = 0;
  for (const unit of units) {
    seq += numbersOf(unit);
    boundaries.add(seq);
  }
  const enough = units.reduce((sum, unit) => sum + unitGasBound(unit), 200_000n);
  const stops = new Set<number>();
  let last = 0;
  for (let gas = 60_000n; last < seq; gas += 9_973n) {
    expect(gas).toBeLessThan(enough);
    await chain.reset();
    const { name } = await simulate(0, encodeBatch(units), { gas });
    if (name !== 'no error') {
      expect(['GasTooLow', last]).toEqual([name, 0]);
      continue;
    }
    const first = await chain.apply(0, 0, units, { gas });
    expect(first.receipt.status).toBe('success');
    const stop = await chain.next(0);
    expect(boundaries.has(stop) && stop >= last).toBe(true);
    last = stop;
    if (stops.has(stop)) continue;
    stops.add(stop);
    const rest = await chain.apply(0, 0, units);
    expect(effects([...first.events, ...rest.events])).toEqual(whole);
  }
  expect(stops.size).toBeGreaterThan(4);
});

test('what comes after the place where a batch stops for gas is not looked at', async () => {
  const page = open(0, (await chain.nowS()) + 600, [bet(player, 1n, 1n)]);
  const ops: Hex = `${encodeBatch([play(player, 1n, 0n), page])}ff`;
  expect(await refusal(0, ops)).toBe('MalformedOps');
  const gas = 60_000n + GAS_BOUNDS.playRun + GAS_BOUNDS.play + GAS_BOUNDS.flush;
  const { receipt, events } = await chain.apply(0, 0, [], { ops, gas });
  expect(receipt.status).toBe('success');
  expect(namesOf(events)).toEqual(['Played', 'BatchApplied']);
});
