import type { Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodePreimage, preimageOf } from '../encoding/batch.ts';
import type { OpenUnit } from '../encoding/unit.ts';
import { addressOf, codesOf, namesOf, startChain, type TestChain } from './chain.ts';
import { bet, open, outcome, play, settle } from './units.ts';

const player = addressOf('player');
const other = addressOf('other');
const stranger = addressOf('stranger');

let chain: TestChain;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 1_000n, 500n);
  await chain.sit({ address: other }, 1_000n, 500n);
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

const balanceOf = async (address: Hex) => (await chain.seatOf(address)).balance;
const expiry = (page: OpenUnit, firstSeq: number) =>
  [chain.lane(0), page.slot, encodePreimage(preimageOf(page, firstSeq))] as const;
const pageOf = async (bonded: boolean) =>
  open(
    4,
    (await chain.nowS()) + 600,
    [bet(player, 100n, 30n), bet(other, 50n, 5n), bet(player, 501n, 1n), bet(player, 7n, 3n)],
    bonded,
  );

test('anyone ends the open bets of a page once it is due: stakes go back', async () => {
  const page = await pageOf(false);
  await chain.applyNext([page]);
  await chain.applyNext([settle(page, 0, [outcome(0, 'lost')])]);
  await chain.mineAt(page.dueS - 1);
  expect(await chain.betBook.refusal(stranger, 'expire', expiry(page, 0))).toBe('NotDue');
  await chain.setNextTime(page.dueS);
  const before = await chain.betBook.read('eventCount', []);
  const { events } = await chain.betBook.send(stranger, 'expire', expiry(page, 0));
  expect(events).toMatchObject([
    {
      name: 'Expired',
      args: {
        page: (BigInt(chain.lane(0)) << 32n) | 4n,
        firstSeq: 0,
        mask: 0b1010n,
        bonded: false,
        n: before + 1n,
      },
    },
  ]);
  expect(await balanceOf(player)).toBe(900n);
  expect(await balanceOf(other)).toBe(1_000n);
  expect(await chain.bankOf(1)).toMatchObject({
    bankroll: 1_000_100n,
    reserved: 0n,
    locked: 0n,
    loss: 0n,
    won: 0n,
  });
  expect(await chain.betBook.read('page', [chain.lane(0), 4])).toBe(1n);
  expect(await chain.betBook.refusal(stranger, 'expire', expiry(page, 0))).toBe('PageMismatch');
  const late = await chain.applyNext([settle(page, 0, [outcome(1, 'full')])]);
  expect(codesOf(late)).toEqual([9]);
});

test('an expired bonded page pays its whole reserve, past every limit of the day', async () => {
  const page = await pageOf(true);
  await chain.applyNext([page]);
  const limits = { maxPayout: 0n, stopLoss: 0n, dayWon: 0n, dayCredit: 0n, maxHorizon: 0 };
  await chain.betBook.send(chain.admin.address, 'setLimits', [1, limits]);
  await chain.betBook.send(chain.guardian.address, 'pause', [1, (await chain.nowS()) + 3_600]);
  await chain.mineAt(page.dueS);
  const { events } = await chain.betBook.send(stranger, 'expire', expiry(page, 0));
  expect(events[0]?.args).toMatchObject({ mask: 0b1011n, bonded: true });
  expect(await balanceOf(player)).toBe(1_033n);
  expect(await balanceOf(other)).toBe(1_005n);
  expect(await chain.bankOf(1)).toMatchObject({
    bankroll: 1_000_000n - 38n,
    reserved: 0n,
    locked: 0n,
    loss: 38n,
    won: 38n,
  });
});

test('a page expires only with its own preimage', async () => {
  const page = await pageOf(true);
  await chain.applyNext([page]);
  await chain.mineAt(page.dueS);
  const calls = [
    expiry(page, 1),
    expiry({ ...page, slot: 5 }, 0),
    expiry({ ...page, bonded: false }, 0),
    [chain.lane(1), ...expiry(page, 0).slice(1)] as never,
    [chain.lane(0), page.slot, '0x'] as const,
    [chain.lane(0), page.slot, `${expiry(page, 0)[2]}00`] as const,
    [chain.lane(0), page.slot, expiry(page, 0)[2].slice(0, -2) as Hex] as const,
  ];
  for (const [index, call] of calls.entries()) {
    expect([index, await chain.betBook.refusal(stranger, 'expire', call)]).toEqual([
      index,
      'PageMismatch',
    ]);
  }
});

test('what expires lands in an ended and swept seat', async () => {
  const page = await pageOf(false);
  await chain.applyNext([page]);
  await chain.betBook.send(player, 'leave', [chain.registered.operator]);
  await chain.mineAt(page.dueS);
  await chain.betBook.send(stranger, 'sweep', [player, chain.registered.operator]);
  await chain.betBook.send(stranger, 'expire', expiry(page, 0));
  expect(await balanceOf(player)).toBe(107n);
  await chain.betBook.send(stranger, 'sweep', [player, chain.registered.operator]);
  expect(await chain.available(player)).toBe(1_000n);
  expect(namesOf(await chain.applyNext([page]))).toContain('OpenRejected');
});

test('a bonded page that expires after midnight counts in the new day alone', async () => {
  const midnightS = (Math.floor((await chain.nowS()) / 86_400) + 1) * 86_400;
  await chain.mineAt(midnightS - 300);
  const page = await pageOf(true);
  await chain.applyNext([page, play(player, 10n, 110n), play(player, 1n, 100_002n)]);
  expect(await chain.bankOf(1)).toMatchObject({ loss: 100n, won: 100n, halted: true });
  await chain.mineAt(page.dueS);
  await chain.betBook.send(stranger, 'expire', expiry(page, 0));
  expect(await chain.bankOf(1)).toMatchObject({ loss: 38n, won: 38n, halted: false });
});
