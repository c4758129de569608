import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addressOf, codesOf, namesOf, startChain, type TestChain } from './chain.ts';
import { bet, credit, open, outcome, play, settle } from './units.ts';

const DAY_S = 86_400;
const player = addressOf('player');

let chain: TestChain;
let admin: `0x${string}`;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 10_000n, 5_000n);
  admin = chain.admin.address;
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

/** The first second of the next UTC day. */
const tomorrowS = async () => (Math.floor((await chain.nowS()) / DAY_S) + 1) * DAY_S;

test('the drawdown of the day stops play at stopLoss, and losses make room again', async () => {
  const bank = await chain.openBank(10_000n, { stopLoss: 100n });
  const win = (amount: bigint) => play(player, 10n, 10n + amount, bank);
  const steps = [
    [play(player, 500n, 0n, bank), undefined, 0n],
    [win(100n), undefined, 100n],
    [play(player, 30n, 0n, bank), undefined, 70n],
    [win(30n), undefined, 100n],
    [play(player, 10n, 10n, bank), undefined, 100n],
    [play(player, 10n, 5n, bank), undefined, 95n],
    [win(6n), 6, 95n],
  ] as const;
  for (const [index, [unit, code, loss]] of steps.entries()) {
    const events = await chain.applyNext([unit]);
    expect([index, codesOf(events)]).toEqual([index, code === undefined ? [] : [code]]);
    expect([index, (await chain.bankOf(bank)).loss]).toEqual([index, loss]);
  }
  expect((await chain.bankOf(bank)).halted).toBe(true);
});

test('what players won in the day stops play at dayWon, whatever they lost', async () => {
  const bank = await chain.openBank(10_000n, { dayWon: 100n });
  const events = await chain.applyNext([
    play(player, 10n, 60n, bank),
    play(player, 500n, 0n, bank),
    play(player, 10n, 60n, bank),
    play(player, 10n, 11n, bank),
  ]);
  expect(codesOf(events)).toEqual([6]);
  expect(await chain.bankOf(bank)).toMatchObject({ loss: 50n, won: 100n, halted: true });
});

test('what open bets can win counts against both limits, and settling never waits for them', async () => {
  const dueS = (await chain.nowS()) + 600;
  for (const limit of ['stopLoss', 'dayWon'] as const) {
    const bank = await chain.openBank(10_000n, { [limit]: 100n });
    const first = await chain.next(0);
    const page = open(bank, dueS, [bet(player, 10n, 60n, bank), bet(player, 10n, 40n, bank)]);
    const events = await chain.applyNext([
      page,
      open(99, dueS, [bet(player, 10n, 1n, bank)]),
      play(player, 10n, 10n, bank),
      settle(page, first, [outcome(0, 'full')]),
      open(99, dueS, [bet(player, 10n, 1n, bank)]),
      settle(page, first, [outcome(1, 'full')]),
    ]);
    expect([limit, codesOf(events)]).toEqual([limit, [6, 6]]);
    expect(await chain.bankOf(bank)).toMatchObject({ loss: 100n, won: 100n, reserved: 0n });
    expect((await chain.bankOf(bank)).halted).toBe(false);
    const lost = await chain.applyNext([play(player, 10n, 0n, bank)]);
    expect(codesOf(lost)).toEqual([]);
    expect(await chain.bankOf(bank)).toMatchObject({ loss: 90n, won: 100n });
  }
});

test('a settled bet counts with its net win or loss, a void one not at all', async () => {
  const dueS = (await chain.nowS()) + 600;
  const page = open(0, dueS, [
    bet(player, 100n, 300n),
    bet(player, 100n, 300n),
    bet(player, 100n, 300n),
    bet(player, 100n, 300n),
  ]);
  const steps = [
    [outcome(0, 'full'), { loss: 300n, won: 300n }],
    [outcome(1, 'explicit', 30n), { loss: 230n, won: 300n }],
    [outcome(2, 'void'), { loss: 230n, won: 300n }],
    [outcome(3, 'lost'), { loss: 130n, won: 300n }],
  ] as const;
  await chain.applyNext([page]);
  for (const [result, counters] of steps) {
    await chain.applyNext([settle(page, 0, [result])]);
    expect(await chain.bankOf(1)).toMatchObject(counters);
  }
});

test('all counters of a bank begin anew with the UTC day, halts end with it', async () => {
  const bank = await chain.openBank(10_000n, { stopLoss: 100n, dayCredit: 50n });
  await chain.applyNext([
    play(player, 10n, 110n, bank),
    credit(player, 50n, bank),
    play(player, 10n, 11n, bank),
  ]);
  const counters = { loss: 100n, won: 100n, credited: 50n, halted: true };
  const tomorrow = await tomorrowS();
  await chain.mineAt(tomorrow - 1);
  expect(await chain.bankOf(bank)).toMatchObject(counters);
  await chain.mineAt(tomorrow);
  const fresh = { loss: 0n, won: 0n, credited: 0n, halted: false };
  expect(await chain.bankOf(bank)).toMatchObject(fresh);
  expect(codesOf(await chain.applyNext([credit(player, 50n, bank)]))).toEqual([]);
  expect(await chain.bankOf(bank)).toMatchObject({ ...fresh, credited: 50n });
  const events = await chain.applyNext([
    play(player, 10n, 110n, bank),
    play(player, 10n, 11n, bank),
  ]);
  expect(codesOf(events)).toEqual([6]);
  expect(await chain.bankOf(bank)).toMatchObject(counters);
});

// -------------------------------------------------------------------------------- halts

test('a win refused for the bank’s reasons halts it, after its rejection', async () => {
  const bank = await chain.openBank(1_000n, { maxPayout: 1_500n, stopLoss: 900n });
  const refused = [
    [play(player, 10n, 1_501n, bank), 4],
    [play(player, 10n, 1_011n, bank), 5],
    [play(player, 10n, 911n, bank), 6],
  ] as const;
  for (const [unit, code] of refused) {
    const before = await chain.betBook.read('eventCount', []);
    const events = await chain.applyNext([unit, play(player, 10n, 0n, bank)]);
    expect(namesOf(events)).toEqual(['Rejected', 'Halted', 'Rejected', 'BatchApplied']);
    expect(codesOf(events)).toEqual([code, 7]);
    expect(events[1]?.args).toEqual({ bank, code, n: before + 1n });
    const page = open(0, (await chain.nowS()) + 600, [bet(player, 1n, 1n, bank)]);
    expect(codesOf(await chain.applyNext([page, play(player, 10n, 0n)]))).toEqual([7]);
    const resumed = await chain.betBook.send(admin, 'resume', [bank]);
    expect(namesOf(resumed.events)).toEqual(['Resumed']);
    expect(codesOf(await chain.applyNext([play(player, 10n, 0n, bank)]))).toEqual([]);
    await chain.applyNext([play(player, 1n, 11n, bank)]);
  }
  expect(await chain.betBook.refusal(admin, 'resume', [bank])).toBe('NotHalted');
});

test('nothing else that is refused halts a bank', async () => {
  const bank = await chain.openBank(1_000n, { maxPayout: 100n, dayCredit: 1n });
  const dueS = (await chain.nowS()) + 600;
  const events = await chain.applyNext([
    play(player, 101n, 101n, bank),
    play(player, 5_001n, 6_000n, bank),
    open(0, dueS, [bet(player, 1n, 100n, bank)]),
    open(0, dueS, [bet(player, 1n, 2_000n, bank)]),
    credit(player, 2_000n, bank),
    credit(player, 2n, bank),
  ]);
  expect(codesOf(events)).toEqual([4, 2, 4, 4, 5, 6]);
  expect(namesOf(events)).not.toContain('Halted');
});

test('a halt of yesterday cannot be resumed, it is over', async () => {
  await chain.applyNext([play(player, 1n, 100_001n)]);
  expect((await chain.bankOf(1)).halted).toBe(true);
  await chain.mineAt(await tomorrowS());
  expect(await chain.betBook.refusal(admin, 'resume', [1])).toBe('NotHalted');
  expect(codesOf(await chain.applyNext([play(player, 1n, 2n)]))).toEqual([]);
});
