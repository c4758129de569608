import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  addressOf,
  BANKROLL,
  codesOf,
  LIMITS,
  type Limits,
  lower,
  NOTICE_S,
  namesOf,
  startChain,
  type TestChain,
  ZERO_ADDRESS,
} from './chain.ts';
import { bet, open, outcome, play, settle } from './units.ts';

const player = addressOf('player');
const newcomer = addressOf('newcomer');
const stranger = addressOf('stranger');
const NO_LIMITS: Limits = { maxPayout: 0n, stopLoss: 0n, dayWon: 0n, dayCredit: 0n, maxHorizon: 0 };

let chain: TestChain;
let admin: `0x${string}`;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 1_000n, 500n);
  admin = chain.admin.address;
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

const limitsOf = () => chain.betBook.read('limits', [1]);
const pendingOf = () => chain.betBook.read('pendingLimits', [1]);
const refusal = (
  name: 'fund' | 'resume' | 'requestExit' | 'cancelExit' | 'completeExit' | 'acceptBankAdmin',
  args: readonly unknown[],
  from = admin,
) => chain.betBook.refusal(from, name, args as never);

test('a bank opens with its limits at once, and holds what its admin funds', async () => {
  const call = [chain.registered.operator, newcomer, LIMITS] as const;
  const { events, timeS } = await chain.betBook.send(admin, 'openBank', call);
  expect(namesOf(events)).toEqual(['BankOpened', 'PayoutSet', 'LimitsSet']);
  expect(events[1]?.args).toMatchObject({ bank: 2, exitAt: 0 });
  expect(events[2]?.args).toMatchObject({ ...LIMITS, readyAt: timeS });
  expect(await chain.betBook.read('limits', [2])).toEqual(LIMITS);
  const bank = await chain.bankOf(2);
  expect({ ...bank, admin: lower(bank.admin), payout: lower(bank.payout) }).toEqual({
    operatorNo: 1,
    admin: newcomer,
    pendingAdmin: ZERO_ADDRESS,
    payout: newcomer,
    bankroll: 0n,
    reserved: 0n,
    locked: 0n,
    exiting: 0n,
    exitAt: 0,
    pausedUntil: 0,
    halted: false,
    loss: 0n,
    won: 0n,
    credited: 0n,
  });
  await chain.provide({ address: newcomer }, 500n);
  const funded = await chain.betBook.send(newcomer, 'fund', [2, 500n]);
  expect(namesOf(funded.events).sort()).toEqual(['BankFunded', 'Pulled']);
  expect((await chain.bankOf(2)).bankroll).toBe(500n);
  expect(await chain.betBook.read('solvency', [])).toEqual([1_001_500n, 1_001_500n]);
  expect(await refusal('fund', [2, 1n], newcomer)).toBe('AllowanceShort');
  expect(await refusal('fund', [2, 0n], newcomer)).toBe('ZeroValue');
  const nobody = [chain.registered.operator, ZERO_ADDRESS, LIMITS] as const;
  expect(await chain.betBook.refusal(admin, 'openBank', nobody)).toBe('ZeroValue');
});

test('an unknown bank has no limits and no money', async () => {
  expect(await chain.betBook.read('limits', [9])).toEqual(NO_LIMITS);
  expect(await chain.betBook.read('pendingLimits', [9])).toEqual([NO_LIMITS, 0]);
  expect(await chain.bankOf(9)).toMatchObject({ operatorNo: 0, admin: ZERO_ADDRESS });
});

test('every call for a bank is refused to everybody but its admin, and for unknown banks', async () => {
  await chain.betBook.send(admin, 'requestExit', [1, 1n]);
  const calls = {
    fund: [1, 1n],
    setLimits: [1, LIMITS],
    resume: [1],
    setPayout: [1, newcomer],
    requestExit: [1, 1n],
    cancelExit: [1],
    completeExit: [1],
    transferBankAdmin: [1, newcomer],
    acceptBankAdmin: [1],
  } as const;
  const outsiders = [chain.guardian.address, chain.executor.address, player, stranger];
  for (const [name, args] of Object.entries(calls)) {
    for (const from of outsiders) {
      const error = await refusal(name as 'fund', args, from);
      expect([name, from, error]).toEqual([name, from, 'NotAllowed']);
    }
    expect([name, await refusal(name as 'fund', [9, ...args.slice(1)])]).toEqual([
      name,
      'BankUnknown',
    ]);
  }
});

test('the admin of a bank changes in two steps, and can be taken back in between', async () => {
  await chain.betBook.send(admin, 'transferBankAdmin', [1, newcomer]);
  expect(lower((await chain.bankOf(1)).pendingAdmin)).toBe(newcomer);
  await chain.betBook.send(admin, 'transferBankAdmin', [1, ZERO_ADDRESS]);
  expect(await refusal('acceptBankAdmin', [1], newcomer)).toBe('NotAllowed');
  await chain.betBook.send(admin, 'transferBankAdmin', [1, newcomer]);
  const { events } = await chain.betBook.send(newcomer, 'acceptBankAdmin', [1]);
  expect(namesOf(events)).toEqual(['BankAdminSet']);
  const bank = await chain.bankOf(1);
  expect([lower(bank.admin), bank.pendingAdmin]).toEqual([newcomer, ZERO_ADDRESS]);
  // Exits go where they went: the new admin says so if they should not.
  expect(bank.payout).toBe(admin);
  expect(await refusal('requestExit', [1, 1n])).toBe('NotAllowed');
});

// -------------------------------------------------------------------------------- limits

test('lowered limits count at once, raised ones after the notice period', async () => {
  const lowered = { ...LIMITS, maxPayout: 90_000n, maxHorizon: 60 };
  const first = await chain.betBook.send(admin, 'setLimits', [1, lowered]);
  expect(first.events[0]?.args).toMatchObject({ ...lowered, readyAt: first.timeS });
  expect(await limitsOf()).toEqual(lowered);
  expect(await pendingOf()).toEqual([NO_LIMITS, 0]);

  const mixed = { ...LIMITS, maxPayout: 95_000n, dayWon: 1_000n, maxHorizon: 60 };
  const second = await chain.betBook.send(admin, 'setLimits', [1, mixed]);
  const readyAt = second.timeS + NOTICE_S;
  expect(second.events[0]?.args).toMatchObject({ ...mixed, readyAt });
  expect(await limitsOf()).toEqual({ ...mixed, maxPayout: 90_000n });
  expect(await pendingOf()).toEqual([mixed, readyAt]);
  await chain.mineAt(readyAt - 1);
  expect(await limitsOf()).toEqual({ ...mixed, maxPayout: 90_000n });
  await chain.mineAt(readyAt);
  expect(await limitsOf()).toEqual(mixed);
  expect(await pendingOf()).toEqual([NO_LIMITS, 0]);
});

test('each single limit that is raised waits', async () => {
  for (const name of ['maxPayout', 'stopLoss', 'dayWon', 'dayCredit'] as const) {
    const raised = { ...LIMITS, [name]: LIMITS[name] + 1n };
    await chain.betBook.send(admin, 'setLimits', [1, raised]);
    expect([name, await limitsOf()]).toEqual([name, LIMITS]);
    expect((await pendingOf())[0]).toEqual(raised);
  }
  const raised = { ...LIMITS, maxHorizon: LIMITS.maxHorizon + 1 };
  await chain.betBook.send(admin, 'setLimits', [1, raised]);
  expect(await limitsOf()).toEqual(LIMITS);
  await chain.passTime(NOTICE_S);
  expect(await limitsOf()).toEqual(raised);
});

test('new limits replace announced ones: before they are ready, and after', async () => {
  const raised = { ...LIMITS, maxPayout: 200_000n };
  await chain.betBook.send(admin, 'setLimits', [1, raised]);
  await chain.betBook.send(admin, 'setLimits', [1, LIMITS]);
  expect(await pendingOf()).toEqual([NO_LIMITS, 0]);
  await chain.passTime(NOTICE_S);
  expect(await limitsOf()).toEqual(LIMITS);

  await chain.betBook.send(admin, 'setLimits', [1, raised]);
  await chain.passTime(NOTICE_S);
  const between = { ...LIMITS, maxPayout: 150_000n };
  await chain.betBook.send(admin, 'setLimits', [1, between]);
  expect(await limitsOf()).toEqual(between);
  await chain.passTime(NOTICE_S);
  expect(await limitsOf()).toEqual(between);
});

test('batches obey the limits that count in their block', async () => {
  await chain.betBook.send(admin, 'setLimits', [1, { ...LIMITS, maxPayout: 100n }]);
  const wins = play(player, 1n, 101n);
  const opens = open(0, (await chain.nowS()) + 600, [bet(player, 1n, 100n)]);
  expect(codesOf(await chain.applyNext([opens, wins]))).toEqual([4, 4]);
  await chain.betBook.send(admin, 'resume', [1]);
  const raise = await chain.betBook.send(admin, 'setLimits', [1, { ...LIMITS, maxPayout: 101n }]);
  await chain.setNextTime(raise.timeS + NOTICE_S - 1);
  expect(codesOf((await chain.apply(0, 2, [opens])).events)).toEqual([4]);
  await chain.setNextTime(raise.timeS + NOTICE_S);
  expect(codesOf((await chain.apply(0, 3, [opens, wins])).events)).toEqual([]);
});

// -------------------------------------------------------------------------------- exits

test('an exit takes the notice period and goes to the payout address', async () => {
  const requested = await chain.betBook.send(admin, 'requestExit', [1, 400n]);
  const exitAt = requested.timeS + NOTICE_S;
  expect(requested.events[0]).toMatchObject({
    name: 'ExitRequested',
    args: { bank: 1, amount: 400n, exitAt },
  });
  expect(await chain.bankOf(1)).toMatchObject({ exiting: 400n, exitAt, bankroll: BANKROLL });
  await chain.mineAt(exitAt - 1);
  expect(await refusal('completeExit', [1])).toBe('ExitTooEarly');
  await chain.setNextTime(exitAt);
  const { events } = await chain.betBook.send(admin, 'completeExit', [1]);
  expect(namesOf(events).sort()).toEqual(['BankExited', 'Pushed']);
  expect(await chain.available(admin)).toBe(400n);
  expect(await chain.bankOf(1)).toMatchObject({
    exiting: 0n,
    exitAt: 0,
    bankroll: BANKROLL - 400n,
  });
  expect(await refusal('completeExit', [1])).toBe('NotExiting');
  expect(await refusal('cancelExit', [1])).toBe('NotExiting');
  expect(await refusal('requestExit', [1, 0n])).toBe('ZeroValue');
});

test('a request replaces the one before, its time too; cancelling ends it', async () => {
  await chain.betBook.send(admin, 'requestExit', [1, 400n]);
  await chain.passTime(NOTICE_S);
  const again = await chain.betBook.send(admin, 'requestExit', [1, 700n]);
  expect(await chain.bankOf(1)).toMatchObject({ exiting: 700n, exitAt: again.timeS + NOTICE_S });
  expect(await refusal('completeExit', [1])).toBe('ExitTooEarly');
  const { events } = await chain.betBook.send(admin, 'cancelExit', [1]);
  expect(namesOf(events)).toEqual(['ExitCancelled']);
  expect(await chain.bankOf(1)).toMatchObject({ exiting: 0n, exitAt: 0 });
});

test('what is exiting backs no new OPEN, but pays wins, and only what is free leaves', async () => {
  const small = await chain.openBank(1_000n);
  const dueS = (await chain.nowS()) + 600;
  const page = open(0, dueS, [bet(player, 1n, 600n, small)]);
  await chain.applyNext([page]);
  await chain.betBook.send(admin, 'requestExit', [small, 900n]);
  const refused = open(1, dueS, [bet(player, 1n, 1n, small)]);
  expect(codesOf(await chain.applyNext([refused, play(player, 1n, 101n, small)]))).toEqual([5]);
  await chain.passTime(NOTICE_S);
  await chain.betBook.send(admin, 'completeExit', [small]);
  expect(await chain.bankOf(small)).toMatchObject({ bankroll: 600n, exiting: 600n });
  expect((await chain.bankOf(small)).exitAt).toBeGreaterThan(0);
  expect(await refusal('completeExit', [small])).toBe('AllReserved');
  await chain.applyNext([settle(page, 0, [outcome(0, 'lost')])]);
  await chain.betBook.send(admin, 'completeExit', [small]);
  expect(await chain.bankOf(small)).toMatchObject({ bankroll: 1n, exiting: 0n, exitAt: 0 });
  expect(await chain.available(admin)).toBe(900n);
});

test('a request above the bankroll takes what there is, and what comes later', async () => {
  const small = await chain.openBank(100n);
  await chain.betBook.send(admin, 'requestExit', [small, 2n ** 96n - 1n]);
  await chain.passTime(NOTICE_S);
  await chain.betBook.send(admin, 'completeExit', [small]);
  expect((await chain.bankOf(small)).bankroll).toBe(0n);
  expect(await refusal('completeExit', [small])).toBe('AllReserved');
  await chain.applyNext([play(player, 30n, 0n, small)]);
  const { events } = await chain.betBook.send(admin, 'completeExit', [small]);
  expect(events.find(({ name }) => name === 'BankExited')?.args.amount).toBe(30n);
});

test('a new payout address delays an exit that is under way by a whole notice period', async () => {
  expect(await chain.betBook.refusal(admin, 'setPayout', [1, ZERO_ADDRESS])).toBe('ZeroValue');
  const idle = await chain.betBook.send(admin, 'setPayout', [1, newcomer]);
  expect(idle.events[0]?.args).toMatchObject({ bank: 1, exitAt: 0 });
  await chain.betBook.send(admin, 'requestExit', [1, 400n]);
  await chain.passTime(NOTICE_S);
  const { events, timeS } = await chain.betBook.send(admin, 'setPayout', [1, stranger]);
  expect(events[0]?.args).toMatchObject({ bank: 1, exitAt: timeS + NOTICE_S });
  expect(await refusal('completeExit', [1])).toBe('ExitTooEarly');
  await chain.passTime(NOTICE_S);
  await chain.betBook.send(admin, 'completeExit', [1]);
  expect(await chain.available(stranger)).toBe(400n);
});
