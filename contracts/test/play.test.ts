import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readEventId } from '../encoding/message.ts';
import { account, addressOf, codesOf, namesOf, startChain, type TestChain } from './chain.ts';
import { play, refOf } from './units.ts';

const player = addressOf('player');
const other = addressOf('other');
const leaving = addressOf('leaving');
const nobody = addressOf('nobody');

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 1_000n, 500n);
  await chain.sit({ address: other }, 100n, 50n);
  await chain.sit({ address: leaving }, 100n, 50n);
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

const balanceOf = async (address: `0x${string}`) => (await chain.seatOf(address)).balance;

test('a play moves stake and payout at once and says so with both refs', async () => {
  const events = await chain.applyNext([play(player, 100n, 0n), play(player, 100n, 250n)]);
  expect(namesOf(events)).toEqual(['Played', 'Played', 'BatchApplied']);
  expect(readEventId(events[1]?.args.id as bigint)).toEqual({
    operatorNo: 1,
    shard: 0,
    bank: 1,
    seq: 1,
  });
  expect(events[1]?.args).toMatchObject({
    stake: 100n,
    payout: 250n,
    refBet: refOf('bet'),
    refWin: refOf('win'),
  });
  expect(String(events[1]?.args.player).toLowerCase()).toBe(player);
  expect(events[2]?.args).toMatchObject({ lane: chain.lane(0), first: 0, next: 2 });
  expect(await balanceOf(player)).toBe(1_050n);
  expect(await chain.bankOf(1)).toMatchObject({ bankroll: 999_950n, loss: 150n, won: 150n });
});

test('runs of several players and banks, mixed and refused in part, add up', async () => {
  const second = await chain.openBank(500n);
  const events = await chain.applyNext([
    play(player, 10n, 0n),
    play(player, 501n, 0n),
    play(player, 10n, 30n),
    play(other, 50n, 0n),
    play(other, 50n, 0n, second),
    play(other, 1n, 0n),
    play(player, 7n, 8n, second),
    play(player, 7n, 9n),
  ]);
  expect(codesOf(events)).toEqual([2, 3]);
  expect(await balanceOf(player)).toBe(1_000n - 10n + 20n + 1n + 2n);
  expect(await balanceOf(other)).toBe(0n);
  expect((await chain.bankOf(1)).bankroll).toBe(1_000_000n + 10n - 20n + 50n - 2n);
  expect((await chain.bankOf(second)).bankroll).toBe(500n + 50n - 1n);
  expect(events.map(({ args }) => readEventId((args.id ?? 0n) as bigint).seq).slice(0, -1)).toEqual(
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
});

test('255 plays of one player are one run', async () => {
  const events = await chain.applyNext(Array.from({ length: 255 }, () => play(player, 1n, 0n)));
  expect(events).toHaveLength(256);
  expect(await balanceOf(player)).toBe(745n);
});

test('a play is refused with the code of the first check that fails', async () => {
  const small = await chain.openBank(300n, { maxPayout: 450n, stopLoss: 90n });
  const drawn = await chain.openBank(300n, { dayWon: 90n });
  const foreign = await foreignBank();
  const cases = [
    [play(nobody, 0n, 1n), 13],
    [play(nobody, 501n, 600n), 1],
    [play(player, 1_001n, 0n), 2],
    [play(player, 500n, 0n), undefined],
    [play(player, 450n, 0n), undefined],
    [play(player, 51n, 0n, 9), 3],
    [play(player, 50n, 100_001n, 9), 7],
    [play(player, 50n, 51n, 0), 7],
    [play(player, 50n, 51n, foreign), 7],
    [play(player, 50n, 451n, small), 4],
    [play(player, 1n, 0n, small), 7],
    [play(player, 10n, 401n, drawn), 5],
  ] as const;
  for (const [index, [unit, code]] of cases.entries()) {
    const events = await chain.applyNext([unit]);
    expect([index, codesOf(events)]).toEqual([index, code === undefined ? [] : [code]]);
  }
  await chain.betBook.send(chain.admin.address, 'resume', [small]);
  await chain.betBook.send(chain.admin.address, 'resume', [drawn]);
  expect(codesOf(await chain.applyNext([play(player, 10n, 101n, small)]))).toEqual([6]);
  expect(codesOf(await chain.applyNext([play(player, 10n, 101n, drawn)]))).toEqual([6]);
});

test('a net win reaches an ended seat, whatever is left in it; nothing else does', async () => {
  await chain.betBook.send(leaving, 'leave', [chain.registered.operator]);
  await chain.passTime(60);
  await chain.betBook.send(leaving, 'sweep', [leaving, chain.registered.operator]);
  const events = await chain.applyNext([
    play(leaving, 10n, 9n),
    play(leaving, 10n, 10n),
    play(leaving, 51n, 60n),
    play(leaving, 10n, 35n),
  ]);
  expect(codesOf(events)).toEqual([1, 1, 2]);
  expect(await balanceOf(leaving)).toBe(25n);
});

/** A bank of another operator. */
async function foreignBank(): Promise<number> {
  const stranger = account(9).address;
  const limits = { maxPayout: 9n, stopLoss: 9n, dayWon: 9n, dayCredit: 9n, maxHorizon: 9 };
  await chain.betBook.send(stranger, 'registerOperator', [1, [], stranger]);
  const { events } = await chain.betBook.send(stranger, 'openBank', [stranger, stranger, limits]);
  return events[0]?.args.bank as number;
}
