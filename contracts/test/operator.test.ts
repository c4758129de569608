import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeBatch } from '../encoding/batch.ts';
import {
  addressOf,
  codesOf,
  LIMITS,
  lower,
  NOTICE_S,
  startChain,
  type TestChain,
  ZERO_ADDRESS,
  ZERO_HASH,
} from './chain.ts';
import { bet, open, play } from './units.ts';

const HOUR_S = 3_600;
const player = addressOf('player');
const newcomer = addressOf('newcomer');
const stranger = addressOf('stranger');

let chain: TestChain;
let admin: `0x${string}`;
let guardian: `0x${string}`;
let operator: `0x${string}`;
beforeAll(async () => {
  chain = await startChain();
  await chain.sit({ address: player }, 1_000n, 500n);
  admin = chain.admin.address;
  guardian = chain.guardian.address;
  operator = chain.registered.operator;
});
beforeEach(() => chain.reset());
afterAll(() => chain.close());

const operatorOf = () => chain.betBook.read('operator', [operator]);
const readyAt = (executor: `0x${string}`) => chain.betBook.read('executorReadyAt', [1, executor]);
/** What an empty batch of this sender reverts with. */
const batchRefusal = (from: `0x${string}`, lane = chain.lane(0)) =>
  chain.betBook.refusal(from, 'applyBatch', [lane, 0, ZERO_HASH, '0x']);

test('whoever registers is an operator with lanes, admin, guardian and executors at once', async () => {
  const { events, timeS } = await chain.betBook.send(newcomer, 'registerOperator', [
    8,
    [player, stranger],
    guardian,
  ]);
  expect(events.map(({ name }) => name)).toEqual([
    'OperatorRegistered',
    'AdminSet',
    'GuardianSet',
    'ExecutorSet',
    'ExecutorSet',
  ]);
  expect(events[0]?.args).toMatchObject({ operatorNo: 2, shards: 8 });
  expect(events[4]?.args.readyAt).toBe(timeS);
  const registered = await chain.betBook.read('operator', [newcomer]);
  expect({ ...registered, admin: lower(registered.admin) }).toEqual({
    operatorNo: 2,
    shards: 8,
    admin: newcomer,
    pendingAdmin: ZERO_ADDRESS,
    guardian,
    pendingGuardian: ZERO_ADDRESS,
  });
  expect(lower(await chain.betBook.read('operatorOf', [2]))).toBe(newcomer);
  expect(await chain.betBook.read('operatorOf', [3])).toBe(ZERO_ADDRESS);
  expect(await batchRefusal(stranger, (2 << 16) + 7)).toBe('no error');
  expect(await batchRefusal(stranger, (2 << 16) + 8)).toBe('LaneUnknown');
  expect(await batchRefusal(stranger, 3 << 16)).toBe('LaneUnknown');
});

test('a registration is refused once done, for odd shards and for too many executors', async () => {
  const refusal = (from: `0x${string}`, shards: number, executors = 0) =>
    chain.betBook.refusal(from, 'registerOperator', [
      shards,
      Array.from({ length: executors }, (_, index) => addressOf(`executor ${index}`)),
      guardian,
    ]);
  expect(await refusal(operator, 4)).toBe('OperatorExists');
  for (const shards of [0, 3, 6, 65_535]) {
    expect([shards, await refusal(stranger, shards)]).toEqual([shards, 'ShardsInvalid']);
  }
  expect(await refusal(stranger, 32_768)).toBe('no error');
  expect(await refusal(stranger, 1, 65)).toBe('TooManyExecutors');
  expect(await refusal(stranger, 1, 64)).toBe('no error');
});

test('a new executor counts after the notice period, to the second', async () => {
  const { events, timeS } = await chain.betBook.send(admin, 'setExecutor', [
    operator,
    newcomer,
    true,
  ]);
  expect(events[0]?.args.readyAt).toBe(timeS + NOTICE_S);
  expect(await readyAt(newcomer)).toBe(timeS + NOTICE_S);
  await chain.mineAt(timeS + NOTICE_S - 1);
  expect(await batchRefusal(newcomer)).toBe('NotAllowed');
  await chain.mineAt(timeS + NOTICE_S);
  expect(await batchRefusal(newcomer)).toBe('no error');
});

test('an executor is disabled at once, by the admin or the guardian, and is never set twice', async () => {
  const executor = chain.executor.address;
  const refusal = (enabled: boolean, who = executor) =>
    chain.betBook.refusal(admin, 'setExecutor', [operator, who, enabled]);
  expect(await refusal(true)).toBe('ExecutorUnchanged');
  expect(await refusal(false, newcomer)).toBe('ExecutorUnchanged');
  await chain.betBook.send(admin, 'setExecutor', [operator, newcomer, true]);
  expect(await refusal(true, newcomer)).toBe('ExecutorUnchanged');

  const { events } = await chain.betBook.send(admin, 'setExecutor', [operator, executor, false]);
  expect(events[0]).toMatchObject({ name: 'ExecutorSet', args: { readyAt: 0 } });
  expect(await batchRefusal(executor)).toBe('NotAllowed');
  const disabled = await chain.betBook.send(guardian, 'disableExecutor', [operator, newcomer]);
  expect(disabled.events[0]).toMatchObject({ name: 'ExecutorSet', args: { readyAt: 0 } });
  await chain.passTime(NOTICE_S);
  expect(await batchRefusal(newcomer)).toBe('NotAllowed');
  expect(await chain.betBook.refusal(guardian, 'disableExecutor', [operator, newcomer])).toBe(
    'ExecutorUnchanged',
  );
});

test('only an executor of this operator applies batches', async () => {
  await chain.betBook.send(newcomer, 'registerOperator', [1, [newcomer], newcomer]);
  for (const from of [admin, guardian, player, stranger, newcomer]) {
    expect([from, await batchRefusal(from)]).toEqual([from, 'NotAllowed']);
  }
  const ops = encodeBatch([play(player, 1n, 0n)]);
  const call = [(2 << 16) | 0, 0, ZERO_HASH, ops] as const;
  // The other operator's lane knows nothing of the player's seat here.
  const { events } = await chain.betBook.send(newcomer, 'applyBatch', call);
  expect(codesOf(events)).toEqual([1]);
  expect((await chain.seatOf(player)).balance).toBe(1_000n);
});

test('the admin changes in two steps, and can be taken back in between', async () => {
  await chain.betBook.send(admin, 'transferAdmin', [operator, newcomer]);
  expect(lower((await operatorOf()).pendingAdmin)).toBe(newcomer);
  await chain.betBook.send(admin, 'transferAdmin', [operator, ZERO_ADDRESS]);
  expect(await chain.betBook.refusal(newcomer, 'acceptAdmin', [operator])).toBe('NotAllowed');

  await chain.betBook.send(admin, 'transferAdmin', [operator, newcomer]);
  expect(await chain.betBook.refusal(stranger, 'acceptAdmin', [operator])).toBe('NotAllowed');
  const { events } = await chain.betBook.send(newcomer, 'acceptAdmin', [operator]);
  expect(events.map(({ name }) => name)).toEqual(['AdminSet']);
  expect(await operatorOf()).toMatchObject({ pendingAdmin: ZERO_ADDRESS });
  expect(lower((await operatorOf()).admin)).toBe(newcomer);
  expect(await chain.betBook.refusal(newcomer, 'acceptAdmin', [operator])).toBe('NotAllowed');
  expect(await chain.betBook.refusal(admin, 'transferAdmin', [operator, admin])).toBe('NotAllowed');
  await chain.betBook.send(newcomer, 'setExecutor', [operator, stranger, true]);
});

test('the guardian changes in two steps, and can be taken back in between', async () => {
  expect(await chain.betBook.refusal(admin, 'setGuardian', [operator, ZERO_ADDRESS])).toBe(
    'ZeroValue',
  );
  await chain.betBook.send(admin, 'setGuardian', [operator, newcomer]);
  expect(lower((await operatorOf()).pendingGuardian)).toBe(newcomer);
  expect(await chain.betBook.refusal(stranger, 'acceptGuardian', [operator])).toBe('NotAllowed');
  const { events } = await chain.betBook.send(newcomer, 'acceptGuardian', [operator]);
  expect(events.map(({ name }) => name)).toEqual(['GuardianSet']);
  expect(lower((await operatorOf()).guardian)).toBe(newcomer);
  expect((await operatorOf()).pendingGuardian).toBe(ZERO_ADDRESS);
  expect(await chain.betBook.refusal(newcomer, 'acceptGuardian', [operator])).toBe('NotAllowed');
  expect(
    await chain.betBook.refusal(guardian, 'disableExecutor', [operator, chain.executor.address]),
  ).toBe('NotAllowed');
});

test('every call for a role is refused to everybody else, and for unknown operators', async () => {
  const roles = {
    setExecutor: [operator, newcomer, true],
    setGuardian: [operator, newcomer],
    transferAdmin: [operator, newcomer],
    openBank: [operator, newcomer, LIMITS],
    disableExecutor: [operator, chain.executor.address],
    acceptAdmin: [operator],
    acceptGuardian: [operator],
  } as const;
  for (const [name, args] of Object.entries(roles)) {
    const holder = name === 'disableExecutor' ? guardian : name.startsWith('accept') ? '' : admin;
    const refusal = (from: `0x${string}`, changed: readonly unknown[]) =>
      chain.betBook.refusal(from, name as 'setGuardian', changed as never);
    for (const from of [admin, guardian, chain.executor.address, player, stranger]) {
      const expected = from === holder ? 'no error' : 'NotAllowed';
      expect([name, from, await refusal(from, args)]).toEqual([name, from, expected]);
    }
    const unknown = await refusal(admin, [stranger, ...args.slice(1)]);
    expect([name, unknown]).toEqual([name, 'OperatorUnknown']);
  }
});

// -------------------------------------------------------------------------------- pauses

test('a pause stops PLAY and OPEN until its end, to the second', async () => {
  const until = (await chain.nowS()) + HOUR_S;
  const dueS = until + 600;
  const units = [play(player, 1n, 0n), open(0, dueS, [bet(player, 1n, 1n)])];
  const { events } = await chain.betBook.send(guardian, 'pause', [1, until]);
  expect(events).toMatchObject([{ name: 'Paused', args: { bank: 1, until } }]);
  expect((await chain.bankOf(1)).pausedUntil).toBe(until);
  expect(codesOf(await chain.applyNext(units))).toEqual([7, 7]);
  await chain.setNextTime(until - 1);
  expect(codesOf((await chain.apply(0, 2, units)).events)).toEqual([7, 7]);
  await chain.setNextTime(until);
  expect(codesOf((await chain.apply(0, 4, units)).events)).toEqual([]);
});

test('a pause lasts at most 72 hours, and seven days pass before the next', async () => {
  const nowS = await chain.nowS();
  const refusal = (until: number, from = guardian, bank = 1) =>
    chain.betBook.refusal(from, 'pause', [bank, until]);
  expect(await refusal(nowS)).toBe('PauseOutOfRange');
  expect(await refusal(nowS + 72 * HOUR_S + 1)).toBe('PauseOutOfRange');
  expect(await refusal(nowS + 72 * HOUR_S)).toBe('no error');
  expect(await refusal(nowS + 1)).toBe('no error');
  expect(await refusal(nowS + 1, admin)).toBe('NotAllowed');
  expect(await refusal(nowS + 1, stranger, 9)).toBe('BankUnknown');

  const until = nowS + HOUR_S;
  await chain.betBook.send(guardian, 'pause', [1, until]);
  expect(await refusal(until + 1)).toBe('CoolingDown');
  const free = until + 7 * 24 * HOUR_S;
  await chain.mineAt(free - 1);
  expect(await refusal(free + 1)).toBe('CoolingDown');
  await chain.mineAt(free);
  expect(await refusal(free + 1)).toBe('no error');
});
