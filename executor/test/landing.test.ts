import { toHex } from 'viem';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { shardOf } from '../../contracts/encoding/message.ts';
import type { Unit } from '../../contracts/encoding/unit.ts';
import { plannedNumbers } from '../../ledger/items.ts';
import type { Executor } from '../executor.ts';
import { createLocalSigner } from '../signer.ts';
import { type Fault, startFaultyRpcProxy } from './faultyRpcProxy.ts';
import {
  dieAt,
  eventNames,
  executorOn,
  expectedRefs,
  foreignTransaction,
  landedRefs,
  lanesOnChain,
  numberBets,
  numberUnits,
  openStage,
  type Stage,
  startTestChain,
  type TestChain,
  transactionsOf,
  until,
} from './stage.ts';

const SEED = Number(process.env.CROUPIER_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

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

async function stageOf(players: number): Promise<Stage> {
  const stage = await openStage(chain, { players });
  closing.push(stage.close);
  return stage;
}

async function started(executor: Executor): Promise<Executor> {
  closing.push(executor.stop);
  await executor.start();
  return executor;
}

async function allLanded(stage: Stage): Promise<void> {
  const planned = await plannedNumbers(stage.ledger, stage.deployment);
  await until('every lane has what was planned', async () => {
    const next = await lanesOnChain(chain, stage);
    return next.every((number, lane) => number === planned.get(lane));
  });
}

test('planned bets land once each, in order, and their transactions become final', async () => {
  const stage = await stageOf(8);
  const units = await numberBets(stage, 400);
  const executor = await started(executorOn(stage));
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
  await until('all transactions are final', async () => {
    const rows = await transactionsOf(stage);
    return rows.length > 0 && rows.every(({ state, status }) => state === 'final' && status === 1);
  });
  expect(executor.status()).toMatchObject({
    state: 'running',
    transactionsWaiting: 0,
    error: null,
  });
});

test('every op lands in a batch of its own within the gas that its bound allows', async () => {
  const stage = await stageOf(4);
  const player = stage.players.find((address) => shardOf(address, 4) === 0);
  if (!player) throw new Error('got no player of lane 0, expected one');
  const { bank } = stage;
  let refs = 0;
  const ref = () => toHex(++refs, { size: 16 });
  const round = '0x0102030405060708' as const;
  const leaf = { player, bank, stakeUnits: 10n, profitUnits: 5n };
  const dueS = Math.floor(Date.now() / 1000) + 86_400;
  const page = { slot: 0, dueS, round, bonded: false };
  const play = () => ({
    ...{ op: 'play' as const, player, bank, stakeUnits: 10n, payoutUnits: 12n },
    ...{ refBet: ref(), refWin: ref() },
  });
  const credit = () => ({ op: 'credit' as const, player, bank, amountUnits: 3n, ref: ref() });
  const everyUnit = (firstSeq: number): Unit[] => [
    { op: 'open', ...page, bets: Array.from({ length: 64 }, () => ({ ...leaf, ref: ref() })) },
    {
      ...{ op: 'settle', slot: 0 },
      preimage: { firstSeq, ...page, bets: Array.from({ length: 64 }, () => leaf) },
      outcomes: Array.from({ length: 64 }, (_, offset) => ({ offset, code: 'full', ref: ref() })),
    },
    credit(),
    { op: 'finish', bank, round },
    { op: 'topUp', player, amountUnits: 40n, ref: ref() },
    { op: 'group', player, units: Array.from({ length: 4 }, () => [play(), credit()]).flat() },
    play(),
    { op: 'release', player, ref: ref() },
  ];
  await numberUnits(stage, 0, everyUnit);
  const one = await started(executorOn(stage, { limits: { batchGasMax: 1n } }));
  await allLanded(stage);
  await one.stop();
  const rows = await transactionsOf(stage);
  expect(rows.filter(({ first_seq }) => first_seq !== null)).toHaveLength(8);
  for (const { status } of rows) expect(status).toBe(1);
  expect(await eventNames(chain, stage)).toEqual({
    ...{ BatchApplied: 8, Closed: 1, Credited: 5, Opened: 64, Played: 5, Released: 1 },
    ...{ RoundFinalized: 1, Settled: 64, ToppedUp: 1 },
  });
});

test('a hostile endpoint (lost replies, lost requests, 429, 500, garbage) changes nothing', async () => {
  console.info(`seed ${SEED}`);
  const random = seededRandom(SEED);
  const kinds: Fault[] = [
    'lostReply',
    'lostRequest',
    'tooManyRequests',
    'serverError',
    'slow',
    'garbage',
  ];
  const stage = await stageOf(8);
  const proxy = await startFaultyRpcProxy({
    target: stage.rpcUrl,
    faultOf: (request) => {
      const odds = request.includes('eth_sendRawTransaction') ? 0.6 : 0.06;
      return random() < odds ? (kinds[Math.floor(random() * kinds.length)] ?? 'none') : 'none';
    },
  });
  closing.push(proxy.close);
  const limits = { batchGasMax: 700_000n };
  const first = await numberBets(stage, 300);
  await started(executorOn({ ...stage, rpcUrl: proxy.url }, { limits }));
  await allLanded(stage);
  const units = [...first, ...(await numberBets(stage, 300, 300))];
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
  const { none, ...met } = proxy.faults;
  expect(Object.values(met).reduce((sum, count) => sum + count)).toBeGreaterThan(5);
  await until('no transaction stays open', async () =>
    (await transactionsOf(stage)).every(({ state }) => state === 'final' || state === 'superseded'),
  );
}, 40_000);

test('the network eats every reply to a send: each bet still lands once', async () => {
  const stage = await stageOf(4);
  const proxy = await startFaultyRpcProxy({
    target: stage.rpcUrl,
    faultOf: (request) => (request.includes('eth_sendRawTransaction') ? 'lostReply' : 'none'),
  });
  closing.push(proxy.close);
  const units = await numberBets(stage, 40);
  await started(executorOn({ ...stage, rpcUrl: proxy.url }));
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
  expect(await transactionsOf(stage)).toHaveLength(4);
});

test('killed after persisting, before sending: the same bytes are sent after the restart', async () => {
  const stage = await stageOf(4);
  const units = await numberBets(stage, 40);
  await dieAt(stage, 'send.persisted');
  const persisted = await transactionsOf(stage);
  expect(persisted.map(({ state }) => state)).toEqual(['signed', 'signed', 'signed', 'signed']);
  expect(await lanesOnChain(chain, stage)).toEqual([0, 0, 0, 0]);
  await started(executorOn(stage));
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
  expect((await transactionsOf(stage)).map(({ hash }) => hash)).toEqual(
    persisted.map(({ hash }) => hash),
  );
});

test('killed when the first of several transactions was sent: all land once after the restart', async () => {
  const stage = await stageOf(4);
  const units = await numberBets(stage, 40);
  await dieAt(stage, 'send.sent');
  await started(executorOn(stage));
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
});

test('a foreign transaction used a persisted nonce: its items land under another one', async () => {
  const stage = await stageOf(4);
  const units = await numberBets(stage, 40);
  await dieAt(stage, 'send.persisted');
  await foreignTransaction(chain, stage);
  await started(executorOn(stage));
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
  await until('the overtaken transaction is known as superseded', async () => {
    const states = (await transactionsOf(stage)).map(({ state }) => state).toSorted();
    return JSON.stringify(states) === JSON.stringify([...Array(4).fill('final'), 'superseded']);
  });
});

test('a reorg below final on a dev chain: what was final is sent again and lands once', async () => {
  const stage = await stageOf(8);
  const first = await numberBets(stage, 80);
  await started(executorOn(stage));
  await allLanded(stage);
  const snapshot = await chain.testClient.snapshot();
  const second = await numberBets(stage, 160, 80);
  await allLanded(stage);
  await until('the second batches are final', async () =>
    (await transactionsOf(stage)).every(({ state }) => state === 'final'),
  );
  const before = await lanesOnChain(chain, stage);
  await chain.testClient.revert({ id: snapshot });
  expect(await lanesOnChain(chain, stage)).not.toEqual(before);
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs([...first, ...second]));
});

test('a reorg that drops a foreign transaction leaves a gap in the nonces: it is filled', async () => {
  const stage = await stageOf(4);
  const snapshot = await chain.testClient.snapshot();
  await foreignTransaction(chain, stage);
  const units = await numberBets(stage, 40);
  await started(executorOn(stage));
  await allLanded(stage);
  await chain.testClient.revert({ id: snapshot });
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
});

test('a second executor waits until the first has stopped, then carries on', async () => {
  const stage = await stageOf(4);
  const first = await started(executorOn(stage, { holder: 'first' }));
  const second = executorOn(stage, { holder: 'second' });
  closing.push(second.stop);
  const secondStarted = second.start();
  await until('the second was refused', async () => second.status().state === 'waiting');
  const units = await numberBets(stage, 40);
  await first.stop();
  await secondStarted;
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
});

test('an executor that was cut off for too long finds its leases taken and signs nothing more', async () => {
  const stage = await stageOf(4);
  let isCutOff = false;
  const proxy = await startFaultyRpcProxy({
    target: stage.rpcUrl,
    faultOf: () => (isCutOff ? 'lostRequest' : 'none'),
  });
  closing.push(proxy.close);
  const limits = { leaseTtlMs: 300 };
  const first = await started(
    executorOn({ ...stage, rpcUrl: proxy.url }, { holder: 'first', limits }),
  );
  isCutOff = true;
  const units = await numberBets(stage, 40);
  await started(executorOn(stage, { holder: 'second', limits }));
  isCutOff = false;
  await until('the first noticed', async () => first.status().state === 'waiting');
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
  expect(await transactionsOf(stage)).toHaveLength(4);
});

test('a base fee above the ceiling is waited out and said', async () => {
  const stage = await stageOf(4);
  await numberBets(stage, 4);
  const executor = await started(executorOn(stage, { fees: { ceilingWei: 1n, tipWei: 1n } }));
  await until('the status names it', async () => executor.status().error !== null);
  expect(executor.status().error).toMatchObject({
    code: 'EXECUTOR_FEE_CEILING',
    errorClass: 'retryable',
  });
  expect(await transactionsOf(stage)).toEqual([]);
});

test('an empty signer says that its funds are short, and works once it has some', async () => {
  const stage = await stageOf(4);
  await chain.testClient.setBalance({ address: stage.signer.address, value: 0n });
  const units = await numberBets(stage, 4);
  const executor = await started(executorOn(stage));
  await until('the status names it', async () => executor.status().error !== null);
  expect(executor.status().error?.code).toBe('EXECUTOR_FUNDS_SHORT');
  await chain.testClient.setBalance({ address: stage.signer.address, value: 10n ** 20n });
  await allLanded(stage);
  expect(await landedRefs(chain, stage)).toEqual(expectedRefs(units));
});

test('a batch that the contract refuses is not sent over and over', async () => {
  const stage = await stageOf(4);
  await numberBets(stage, 4);
  const stranger = createLocalSigner(`0x${'77'.repeat(32)}`);
  await chain.testClient.setBalance({ address: stranger.address, value: 10n ** 20n });
  const executor = await started(executorOn({ ...stage, signer: stranger }));
  await until('each lane says why', async () =>
    executor.status().lanes.every(({ error }) => error?.code === 'EXECUTOR_BATCH_REVERTS'),
  );
  expect(executor.status().lanes[0]?.error?.message).toContain('NotAllowed');
  expect(await transactionsOf(stage)).toHaveLength(4);
});

test('numbers that the ledger never gave stop their lane, not the others', async () => {
  const stage = await stageOf(4);
  await numberBets(stage, 8);
  const executor = await started(executorOn(stage));
  await allLanded(stage);
  await executor.stop();
  const { deployment } = stage;
  await stage.ledger.journal.transaction(async (tx) => {
    await tx
      .updateTable('lane')
      .set({ next_seq: 1 })
      .where('deployment', '=', deployment)
      .where('lane', '=', 2)
      .execute();
  });
  await executor.start();
  await until('the lane says so', async () => executor.status().lanes[2]?.error !== null);
  const errors = executor.status().lanes.map(({ error }) => error?.code ?? null);
  expect(errors).toEqual([null, null, 'EXECUTOR_LANE_AHEAD', null]);
});

test('an endpoint of another chain is a fatal error', async () => {
  const stage = await stageOf(1);
  const facts = { ...stage.facts, chainId: 1 };
  const executor = executorOn({ ...stage, facts });
  closing.push(executor.stop);
  await expect(executor.start()).rejects.toMatchObject({ code: 'EXECUTOR_WRONG_CHAIN' });
  expect(executor.status().state).toBe('halted');
});

/** Mulberry32: numbers in [0, 1) from a seed. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
