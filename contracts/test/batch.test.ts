import type { Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeBatch, encodePreimage, preimageOf } from '../encoding/batch.ts';
import { readEventId, shardOf } from '../encoding/message.ts';
import type { OpenUnit, SettleOutcome, SettleUnit, Unit } from '../encoding/unit.ts';
import { account, errorOf, lower, startChain, type TestChain, ZERO_HASH } from './chain.ts';
import { bet, open, play, refOf } from './units.ts';

/** A player of lane 0 with 1,000 in the seat and at most 500 a bet, and one with another shard. */
const players = Array.from({ length: 30 }, (_, index) => account(index + 3));
const own = players.find((player) => shardOf(player.address, 4) === 0) ?? account(0);
const other = players.find((player) => shardOf(player.address, 4) !== 0) ?? account(0);
const player = lower(own.address);

let chain: TestChain;
let snapshot: Hex;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit(own, 1_000n, 500n);
  snapshot = await chain.test.snapshot();
});
beforeEach(async () => {
  await chain.test.revert({ id: snapshot });
  snapshot = await chain.test.snapshot();
});
afterAll(() => chain.close());

const bankOf = (bankNo: number) =>
  chain.publicClient.readContract({ ...chain.betBook, functionName: 'bank', args: [bankNo] });

const due = async () => (await chain.nowS()) + 600;

const settle = (
  opened: OpenUnit,
  firstSeq: number,
  outcomes: readonly SettleOutcome[],
): SettleUnit => ({
  op: 'settle',
  slot: opened.slot,
  preimage: preimageOf(opened, firstSeq),
  outcomes,
});

const outcome = (
  offset: number,
  code: SettleOutcome['code'],
  payoutUnits?: bigint,
): SettleOutcome => ({
  offset,
  code,
  ...(payoutUnits === undefined ? {} : { payoutUnits }),
  ref: refOf(`outcome ${offset}`),
});

const rejections = (events: { name: string; args: Record<string, unknown> }[]) =>
  events.filter((event) => event.name.endsWith('Rejected')).map((event) => event.args.code);

const simulate = (first: number, ops: Hex, shard = 0, gas = 10_000_000n) =>
  chain.publicClient.simulateContract({
    ...chain.betBook,
    functionName: 'applyBatch',
    args: [chain.lane(shard), first, ZERO_HASH, ops],
    account: chain.executor,
    gas,
  });

test('a play moves stake and payout at once and says so with both refs', async () => {
  const { events } = await chain.apply(0, 0, [play(player, 100n, 0n), play(player, 100n, 250n)]);
  expect(events.map((event) => event.name)).toEqual(['Played', 'Played', 'BatchApplied']);
  expect(readEventId(events[1]?.args.id as bigint)).toEqual({
    operatorNo: 1,
    shard: 0,
    bank: 1,
    seq: 1,
  });
  expect(events[1]?.args).toMatchObject({
    player: own.address,
    stake: 100n,
    payout: 250n,
    refBet: refOf('bet'),
    refWin: refOf('win'),
  });
  expect(events[2]?.args).toMatchObject({ lane: chain.lane(0), first: 0, next: 2 });
  expect((await chain.seatOf(player)).balance).toBe(1_050n);
  expect((await bankOf(1)).bankroll).toBe(999_950n);
});

test('a page opens, settles in parts and frees its slot', async () => {
  const page = open(3, await due(), [
    bet(player, 100n, 300n),
    bet(player, 50n, 50n),
    bet(player, 10n, 90n),
    bet(player, 20n, 80n),
  ]);
  const opened = await chain.apply(0, 0, [page]);
  expect(opened.events[0]?.args).toMatchObject({
    stake: 100n,
    maxPayout: 400n,
    page: (BigInt(chain.lane(0)) << 32n) | 3n,
    due: page.dueS,
    round: page.round,
  });
  expect((await chain.seatOf(player)).balance).toBe(820n);
  expect(await bankOf(1)).toMatchObject({ bankroll: 1_000_000n, reserved: 520n, locked: 180n });
  const word = await chain.publicClient.readContract({
    ...chain.betBook,
    functionName: 'page',
    args: [chain.lane(0), 3],
  });
  const hash = await chain.publicClient.readContract({
    ...chain.betBook,
    functionName: 'hashPage',
    args: [encodePreimage(preimageOf(page, 0))],
  });
  expect(word).toBe(((BigInt(hash) >> 64n) << 64n) | 0b1111n);

  const first = await chain.apply(0, 4, [
    settle(page, 0, [outcome(1, 'lost'), outcome(0, 'explicit', 399n)]),
  ]);
  expect(first.events.map(({ name, args }) => [name, args.payout])).toEqual([
    ['Settled', 0n],
    ['Settled', 399n],
    ['Closed', undefined],
    ['BatchApplied', undefined],
  ]);
  expect(readEventId(first.events[0]?.args.id as bigint).seq).toBe(1);
  expect(first.events[2]?.args).toMatchObject({ settledMask: 0b0011n, leftMask: 0b1100n });
  expect(readEventId(first.events[2]?.args.id as bigint)).toEqual({
    operatorNo: 1,
    shard: 0,
    bank: 0,
    seq: 4,
  });
  await chain.apply(0, 5, [settle(page, 0, [outcome(2, 'full'), outcome(3, 'void')])]);
  expect((await chain.seatOf(player)).balance).toBe(820n + 399n + 100n + 20n);
  expect(await bankOf(1)).toMatchObject({ bankroll: 999_661n, reserved: 0n, locked: 0n });
  const isOpen = await chain.publicClient.readContract({
    ...chain.betBook,
    functionName: 'isOpen',
    args: [chain.lane(0), 3, 2],
  });
  expect(isOpen).toBe(false);
  const again = await chain.apply(0, 6, [open(3, page.dueS, [bet(player, 1n, 1n)])]);
  expect(again.events[0]?.name).toBe('Opened');
});

test('a page of 64 bets settles, and its hash is that of the encoder', async () => {
  for (const count of [1, 2, 3, 31, 64]) {
    const bets = Array.from({ length: count }, (_, index) => bet(player, 1n, BigInt(index)));
    const page = open(count, await due(), bets);
    const first = await chain.next(0);
    const outcomes = bets.map((_, offset) => outcome(offset, 'lost'));
    const { events } = await chain.apply(0, first, [page, settle(page, first, outcomes)]);
    expect(rejections(events)).toEqual([]);
    expect(events.filter((event) => event.name === 'Settled')).toHaveLength(count);
  }
});

test('a credit pays a win without a bet', async () => {
  const { events } = await chain.apply(0, 0, [
    { op: 'credit', player, bank: 1, amountUnits: 77n, ref: refOf('jackpot') },
  ]);
  expect(events[0]).toMatchObject({
    name: 'Credited',
    args: { player: own.address, amount: 77n, ref: refOf('jackpot') },
  });
  expect((await chain.seatOf(player)).balance).toBe(1_077n);
  expect((await bankOf(1)).bankroll).toBe(999_923n);
});

test('each refusal has its code, and the batch goes on', async () => {
  const dueS = await due();
  const nobody: Hex = `0x${'0'.repeat(38)}f0`;
  const credit = (change: object): Unit => ({
    op: 'credit',
    player,
    bank: 1,
    amountUnits: 1n,
    ref: refOf('credit'),
    ...change,
  });
  const page = open(1, dueS, [bet(player, 10n, 10n)], true);
  const units: [Unit, number | undefined][] = [
    [play(nobody, 1n, 2n), 1],
    [play(player, 501n, 0n), 2],
    [play(player, 500n, 0n), undefined],
    [play(player, 450n, 0n), undefined],
    [play(player, 51n, 60n), 3],
    [play(player, 10n, 100_001n), 4],
    [play(player, 0n, 1n), 13],
    [play(player, 1n, 0n, 9), 7],
    [open(0, dueS, [bet(nobody, 1n, 1n)]), 1],
    [open(0, dueS, [bet(player, 501n, 1n)]), 2],
    [open(0, dueS, [bet(player, 51n, 1n)]), 3],
    [open(0, dueS, [bet(player, 10n, 99_991n)]), 4],
    [open(0, dueS, [bet(player, 0n, 1n)]), 13],
    [open(0, dueS, [bet(player, 1n, 1n, 9)]), 7],
    [open(0, (await chain.nowS()) - 1, [bet(player, 1n, 1n)]), 11],
    [open(0, (await chain.nowS()) + 10_000, [bet(player, 1n, 1n)]), 17],
    [open(0, 200_000_000_000, [bet(player, 1n, 1n)]), 17],
    [page, undefined],
    [open(1, dueS, [bet(player, 1n, 1n)]), 8],
    [settle(page, 17, [outcome(0, 'void')]), 14],
    [settle(page, 17, [outcome(0, 'explicit', 21n)]), 10],
    [settle(page, 16, [outcome(0, 'lost')]), 9],
    [settle({ ...page, slot: 2 }, 17, [outcome(0, 'lost')]), 9],
    [settle(page, 17, [outcome(0, 'lost')]), undefined],
    [settle(page, 17, [outcome(0, 'lost')]), 9],
    [credit({ player: nobody }), 1],
    [credit({ bank: 9 }), 7],
    [credit({ amountUnits: 2_000_000n }), 5],
  ];
  for (const [index, [unit, code]] of units.entries()) {
    const { events } = await chain.apply(0, index, [unit]);
    expect([index, rejections(events)]).toEqual([index, code === undefined ? [] : [code]]);
  }
});

test('a bet that is closed already is refused alone, the rest of its page settles', async () => {
  const page = open(1, await due(), [bet(player, 10n, 10n), bet(player, 10n, 10n)]);
  const { events } = await chain.apply(0, 0, [
    page,
    settle(page, 0, [outcome(0, 'lost')]),
    settle(page, 0, [outcome(0, 'full'), outcome(1, 'full'), outcome(1, 'full')]),
  ]);
  expect(rejections(events)).toEqual([12, 12]);
  expect((await chain.seatOf(player)).balance).toBe(1_000n);
});

test('the bank refuses what it cannot pay, counting what open bets may win', async () => {
  const dueS = await due();
  const units = Array.from({ length: 10 }, (_, slot) =>
    open(slot, dueS, [bet(player, 1n, 99_999n)]),
  );
  const { events } = await chain.apply(0, 0, [
    ...units,
    play(player, 1n, 20n),
    open(10, dueS, [bet(player, 1n, 20n)]),
    play(player, 1n, 11n),
  ]);
  expect(rejections(events)).toEqual([5, 5]);
  expect(await bankOf(1)).toMatchObject({ bankroll: 999_990n, reserved: 999_990n });
});

test('a seat that ended takes wins, payouts and credits, but no risk', async () => {
  const page = open(1, await due(), [bet(player, 100n, 100n)]);
  await chain.apply(0, 0, [page]);
  await chain.walletOf(own).writeContract({
    ...chain.betBook,
    functionName: 'leave',
    args: [chain.registered.operator],
  });
  await chain.passTime(60);
  await chain.walletOf(own).writeContract({
    ...chain.betBook,
    functionName: 'sweep',
    args: [player, chain.registered.operator],
  });
  const { events } = await chain.apply(0, 1, [
    play(player, 10n, 10n),
    play(player, 10n, 35n),
    open(2, page.dueS, [bet(player, 1n, 1n)]),
    settle(page, 0, [outcome(0, 'full')]),
    { op: 'credit', player, bank: 1, amountUnits: 5n, ref: refOf('credit') },
  ]);
  expect(rejections(events)).toEqual([1, 1]);
  expect((await chain.seatOf(player)).balance).toBe(25n + 200n + 5n);
});

test('a settlement after the due time is still accepted', async () => {
  const page = open(1, (await chain.nowS()) + 20, [bet(player, 100n, 100n)]);
  await chain.apply(0, 0, [page]);
  await chain.passTime(100);
  const { events } = await chain.apply(0, 1, [settle(page, 0, [outcome(0, 'full')])]);
  expect(rejections(events)).toEqual([]);
});

test('a gap, a split page, a wrong lane and malformed bytes revert the whole batch', async () => {
  const page = open(1, await due(), [bet(player, 1n, 1n), bet(player, 1n, 1n)]);
  const good = encodeBatch([play(player, 1n, 0n)]);
  await chain.apply(0, 0, [play(player, 1n, 0n)]);
  expect(await errorOf(simulate(2, good))).toBe('LaneGap');
  expect(await errorOf(simulate(0, encodeBatch([page])))).toBe('UnitSplit');
  expect(await errorOf(simulate(0, good, 9))).toBe('LaneUnknown');
  expect(await errorOf(simulate(0, good, 1))).toBe('WrongShard');
  expect(await errorOf(simulate(1, encodeBatch([play(lower(other.address), 1n, 0n)])))).toBe(
    'WrongShard',
  );
  const last = refOf('outcome 1').slice(2);
  const settled = encodeBatch([settle(page, 0, [outcome(1, 'lost')])]);
  for (const malformed of [
    `${good}05`,
    `${good}00`,
    good.slice(0, -2),
    `${good}01`,
    `${good}0100`,
    '0x0101',
    `0x0101${player.slice(2)}0000000100`,
    `0x02000000010000000000${'00'.repeat(8)}0201${player.slice(2)}0000000101${'00'.repeat(40)}`,
    `0x02000000010000000000${'00'.repeat(8)}0001${player.slice(2)}0000000100`,
    `0x02000000010000000000${'00'.repeat(8)}0001${player.slice(2)}0000000141${'00'.repeat(2600)}`,
    `0x02000000010000000000${'00'.repeat(8)}0001${player.slice(2)}0000000101${'ff'.repeat(40)}`,
    settled.replace(`0100${last}`, `0104${last}`),
    settled.replace(`0100${last}`, `0200${last}`),
  ]) {
    expect([malformed, await errorOf(simulate(1, malformed as Hex))]).toEqual([
      malformed,
      'MalformedOps',
    ]);
  }
});

test('little gas stops before a unit, never in it, and the rest lands later', async () => {
  const page = open(1, await due(), [bet(player, 1n, 1n), bet(player, 1n, 1n)]);
  const units = [
    ...Array.from({ length: 20 }, () => play(player, 1n, 0n)),
    page,
    settle(page, 20, [outcome(0, 'lost'), outcome(1, 'lost')]),
  ];
  const stops = new Set<number>();
  let tooLow = 0;
  for (let gas = 95_000n; (await chain.next(0)) < 23; gas += 7_000n) {
    expect(gas).toBeLessThan(600_000n);
    const refusal = await errorOf(simulate(0, encodeBatch(units), 0, gas));
    if (refusal === 'GasTooLow') {
      tooLow++;
      continue;
    }
    const { receipt } = await chain.apply(0, 0, units, { gas });
    expect(receipt.status).toBe('success');
    stops.add(await chain.next(0));
  }
  expect(tooLow).toBeGreaterThan(1);
  expect(stops.size).toBeGreaterThan(3);
  expect(stops.has(21)).toBe(false);
  expect((await chain.seatOf(player)).balance).toBe(978n);
});
