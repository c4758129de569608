import type { Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodePreimage, preimageOf } from '../encoding/batch.ts';
import { readEventId } from '../encoding/message.ts';
import type { OpenBet, OpenUnit } from '../encoding/unit.ts';
import { addressOf, codesOf, namesOf, startChain, type TestChain } from './chain.ts';
import { bet, open, outcome, play, refOf, settle } from './units.ts';

const player = addressOf('player');
const other = addressOf('other');
const nobody = addressOf('nobody');

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 1_000n, 500n);
  await chain.sit({ address: other }, 100n, 50n);
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

const due = async () => (await chain.nowS()) + 600;
const wordOf = (slot: number) => chain.betBook.read('page', [chain.lane(0), slot]);
const isOpen = (slot: number, offset: number) =>
  chain.betBook.read('isOpen', [chain.lane(0), slot, offset]);
const balanceOf = async (address: Hex) => (await chain.seatOf(address)).balance;

/** The slot's word while the page's bets at `mask` are open. */
async function expectedWord(page: OpenUnit, firstSeq: number, mask: bigint): Promise<bigint> {
  const preimage = encodePreimage(preimageOf(page, firstSeq));
  const hash = BigInt(await chain.betBook.read('hashPage', [preimage]));
  return ((hash >> 64n) << 64n) | mask;
}

test('a page opens, settles in parts and frees its slot', async () => {
  const page = open(3, await due(), [
    bet(player, 100n, 300n),
    bet(player, 50n, 50n),
    bet(player, 10n, 90n),
    bet(player, 20n, 80n),
  ]);
  expect(await wordOf(3)).toBe(0n);
  const opened = await chain.applyNext([page]);
  expect(opened[0]?.args).toMatchObject({
    stake: 100n,
    maxPayout: 400n,
    page: (BigInt(chain.lane(0)) << 32n) | 3n,
    due: page.dueS,
    round: page.round,
    ref: refOf('bet'),
  });
  expect(await balanceOf(player)).toBe(820n);
  expect(await chain.bankOf(1)).toMatchObject({
    bankroll: 1_000_000n,
    reserved: 520n,
    locked: 180n,
  });
  expect(await wordOf(3)).toBe(await expectedWord(page, 0, 0b1111n));

  const first = await chain.applyNext([
    settle(page, 0, [outcome(1, 'lost'), outcome(0, 'explicit', 399n)]),
  ]);
  expect(first.map(({ name, args }) => [name, args.payout])).toEqual([
    ['Settled', 0n],
    ['Settled', 399n],
    ['Closed', undefined],
    ['BatchApplied', undefined],
  ]);
  expect(readEventId(first[0]?.args.id as bigint)).toMatchObject({ bank: 1, seq: 1 });
  expect(first[2]?.args).toMatchObject({ settledMask: 0b0011n, leftMask: 0b1100n });
  expect(readEventId(first[2]?.args.id as bigint)).toEqual({
    operatorNo: 1,
    shard: 0,
    bank: 0,
    seq: 4,
  });
  expect(await wordOf(3)).toBe(await expectedWord(page, 0, 0b1100n));
  expect([await isOpen(3, 1), await isOpen(3, 2), await isOpen(3, 63)]).toEqual([
    false,
    true,
    false,
  ]);

  const rest = await chain.applyNext([settle(page, 0, [outcome(2, 'full'), outcome(3, 'void')])]);
  expect(rest.map(({ name, args }) => [name, args.payout ?? args.stake])).toEqual([
    ['Settled', 100n],
    ['Voided', 20n],
    ['Closed', undefined],
    ['BatchApplied', undefined],
  ]);
  expect(await balanceOf(player)).toBe(820n + 399n + 100n + 20n);
  expect(await chain.bankOf(1)).toMatchObject({
    bankroll: 1_000_000n + 50n - 299n - 90n,
    reserved: 0n,
    locked: 0n,
  });
  expect(await wordOf(3)).toBe(1n);
  expect(await isOpen(3, 0)).toBe(false);
  const again = await chain.applyNext([open(3, page.dueS, [bet(player, 1n, 1n)])]);
  expect(namesOf(again)).toEqual(['Opened', 'BatchApplied']);
});

test('pages of any size hash and settle as the encoder writes them', async () => {
  const second = await chain.openBank(10_000n);
  const shapes: ((index: number) => OpenBet)[] = [
    () => bet(player, 1n, 2n),
    (index) => bet(index % 2 === 0 ? player : other, 1n, BigInt(index), second),
    (index) => bet(player, 2n, 1n, index % 3 === 0 ? second : 1),
  ];
  let slot = 0;
  for (const count of [1, 2, 3, 31, 63, 64]) {
    const shape = shapes[slot % shapes.length] ?? (() => bet(player, 1n, 2n));
    const page = open(
      slot,
      await due(),
      Array.from({ length: count }, (_, i) => shape(i)),
    );
    const first = await chain.next(0);
    expect(codesOf(await chain.applyNext([page]))).toEqual([]);
    expect(await wordOf(slot)).toBe(await expectedWord(page, first, (1n << BigInt(count)) - 1n));
    const outcomes = page.bets.map((_, offset) =>
      outcome(offset, offset % 2 === 0 ? 'lost' : 'void'),
    );
    const events = await chain.applyNext([settle(page, first, outcomes)]);
    expect(codesOf(events)).toEqual([]);
    expect(events.at(-2)?.args.settledMask).toBe((1n << BigInt(count)) - 1n);
    expect(await wordOf(slot)).toBe(1n);
    slot++;
  }
});

test('a bet is refused with the code of the first check that fails', async () => {
  const nowS = await chain.nowS();
  const dueS = nowS + 600;
  const small = await chain.openBank(300n, { maxPayout: 450n });
  const drawn = await chain.openBank(300n, { stopLoss: 90n });
  const won = await chain.openBank(300n, { dayWon: 90n });
  const taken = open(1, dueS, [bet(player, 1n, 1n)]);
  const late = nowS + 10_000;
  const cases = [
    [taken, undefined],
    [open(1, nowS, [bet(nobody, 0n, 1n)]), 8],
    [open(0, nowS, [bet(nobody, 0n, 1n)]), 11],
    [open(0, dueS, [bet(nobody, 0n, 1n)]), 13],
    [open(0, dueS, [bet(nobody, 501n, 1n)]), 1],
    [open(0, dueS, [bet(player, 1_001n, 1n)]), 2],
    [open(2, dueS, [bet(player, 500n, 1n), bet(player, 450n, 1n)]), undefined],
    [open(0, dueS, [bet(player, 50n, 1n, 9)]), 3],
    [open(0, late, [bet(player, 5n, 1n, 9)]), 7],
    [open(0, late, [bet(player, 5n, 100_000n)]), 17],
    [open(0, 200_000_000_000, [bet(player, 5n, 1n)]), 17],
    [open(0, dueS, [bet(player, 5n, 446n, small)]), 4],
    [open(0, dueS, [bet(player, 5n, 301n, drawn)]), 5],
    [open(0, dueS, [bet(player, 5n, 91n, drawn)]), 6],
    [open(0, dueS, [bet(player, 5n, 91n, won)]), 6],
    [open(0, dueS, [bet(player, 5n, 90n, won)]), undefined],
  ] as const;
  for (const [index, [unit, code]] of cases.entries()) {
    const events = await chain.applyNext([unit]);
    expect([index, codesOf(events)]).toEqual([index, code === undefined ? [] : [code]]);
    expect(namesOf(events).filter((name) => name === 'Halted')).toEqual([]);
  }
});

test('refused bets are part of the page, and a page of refused ones leaves the slot', async () => {
  const dueS = await due();
  const page = open(5, dueS, [
    bet(nobody, 1n, 1n),
    bet(player, 7n, 3n),
    bet(player, 501n, 1n),
    bet(other, 9n, 1n),
  ]);
  const events = await chain.applyNext([page]);
  expect(events.slice(0, 4).map(({ name, args }) => [name, args.code])).toEqual([
    ['OpenRejected', 1],
    ['Opened', undefined],
    ['OpenRejected', 2],
    ['Opened', undefined],
  ]);
  expect(events[2]?.args).toMatchObject({ stake: 501n, maxPayout: 502n, ref: refOf('bet') });
  expect(await wordOf(5)).toBe(await expectedWord(page, 0, 0b1010n));
  const settled = await chain.applyNext([
    settle(page, 0, [outcome(0, 'full'), outcome(1, 'full'), outcome(3, 'lost')]),
  ]);
  expect(codesOf(settled)).toEqual([12]);
  expect(await wordOf(5)).toBe(1n);

  await chain.applyNext([
    open(5, dueS, [bet(nobody, 1n, 1n)]),
    open(6, dueS, [bet(nobody, 1n, 1n)]),
  ]);
  expect([await wordOf(5), await wordOf(6)]).toEqual([1n, 0n]);
});

test('an outcome is refused alone, with the code of the first check that fails', async () => {
  const page = open(1, await due(), [bet(player, 10n, 10n), bet(player, 10n, 10n)], true);
  const { dueS } = page;
  await chain.applyNext([page]);
  const cases = [
    [settle({ ...page, slot: 2 }, 0, [outcome(0, 'lost'), outcome(1, 'lost')]), [9, 9]],
    [settle(page, 1, [outcome(0, 'lost')]), [9]],
    [settle({ ...page, dueS: dueS + 1 }, 0, [outcome(0, 'lost')]), [9]],
    [settle({ ...page, round: '0xffffffffffffffff' }, 0, [outcome(0, 'lost')]), [9]],
    [settle({ ...page, bonded: false }, 0, [outcome(0, 'void')]), [9]],
    [settle({ ...page, bets: page.bets.slice(0, 1) }, 0, [outcome(0, 'lost')]), [9]],
    [settle(page, 0, [outcome(0, 'void'), outcome(1, 'explicit', 21n)]), [14, 10]],
    [settle(page, 0, [outcome(0, 'explicit', 2n ** 96n - 1n)]), [10]],
    [settle(page, 0, [outcome(1, 'full'), outcome(1, 'lost')]), [12]],
    [settle(page, 0, [outcome(1, 'void'), outcome(0, 'explicit', 20n)]), [12]],
    [settle(page, 0, [outcome(0, 'lost')]), [9]],
  ] as const;
  for (const [index, [unit, codes]] of cases.entries()) {
    const events = await chain.applyNext([unit]);
    expect([index, codesOf(events)]).toEqual([index, codes]);
    expect(events.at(-2)?.name).toBe('Closed');
  }
  expect(await balanceOf(player)).toBe(1_020n);
});

test('a settlement of another page names itself, once for each outcome', async () => {
  const page = open(1, await due(), [bet(player, 10n, 10n), bet(player, 10n, 10n)]);
  await chain.applyNext([page]);
  const events = await chain.applyNext([settle(page, 7, [outcome(1, 'lost'), outcome(0, 'full')])]);
  expect(events.slice(0, 2).map(({ args }) => [readEventId(args.id as bigint), args.ref])).toEqual([
    [{ operatorNo: 1, shard: 0, bank: 0, seq: 2 }, refOf('outcome 1')],
    [{ operatorNo: 1, shard: 0, bank: 0, seq: 2 }, refOf('outcome 0')],
  ]);
  expect(Number(events[0]?.args.player)).toBe(0);
  expect(events[2]?.args).toMatchObject({ settledMask: 0n, leftMask: 0b11n });
  const free = await chain.applyNext([settle({ ...page, slot: 9 }, 0, [outcome(0, 'lost')])]);
  expect(free.at(-2)?.args).toMatchObject({ settledMask: 0n, leftMask: 0n });
});

test('a page settles until just before it is due', async () => {
  const page = open(1, await due(), [bet(player, 10n, 10n), bet(player, 10n, 10n)]);
  await chain.applyNext([page]);
  await chain.setNextTime(page.dueS - 1);
  expect(
    codesOf((await chain.apply(0, 2, [settle(page, 0, [outcome(0, 'full')])])).events),
  ).toEqual([]);
  await chain.setNextTime(page.dueS);
  const late = await chain.apply(0, 3, [settle(page, 0, [outcome(0, 'full'), outcome(1, 'void')])]);
  expect(codesOf(late.events)).toEqual([12, 11]);
  expect(late.events.at(-2)?.args).toMatchObject({ settledMask: 0n, leftMask: 0b10n });
});

test('a page opens only before it is due, and within the horizon to the second', async () => {
  const nowS = (await chain.nowS()) + 10;
  const at = async (dueS: number) => {
    await chain.setNextTime(nowS);
    const first = await chain.next(0);
    return codesOf((await chain.apply(0, first, [open(1, dueS, [bet(player, 1n, 1n)])])).events);
  };
  expect(await at(nowS)).toEqual([11]);
  expect(await at(nowS + 3_601)).toEqual([17]);
  expect(await at(nowS + 3_600)).toEqual([]);
});

test('the bank refuses what it cannot pay, counting what open bets may win', async () => {
  const dueS = await due();
  const units = Array.from({ length: 10 }, (_, slot) =>
    open(slot, dueS, [bet(player, 1n, 99_999n)]),
  );
  const events = await chain.applyNext([
    ...units,
    open(10, dueS, [bet(player, 1n, 11n)]),
    play(player, 1n, 11n),
    play(player, 1n, 2n),
  ]);
  expect(codesOf(events)).toEqual([5, 5]);
  expect(await chain.bankOf(1)).toMatchObject({ bankroll: 999_990n, reserved: 999_990n });
});

test('settling asks neither for a live seat nor for an open bank', async () => {
  const page = open(1, await due(), [bet(player, 100n, 100n)]);
  await chain.applyNext([page]);
  await chain.betBook.send(player, 'leave', [chain.registered.operator]);
  await chain.passTime(60);
  await chain.betBook.send(chain.guardian.address, 'pause', [1, (await chain.nowS()) + 3_600]);
  await chain.betBook.send(player, 'sweep', [player, chain.registered.operator]);
  const events = await chain.applyNext([
    open(2, page.dueS, [bet(player, 1n, 1n)]),
    settle(page, 0, [outcome(0, 'full')]),
  ]);
  expect(codesOf(events)).toEqual([1]);
  expect(await balanceOf(player)).toBe(200n);
});
