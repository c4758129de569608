import { type Address, encodeFunctionData, type Hex } from 'viem';
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { grantTypedData, permitTypedData } from '../../contracts/encoding/grant.ts';
import { betBookAbi } from '../../contracts/generated/betBook.ts';
import { mockTokenAbi } from '../../contracts/generated/mockToken.ts';
import { treasuryAbi } from '../../contracts/generated/treasury.ts';
import { findCall, insertCalls } from '../../ledger/calls.ts';
import type { Executor } from '../executor.ts';
import { startFaultyRpcProxy } from './faultyRpcProxy.ts';
import {
  dieAt,
  executorOn,
  foreignTransaction,
  openStage,
  type Stage,
  startTestChain,
  type TestChain,
  transactionsOf,
  until,
} from './stage.ts';

const AMOUNT_UNITS = 5_000n;

let chain: TestChain;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  chain = await startTestChain();
}, 30_000);

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

afterAll(async () => {
  await chain.node.close();
});

async function stageWithoutPlayers(): Promise<Stage> {
  const stage = await openStage(chain, { players: 0 });
  closing.push(stage.close);
  return stage;
}

async function started(executor: Executor): Promise<Executor> {
  closing.push(executor.stop);
  await executor.start();
  return executor;
}

/** A player with tokens, who has signed a permit and a grant: the two calls that seat them. */
async function seatingCalls(stage: Stage, args: { grantNo?: number } = {}) {
  const player = privateKeyToAccount(generatePrivateKey());
  const hash = await chain.walletClient.writeContract({
    address: stage.contracts.token,
    abi: mockTokenAbi,
    functionName: 'mint',
    args: [player.address, AMOUNT_UNITS],
  });
  await chain.publicClient.waitForTransactionReceipt({ hash });
  const calls = [await depositCall(stage, player), await sitCall(stage, player, args.grantNo ?? 1)];
  return { player: player.address, calls };
}

async function depositCall(stage: Stage, player: PrivateKeyAccount) {
  const { token, treasury } = stage.contracts;
  const [{ timestamp }, tokenName] = await Promise.all([
    chain.publicClient.getBlock(),
    chain.publicClient.readContract({ address: token, abi: mockTokenAbi, functionName: 'name' }),
  ]);
  const deadline = timestamp + 86_400n;
  const permit = permitTypedData({
    chainId: stage.facts.chainId,
    token,
    tokenName,
    tokenVersion: '1',
    owner: player.address,
    spender: treasury,
    value: AMOUNT_UNITS,
    nonce: 0n,
    deadline,
  });
  const data = encodeFunctionData({
    abi: treasuryAbi,
    functionName: 'depositWithPermit',
    args: [player.address, AMOUNT_UNITS, deadline, await player.signTypedData(permit)],
  });
  return { callKey: `deposit:${player.address}`, to: treasury, data };
}

async function sitCall(stage: Stage, player: PrivateKeyAccount, grantNo: number) {
  const { treasury, betBook } = stage.contracts;
  const { timestamp } = await chain.publicClient.getBlock();
  const day = Number(timestamp) + 86_400;
  const grant = {
    operator: stage.facts.operator,
    buyIn: AMOUNT_UNITS,
    topUp: 0n,
    maxStake: 100n,
    expiry: day,
    grantNo,
  };
  const allowing = { expiry: day, nonce: 0, deadline: day };
  const { chainId } = stage.facts;
  const signature = await player.signTypedData(
    grantTypedData({ chainId, treasury, betBook, grant, allowing }),
  );
  const data = encodeFunctionData({
    abi: betBookAbi,
    functionName: 'sit',
    args: [player.address, grant, allowing, signature],
  });
  return { callKey: `sit:${player.address}:${grantNo}`, to: betBook, data };
}

async function relay(stage: Stage, calls: readonly { callKey: string; to: Address; data: Hex }[]) {
  const rows = await insertCalls(stage.ledger, { deployment: stage.deployment, calls });
  return rows.map(({ call }) => call);
}

async function statesOf(stage: Stage, calls: readonly number[]) {
  const rows = await Promise.all(
    calls.map((call) => findCall(stage.ledger, stage.deployment, call)),
  );
  return rows.map((row) => ({ state: row?.state, error: row?.error }));
}

async function settled(stage: Stage, calls: readonly number[]) {
  await until('every call is done or failed', async () =>
    (await statesOf(stage, calls)).every(({ state }) => state === 'done' || state === 'failed'),
  );
  return await statesOf(stage, calls);
}

async function seatBalance(stage: Stage, player: Address): Promise<bigint> {
  const seat = await chain.publicClient.readContract({
    address: stage.contracts.betBook,
    abi: betBookAbi,
    functionName: 'seat',
    args: [player, stage.facts.operator],
  });
  return seat.balance;
}

const DONE = { state: 'done', error: null };

test('a deposit by permit and the grant after it seat the player', async () => {
  const stage = await stageWithoutPlayers();
  const { player, calls } = await seatingCalls(stage);
  const numbers = await relay(stage, calls);
  await started(executorOn(stage));
  expect(await settled(stage, numbers)).toEqual([DONE, DONE]);
  expect(await seatBalance(stage, player)).toBe(AMOUNT_UNITS);
  expect(await relay(stage, calls)).toEqual(numbers);
});

test('many players are seated through an endpoint that loses requests and replies', async () => {
  const stage = await stageWithoutPlayers();
  const seatings: Awaited<ReturnType<typeof seatingCalls>>[] = [];
  for (let index = 0; index < 5; index++) seatings.push(await seatingCalls(stage));
  let request = 0;
  const proxy = await startFaultyRpcProxy({
    target: stage.rpcUrl,
    faultOf: (json) => {
      if (!json.includes('eth_sendRawTransaction')) return 'none';
      request += 1;
      return request % 3 === 1 ? 'lostReply' : request % 3 === 2 ? 'lostRequest' : 'none';
    },
  });
  closing.push(proxy.close);
  for (const { calls } of seatings) await relay(stage, calls);
  await started(executorOn({ ...stage, rpcUrl: proxy.url }));
  for (const { player, calls } of seatings) {
    expect(await settled(stage, await relay(stage, calls))).toEqual([DONE, DONE]);
    expect(await seatBalance(stage, player)).toBe(AMOUNT_UNITS);
  }
  expect(await transactionsOf(stage)).toHaveLength(10);
});

test('killed after sending a call: it is done once', async () => {
  const stage = await stageWithoutPlayers();
  const { player, calls } = await seatingCalls(stage);
  const numbers = await relay(stage, calls);
  await dieAt(stage, 'call.sent');
  await started(executorOn(stage));
  expect(await settled(stage, numbers)).toEqual([DONE, DONE]);
  expect(await seatBalance(stage, player)).toBe(AMOUNT_UNITS);
  expect(await transactionsOf(stage)).toHaveLength(2);
});

test('a foreign transaction used the nonce of a call: it is sent under another once that is final', async () => {
  const stage = await stageWithoutPlayers();
  const { player, calls } = await seatingCalls(stage);
  const numbers = await relay(stage, calls);
  await dieAt(stage, 'send.persisted');
  await foreignTransaction(chain, stage);
  await started(executorOn(stage));
  expect(await settled(stage, numbers)).toEqual([DONE, DONE]);
  expect(await seatBalance(stage, player)).toBe(AMOUNT_UNITS);
});

test('a call that the contract refuses fails with its error and costs no gas', async () => {
  const stage = await stageWithoutPlayers();
  const { calls } = await seatingCalls(stage, { grantNo: 7 });
  const numbers = await relay(stage, calls);
  await started(executorOn(stage));
  expect(await settled(stage, numbers)).toEqual([
    DONE,
    { state: 'failed', error: 'GrantNoMismatch' },
  ]);
  expect(await transactionsOf(stage)).toHaveLength(1);
});

test('what waits for a failed call fails with it', async () => {
  const stage = await stageWithoutPlayers();
  const { calls } = await seatingCalls(stage);
  const [deposit, sit] = calls;
  if (deposit === undefined || sit === undefined) throw new Error('two calls');
  const broken = { ...deposit, data: deposit.data.slice(0, 10) as Hex };
  const numbers = await relay(stage, [broken, sit]);
  await started(executorOn(stage));
  expect(await settled(stage, numbers)).toEqual([
    { state: 'failed', error: 'Reverted' },
    { state: 'failed', error: 'Reverted' },
  ]);
  expect(await transactionsOf(stage)).toEqual([]);
});

test('a reorg undoes a deposit: the same transactions are mined again', async () => {
  const stage = await stageWithoutPlayers();
  const { player, calls } = await seatingCalls(stage);
  const executor = await started(executorOn(stage));
  const snapshot = await chain.testClient.snapshot();
  const numbers = await relay(stage, calls);
  expect(await settled(stage, numbers)).toEqual([DONE, DONE]);
  await chain.testClient.revert({ id: snapshot });
  expect(await seatBalance(stage, player)).toBe(0n);
  await until(
    'the seat is there again',
    async () => (await seatBalance(stage, player)) === AMOUNT_UNITS,
  );
  await until('nothing waits', async () => executor.status().transactionsWaiting === 0);
  expect(await settled(stage, numbers)).toEqual([DONE, DONE]);
});
