import type { Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readEventId } from '../encoding/message.ts';
import {
  addressOf,
  codesOf,
  namesOf,
  startChain,
  type TestChain,
  type TestEvent,
} from './chain.ts';
import { bet, credit, finish, open, play, ROUND, refOf, release, topUp } from './units.ts';

const player = addressOf('player');
const leaving = addressOf('leaving');
const nobody = addressOf('nobody');

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 1_000n, 500n, { topUp: 300n });
  await chain.sit({ address: leaving }, 100n, 50n, { topUp: 300n });
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

const balanceOf = async (address: Hex) => (await chain.seatOf(address)).balance;
const topUpLeft = (address: Hex) =>
  chain.betBook.read('topUpLeft', [address, chain.registered.operator]);
const idOf = (event: TestEvent | undefined) => readEventId(event?.args.id as bigint);
const end = async () => {
  await chain.betBook.send(leaving, 'leave', [chain.registered.operator]);
  await chain.passTime(60);
};

// -------------------------------------------------------------------------------- CREDIT

test('a credit pays a win without a bet, into an ended seat too', async () => {
  await end();
  const events = await chain.applyNext([
    credit(player, 77n),
    credit(leaving, 3n),
    credit(player, 0n),
  ]);
  expect(namesOf(events)).toEqual(['Credited', 'Credited', 'Credited', 'BatchApplied']);
  expect(events[0]?.args).toMatchObject({ amount: 77n, ref: refOf('credit') });
  expect(idOf(events[0])).toEqual({ operatorNo: 1, shard: 0, bank: 1, seq: 0 });
  expect(await balanceOf(player)).toBe(1_077n);
  expect(await balanceOf(leaving)).toBe(103n);
  expect(await chain.bankOf(1)).toMatchObject({
    bankroll: 999_920n,
    credited: 80n,
    loss: 0n,
    won: 0n,
  });
});

test('a credit is refused with the code of the first check that fails', async () => {
  const small = await chain.openBank(300n, { dayCredit: 100n });
  const cases = [
    [credit(nobody, 301n, 9), 1],
    [credit(player, 301n, 9), 7],
    [credit(player, 301n, 0), 7],
    [credit(player, 301n, small), 5],
    [credit(player, 101n, small), 6],
    [credit(player, 60n, small), undefined],
    [credit(player, 41n, small), 6],
    [credit(player, 40n, small), undefined],
  ] as const;
  for (const [index, [unit, code]] of cases.entries()) {
    const events = await chain.applyNext([unit]);
    expect([index, codesOf(events)]).toEqual([index, code === undefined ? [] : [code]]);
    expect(namesOf(events)).not.toContain('Halted');
  }
  await chain.passTime(86_400);
  expect(codesOf(await chain.applyNext([credit(player, 100n, small)]))).toEqual([]);
});

test('a credit is paid by a paused and by a halted bank', async () => {
  const small = await chain.openBank(300n);
  expect(codesOf(await chain.applyNext([play(player, 1n, 302n, small)]))).toEqual([5]);
  await chain.betBook.send(chain.guardian.address, 'pause', [small, (await chain.nowS()) + 60]);
  expect(codesOf(await chain.applyNext([credit(player, 300n, small)]))).toEqual([]);
  expect((await chain.bankOf(small)).bankroll).toBe(0n);
});

test('a credit never pays what is reserved for open bets', async () => {
  const small = await chain.openBank(300n);
  const dueS = (await chain.nowS()) + 600;
  const events = await chain.applyNext([
    open(0, dueS, [bet(player, 1n, 250n, small)]),
    credit(player, 51n, small),
    credit(player, 50n, small),
  ]);
  expect(codesOf(events)).toEqual([5]);
  expect(await chain.bankOf(small)).toMatchObject({ bankroll: 250n, reserved: 250n });
});

// -------------------------------------------------------------------------------- FINISH

test('a finish says that the round is over, whatever its bank', async () => {
  const events = await chain.applyNext([finish(), finish(9)]);
  expect(namesOf(events)).toEqual(['RoundFinalized', 'RoundFinalized', 'BatchApplied']);
  expect(idOf(events[1])).toEqual({ operatorNo: 1, shard: 0, bank: 9, seq: 1 });
  expect(events[0]?.args.round).toBe(ROUND);
});

// -------------------------------------------------------------------------------- TOPUP

test('a top-up moves free balance into the seat, up to what the grant says', async () => {
  expect(await topUpLeft(player)).toBe(300n);
  const { receipt, events } = await chain.apply(0, 0, [topUp(player, 120n)]);
  expect(namesOf(events)).toEqual(['Pulled', 'ToppedUp', 'BatchApplied']);
  expect(receipt.logs[0]?.address).toBe(chain.treasury.address);
  expect(idOf(events[1])).toEqual({ operatorNo: 1, shard: 0, bank: 0, seq: 0 });
  expect(events[1]?.args).toMatchObject({ amount: 120n, ref: refOf('top-up') });
  expect(await balanceOf(player)).toBe(1_120n);
  expect(await topUpLeft(player)).toBe(180n);
  expect(await chain.available(player)).toBe(180n);
  expect(codesOf(await chain.applyNext([topUp(player, 181n)]))).toEqual([15]);
  expect(codesOf(await chain.applyNext([topUp(player, 180n)]))).toEqual([]);
  expect(codesOf(await chain.applyNext([topUp(player, 1n)]))).toEqual([15]);
});

test('a top-up is refused without a live seat, and wherever the Treasury refuses', async () => {
  expect(codesOf(await chain.applyNext([topUp(player, 0n)]))).toEqual([15]);
  expect(codesOf(await chain.applyNext([topUp(nobody, 1n)]))).toEqual([1]);
  await chain.treasury.send(player, 'withdraw', [player, 200n]);
  expect(codesOf(await chain.applyNext([topUp(player, 101n)]))).toEqual([15]);
  expect(codesOf(await chain.applyNext([topUp(player, 100n)]))).toEqual([]);
  await chain.provide({ address: player }, 100n);
  await chain.treasury.send(player, 'allow', [chain.betBook.address, 0n, 0]);
  const events = await chain.applyNext([topUp(player, 1n), play(player, 1n, 0n)]);
  expect(namesOf(events)).toEqual(['Rejected', 'Played', 'BatchApplied']);
  expect(idOf(events[0])).toEqual({ operatorNo: 1, shard: 0, bank: 0, seq: 4 });
  await end();
  expect(codesOf(await chain.applyNext([topUp(leaving, 1n)]))).toEqual([1]);
});

test('a top-up is bounded by the grant, however much the Treasury would give', async () => {
  await chain.provide({ address: player }, 1_000n);
  expect(codesOf(await chain.applyNext([topUp(player, 301n)]))).toEqual([15]);
  expect(codesOf(await chain.applyNext([topUp(player, 300n), topUp(player, 1n)]))).toEqual([15]);
});

test('what may be topped up belongs to one grant', async () => {
  await end();
  expect(await topUpLeft(leaving)).toBe(300n);
  await chain.sit({ address: leaving }, 10n, 5n);
  expect(await topUpLeft(leaving)).toBe(0n);
  expect(codesOf(await chain.applyNext([topUp(leaving, 1n)]))).toEqual([15]);
  expect(await chain.betBook.read('topUpLeft', [nobody, chain.registered.operator])).toBe(0n);
});

// -------------------------------------------------------------------------------- RELEASE

test('a release ends the seat in lane order, then anyone sweeps', async () => {
  const events = await chain.applyNext([
    play(player, 10n, 0n),
    release(player),
    play(player, 10n, 0n),
    release(player),
    play(player, 10n, 15n),
  ]);
  expect(namesOf(events)).toEqual([
    'Played',
    'Released',
    'Rejected',
    'Rejected',
    'Played',
    'BatchApplied',
  ]);
  expect(codesOf(events)).toEqual([1, 1]);
  expect(idOf(events[1])).toEqual({ operatorNo: 1, shard: 0, bank: 0, seq: 1 });
  expect(events[1]?.args.ref).toBe(refOf('release'));
  expect((await chain.seatOf(player)).expiry).toBe(events[1]?.timeS);
  await chain.betBook.send(nobody, 'sweep', [player, chain.registered.operator]);
  expect(await chain.available(player)).toBe(300n + 995n);
  expect(codesOf(await chain.applyNext([release(nobody)]))).toEqual([1]);
});
