import type { Hex, PublicClient } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { preimageOf } from '../../contracts/encoding/batch.ts';
import { shardOf } from '../../contracts/encoding/message.ts';
import type { Unit } from '../../contracts/encoding/unit.ts';
import { account, lower, startChain, type TestChain } from '../../contracts/test/chain.ts';
import { bet, open, play, refOf } from '../../contracts/test/units.ts';
import { auditChain, type ChainOutcome } from './chain.ts';
import { type AuditedDeployment, type ChainLog, readChainLogs } from './chainLogs.ts';
import { effectsOf } from './effects.ts';
import { createMismatches, type Mismatch } from './mismatch.ts';
import type { AcceptedAction, DemoFacts } from './record.ts';

const owners = Array.from({ length: 40 }, (_, index) => account(index + 3));
const owner = owners.find(({ address }) => shardOf(address, 4) === 0) ?? account(0);
const player = lower(owner.address);

/** An instant loss and win, a page that is settled for a part, one that is voided, a credit. */
const accepted: readonly AcceptedAction[] = [
  action('bet', 'a', 100n, 300n),
  action('win', 'a', 0n),
  action('bet', 'b', 100n, 250n),
  action('win', 'b', 250n),
  action('bet', 'c', 50n, 90n),
  action('bet', 'd', 60n, 61n),
  action('win', 'c', 70n),
  action('void', 'd', 60n),
  action('credit', 'e', 7n),
];
const balance = 1_000n - 100n + 150n + 20n + 7n;

let chain: TestChain;
let client: PublicClient;
let deployment: AuditedDeployment;
let logs: readonly ChainLog[];

function action(
  type: AcceptedAction['type'],
  name: string,
  amount: bigint,
  maxPayout = 0n,
): AcceptedAction {
  const ref = refOf(`${type} ${name}`);
  return { type, txId: `${type} ${name}`, betTxId: `bet ${name}`, player, amount, maxPayout, ref };
}

beforeAll(async () => {
  chain = await startChain();
  client = chain.publicClient as PublicClient;
  await chain.sit(owner, 1_000n, 500n);
  const refs = (name: string): { refBet: Hex; refWin: Hex } => {
    return { refBet: refOf(`bet ${name}`), refWin: refOf(`win ${name}`) };
  };
  const dueS = (await chain.nowS()) + 600;
  const pageC = open(0, dueS, [{ ...bet(player, 50n, 40n), ref: refOf('bet c') }]);
  const pageD = open(1, dueS, [{ ...bet(player, 60n, 1n), ref: refOf('bet d') }]);
  const units: Unit[] = [
    { ...play(player, 100n, 0n), ...refs('a') },
    { ...play(player, 100n, 250n), ...refs('b') },
    pageC,
    pageD,
    {
      op: 'settle',
      slot: 0,
      preimage: preimageOf(pageC, 2),
      outcomes: [{ offset: 0, code: 'explicit', payoutUnits: 70n, ref: refOf('win c') }],
    },
    {
      op: 'settle',
      slot: 1,
      preimage: preimageOf(pageD, 3),
      outcomes: [{ offset: 0, code: 'void', ref: refOf('void d') }],
    },
    { op: 'credit', player, bank: 1, amountUnits: 7n, ref: refOf('credit e') },
  ];
  await chain.apply(0, 0, units.slice(0, 3));
  await chain.apply(0, 2, units.slice(2));
  deployment = {
    deployment: `0x${'0'.repeat(32)}`,
    chainId: chain.chain.id,
    treasury: chain.contracts.treasury,
    betBook: chain.contracts.betBook,
    operator: chain.registered.operator,
    operatorNo: chain.registered.operatorNo,
    deployedBlock: chain.contracts.deployedBlock,
  };
  logs = await readChainLogs(client, deployment, Number(await client.getBlockNumber()));
});
afterAll(() => chain.close());

async function auditWith(
  changed: Partial<DemoFacts>,
  seen: readonly ChainLog[] = logs,
): Promise<ChainOutcome & { mismatches: readonly Mismatch[] }> {
  const mismatches = createMismatches();
  const facts = { exchanges: [], accepted, balances: new Map([[player as string, balance]]) };
  const outcome = await auditChain(
    {
      client,
      deployment,
      facts: { ...facts, ...changed },
      logs: seen,
      effects: effectsOf(seen, deployment),
      block: await client.getBlockNumber(),
    },
    mismatches,
  );
  return { ...outcome, mismatches: mismatches.list };
}

test('what was accepted is on chain once, and the contract holds what the events add up to', async () => {
  const { mismatches, outcomes, rejectedBets, state } = await auditWith({});
  expect(mismatches).toEqual([]);
  expect(outcomes.size).toBe(accepted.length);
  expect(rejectedBets).toBe(0);
  expect(state.seats.get(player)?.balance).toBe(balance);
  expect(state.banks.get('1')).toMatchObject({ reserved: 0n, locked: 0n });
});

test('another stake, payout or reserve than accepted is named', async () => {
  for (const [txId, change, field] of [
    ['bet a', { amount: 99n }, 'stake'],
    ['win b', { amount: 249n }, 'payout'],
    ['bet c', { maxPayout: 91n }, 'maxPayout'],
    ['win c', { amount: 71n }, 'payout'],
    ['void d', { amount: 61n }, 'stake'],
    ['credit e', { amount: 8n }, 'amount'],
    ['bet c', { player: '0xother' }, 'player'],
  ] as const) {
    const changed = accepted.map((one) => (one.txId === txId ? { ...one, ...change } : one));
    const { mismatches } = await auditWith({ accepted: changed });
    expect(mismatches).toEqual([expect.objectContaining({ store: 'chain', key: txId, field })]);
  }
});

test('a bet that never landed, and one that nobody accepted, are named', async () => {
  const { mismatches } = await auditWith({
    accepted: [...accepted.filter(({ txId }) => txId !== 'credit e'), action('credit', 'f', 1n)],
  });
  expect(mismatches).toEqual([
    expect.objectContaining({ key: 'credit f', field: 'events', expected: '1', got: '0' }),
    expect.objectContaining({ key: refOf('credit e'), expected: 'none', got: 'Credited' }),
  ]);
});

test('a result that belongs to another bet is named', async () => {
  const swapped = accepted.map((one) => {
    if (one.txId === 'win c') return { ...one, betTxId: 'bet d' };
    return one.txId === 'void d' ? { ...one, betTxId: 'bet c' } : one;
  });
  const { mismatches } = await auditWith({ accepted: swapped });
  expect(mismatches.map(({ key, field }) => `${key} ${field}`)).toEqual(['win c id', 'void d id']);
});

test('a balance other than predicted is named', async () => {
  const { mismatches } = await auditWith({ balances: new Map([[player, balance + 1n]]) });
  expect(mismatches).toEqual([
    {
      store: 'chain',
      key: `seat:${player}`,
      field: 'balance',
      expected: `${balance + 1n}`,
      got: `${balance}`,
    },
  ]);
});

test('logs that the node keeps back are missed', async () => {
  const withoutCredit = logs.filter(({ event }) => event !== 'Credited');
  const { mismatches } = await auditWith({}, withoutCredit);
  const fields = mismatches.map(({ field }) => field);
  expect(fields).toContain('events');
  expect(fields).toContain('numbers');
  expect(fields).toContain('sum of events');
  const withoutDeposit = logs.filter(({ event }) => event !== 'Deposited');
  expect((await auditWith({}, withoutDeposit)).mismatches.map(({ field }) => field)).toContain(
    'eventCount',
  );
});

test('a refused item is counted as a rejection, with its code', async () => {
  const before = await chain.test.snapshot();
  const next = await chain.next(0);
  await chain.apply(0, next, [
    { ...play(player, 501n, 0n), refBet: refOf('bet g'), refWin: refOf('win g') },
  ]);
  const more = await readChainLogs(client, deployment, Number(await client.getBlockNumber()));
  const { mismatches, rejectedBets } = await auditWith(
    { accepted: [...accepted, action('bet', 'g', 501n, 501n)] },
    more,
  );
  expect(rejectedBets).toBe(1);
  expect(mismatches).toEqual([
    expect.objectContaining({ key: 'bet g', expected: 'landed', got: 'Rejected code 2' }),
  ]);
  await chain.test.revert({ id: before });
});
