import type { Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readEventId } from '../encoding/message.ts';
import { addressOf, codesOf, namesOf, startChain, type TestChain } from './chain.ts';
import { bet, credit, group, open, outcome, play, refOf, settle } from './units.ts';

const player = addressOf('player');
const other = addressOf('other');

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 1_000n, 500n);
  await chain.sit({ address: other }, 1_000n, 500n);
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

const due = async () => (await chain.nowS()) + 600;
const balanceOf = async (address: Hex) => (await chain.seatOf(address)).balance;
/** All that a group could change. */
const stateOf = async () => ({
  seats: [await chain.seatOf(player), await chain.seatOf(other)],
  banks: [await chain.bankOf(1)],
  slots: await Promise.all([0, 1, 2].map((slot) => chain.betBook.read('page', [1 << 16, slot]))),
});

test('a group lands whole: later ops see what earlier ones did', async () => {
  const dueS = await due();
  const second = await chain.openBank(100n);
  const page = open(0, dueS, [bet(player, 400n, 100n), bet(player, 100n, 5n, second)]);
  const next = open(1, dueS, [bet(player, 490n, 1n)]);
  const events = await chain.applyNext([
    group(player, [
      play(player, 500n, 0n),
      page,
      credit(player, 490n),
      next,
      settle(page, 1, [outcome(0, 'full'), outcome(1, 'lost')]),
      play(player, 500n, 499n),
    ]),
  ]);
  expect(namesOf(events)).toEqual([
    'Played',
    'Opened',
    'Opened',
    'Credited',
    'Opened',
    'Settled',
    'Settled',
    'Closed',
    'Played',
    'BatchApplied',
  ]);
  expect(events.slice(0, 9).map(({ args }) => readEventId(args.id as bigint).seq)).toEqual([
    0, 1, 2, 3, 4, 1, 2, 5, 6,
  ]);
  expect(await chain.next(0)).toBe(7);
  expect(await balanceOf(player)).toBe(1_000n - 500n - 500n + 490n - 490n + 500n - 1n);
  expect(await chain.bankOf(1)).toMatchObject({
    bankroll: 1_000_000n + 500n - 490n - 100n + 1n,
    reserved: 1n,
    locked: 490n,
    credited: 490n,
  });
  expect(await chain.bankOf(second)).toMatchObject({ bankroll: 200n, reserved: 0n, locked: 0n });
});

test('each op that would be refused, wherever it stands, refuses the whole group', async () => {
  const dueS = await due();
  const foreign = open(0, dueS, [bet(other, 10n, 10n), bet(player, 10n, 10n)]);
  const own = open(1, dueS, [bet(player, 10n, 10n)], true);
  await chain.applyNext([foreign, own]);
  const good = play(player, 1n, 0n);
  const refused = [
    [play(player, 0n, 1n)],
    [play(player, 501n, 0n)],
    [play(player, 1n, 1n, 9)],
    [play(player, 500n, 0n), play(player, 499n, 0n), play(player, 2n, 0n)],
    [credit(player, 2_000_000n)],
    [open(1, dueS, [bet(player, 1n, 1n)])],
    [open(2, dueS, [bet(player, 1n, 1n), bet(player, 501n, 1n)])],
    [open(2, 1, [bet(player, 1n, 1n)])],
    [settle(foreign, 0, [outcome(0, 'lost')])],
    [settle(foreign, 0, [outcome(1, 'full'), outcome(0, 'full')])],
    [settle(foreign, 1, [outcome(1, 'full')])],
    [settle(foreign, 0, [outcome(1, 'explicit', 21n)])],
    [settle(own, 2, [outcome(0, 'void')])],
    [settle(own, 2, [outcome(0, 'full'), outcome(0, 'full')])],
    [settle(own, 2, [outcome(0, 'full')]), settle(own, 2, [outcome(0, 'full')])],
  ];
  const before = await stateOf();
  for (const [index, units] of refused.entries()) {
    for (const members of [units, [good, ...units], [...units, good]]) {
      const events = await chain.applyNext([group(player, members)]);
      const codes = codesOf(events);
      expect([index, new Set(codes)]).toEqual([index, new Set([16])]);
      const rest = namesOf(events).filter((name) => !name.endsWith('Rejected'));
      expect([...new Set(rest)].sort()).toEqual(
        units.some((unit) => unit.op === 'settle') ? ['BatchApplied', 'Closed'] : ['BatchApplied'],
      );
      expect([index, await stateOf()]).toEqual([index, before]);
    }
  }
  expect(codesOf(await chain.applyNext([group(player, [good])]))).toEqual([]);
});

test('a refused group gives every number its outcome', async () => {
  const dueS = await due();
  const page = open(0, dueS, [bet(player, 10n, 10n), bet(player, 10n, 10n)]);
  await chain.applyNext([page]);
  const events = await chain.applyNext([
    group(player, [
      play(player, 1n, 0n),
      open(1, dueS, [bet(player, 5n, 6n), bet(player, 7n, 8n)]),
      settle(page, 0, [outcome(1, 'lost'), outcome(0, 'full')]),
      credit(player, 1n),
      play(player, 501n, 0n),
    ]),
  ]);
  expect(
    events.map(({ name, args }) => [
      name,
      args.id === undefined ? undefined : readEventId(args.id as bigint),
      args.ref,
    ]),
  ).toEqual([
    ['Rejected', { operatorNo: 1, shard: 0, bank: 1, seq: 2 }, refOf('bet')],
    ['OpenRejected', { operatorNo: 1, shard: 0, bank: 1, seq: 3 }, refOf('bet')],
    ['OpenRejected', { operatorNo: 1, shard: 0, bank: 1, seq: 4 }, refOf('bet')],
    ['Rejected', { operatorNo: 1, shard: 0, bank: 0, seq: 5 }, refOf('outcome 1')],
    ['Rejected', { operatorNo: 1, shard: 0, bank: 0, seq: 5 }, refOf('outcome 0')],
    ['Closed', { operatorNo: 1, shard: 0, bank: 0, seq: 5 }, undefined],
    ['Rejected', { operatorNo: 1, shard: 0, bank: 1, seq: 6 }, refOf('credit')],
    ['Rejected', { operatorNo: 1, shard: 0, bank: 1, seq: 7 }, refOf('bet')],
    ['BatchApplied', undefined, undefined],
  ]);
  expect(events[1]?.args).toMatchObject({ stake: 5n, maxPayout: 11n });
  expect(Number(events[3]?.args.player)).toBe(0);
  expect(events[5]?.args).toMatchObject({ settledMask: 0n, leftMask: 0b11n });
});

test('a group refused by a win that the bank cannot pay halts the bank after its events', async () => {
  const small = await chain.openBank(300n, { maxPayout: 450n });
  const won = [play(player, 10n, 451n, small), play(player, 10n, 401n, small)] as const;
  for (const [index, win] of won.entries()) {
    const events = await chain.applyNext([group(player, [play(player, 1n, 0n), win])]);
    expect(namesOf(events)).toEqual(['Rejected', 'Rejected', 'Halted', 'BatchApplied']);
    expect(codesOf(events)).toEqual([16, 16]);
    expect(events[2]?.args).toMatchObject({ bank: small, code: index === 0 ? 4 : 5 });
    expect((await chain.bankOf(small)).halted).toBe(true);
    await chain.betBook.send(chain.admin.address, 'resume', [small]);
  }
  // Only the first refusal counts, and only a win: the house was not asked to pay anyone.
  const later = await chain.applyNext([group(player, [play(player, 0n, 0n), won[0]])]);
  expect(namesOf(later)).toEqual(['Rejected', 'Rejected', 'BatchApplied']);
  const lost = await chain.applyNext([group(player, [play(player, 452n, 452n, small)])]);
  expect(namesOf(lost)).toEqual(['Rejected', 'BatchApplied']);
  const credited = await chain.applyNext([group(player, [credit(player, 301n, small)])]);
  expect(namesOf(credited)).toEqual(['Rejected', 'BatchApplied']);
  expect((await chain.bankOf(small)).halted).toBe(false);
});

test('the limits of the day count within a group', async () => {
  const small = await chain.openBank(1_000n, { dayWon: 100n, stopLoss: 80n });
  const win = play(player, 10n, 70n, small);
  const loss = play(player, 60n, 0n, small);
  const lands = await chain.applyNext([group(player, [win, loss])]);
  expect(codesOf(lands)).toEqual([]);
  expect(await chain.bankOf(small)).toMatchObject({ loss: 0n, won: 60n });
  const refused = await chain.applyNext([group(player, [loss, win])]);
  expect(codesOf(refused)).toEqual([16, 16]);
  expect(refused[2]).toMatchObject({ name: 'Halted', args: { code: 6 } });
});

test('nobody but the contract itself applies a group on its own', async () => {
  for (const from of [chain.executor.address, chain.admin.address, player]) {
    const call = [chain.lane(0), 0, 0n, '0x'] as const;
    expect(await chain.betBook.refusal(from, 'applyGroup', call)).toBe('NotAllowed');
  }
});
