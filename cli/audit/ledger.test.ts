import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChainMessage } from '../../contracts/encoding/message.ts';
import { accept } from '../../ledger/accept.ts';
import { applyMessages } from '../../ledger/apply.ts';
import { registerDeployment } from '../../ledger/deployments.ts';
import { takeLease } from '../../ledger/leases.ts';
import type { LedgerContext } from '../../ledger/ledger.ts';
import { ledgerMigrations } from '../../ledger/migrations.ts';
import { planLane } from '../../ledger/plan.ts';
import { putProvider } from '../../ledger/providers.ts';
import { beginEpoch } from '../../ledger/rebuild.ts';
import type { Action, Answer } from '../../ledger/request.ts';
import type { LedgerDatabase } from '../../ledger/schema.ts';
import { systemClock } from '../../platform/clock.ts';
import { noCrash } from '../../platform/crash.ts';
import { openSqliteJournal } from '../../platform/journal/sqlite.ts';
import type { Exchange } from '../demo/record.ts';
import { bankStatesOf } from './bankStates.ts';
import type { ChainLog } from './chainLogs.ts';
import { effectsOf } from './effects.ts';
import { auditLedger } from './ledger.ts';
import { createMismatches, type Mismatch } from './mismatch.ts';
import type { AcceptedAction, DemoFacts } from './record.ts';
import { auditedDeployment, betId, createLogs, OPERATOR, PLAYER } from './test/logs.ts';

const SHARD = 1;
const BUY_IN = 500n;
const EXPIRY = Math.floor(Date.now() / 1000) + 86_400;

const actions: readonly Action[] = [
  { type: 'bet', txId: 'bet0', stakeUnits: 10n, maxPayoutUnits: 30n },
  { type: 'win', txId: 'win0', betTxId: 'bet0', payoutUnits: 25n },
  { type: 'bet', txId: 'bet1', stakeUnits: 516n, maxPayoutUnits: 516n },
  { type: 'credit', txId: 'credit2', amountUnits: 7n },
];

let folder: string;
let context: LedgerContext;
let deployment: string;
let facts: DemoFacts;
let logs: readonly ChainLog[];
let outcomes: Map<string, ChainLog>;

/** The ledger itself accepts, plans and applies; only the chain's events are made up. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'croupier-ledger-'));
  const path = join(folder, 'ledger.sqlite');
  const journal = await openSqliteJournal<LedgerDatabase>({
    path,
    migrations: ledgerMigrations,
    clock: systemClock,
  });
  context = { journal, clock: systemClock, crash: noCrash, refKey: randomBytes(32) };
  const registered = await registerDeployment(context, {
    ...auditedDeployment,
    token: `0x${'c'.repeat(40)}`,
    tokenDecimals: 2,
    deployedBlockHash: `0x${'1'.repeat(64)}`,
    shards: 4,
    partitions: 4,
    noticeS: 60,
  });
  deployment = registered.deployment;
  await putProvider(context, {
    ...{ provider: 'dice', brand: '', key_id: 'k', secret: '00', deployment, bank: 1 },
    ...{ play_window_ms: 1_000, due_ms: 86_400_000 },
  });

  await journal.transaction((tx) => beginEpoch(context, tx, { deployment, epoch: 1 }));

  const made = createLogs();
  logs = made.logs;
  const { log } = made;
  log('BankOpened', { bank: '1', operator: OPERATOR, admin: OPERATOR, n: '1' });
  const limits = { maxPayout: '1000', stopLoss: '5000', dayWon: '6000', dayCredit: '700' };
  log('LimitsSet', { bank: '1', ...limits, maxHorizon: '864000', readyAt: '0', n: '2' });
  log('BankFunded', { bank: '1', amount: '10000', n: '3' });
  await apply(0, logs, 1);
  const grant = {
    topUp: '80',
    maxStake: '1000',
    expiry: `${EXPIRY}`,
    grantNo: '1',
    grantHash: '0x',
    n: '4',
  };
  log('SeatFunded', { player: PLAYER, operator: OPERATOR, amount: `${BUY_IN}`, ...grant });
  await apply(SHARD, logs.slice(3), 1);

  const answers: Answer[] = [];
  for (const action of actions) {
    answers.push(...(await accept(context, [requestOf(action)])).answers);
  }
  const refs = new Map(
    answers.map((answer) => {
      const body = JSON.parse(answer.body);
      return [String(body.txId), String(body.ref)];
    }),
  );
  const ref = (txId: string) => refs.get(txId) ?? '';
  const fence = await takeLease(context, { lease: 'plan', holder: 'test', ttlMs: 60_000 });
  if (!fence) throw new Error('the lease is free');
  await planLane(context, { deployment, lane: SHARD, fence, max: 100 });

  const refsOfBet = { refBet: ref('bet0'), refWin: ref('win0') };
  const played = log('Played', {
    id: betId(0),
    player: PLAYER,
    stake: '10',
    payout: '25',
    ...refsOfBet,
  });
  const credited = log('Credited', {
    id: betId(1),
    player: PLAYER,
    amount: '7',
    ref: ref('credit2'),
  });
  await apply(SHARD, [played, credited], 3);
  outcomes = new Map([
    [ref('bet0'), played],
    [ref('win0'), played],
    [ref('credit2'), credited],
  ]);
  facts = factsOf(answers, ref);
});
afterAll(async () => {
  await context?.journal.close();
  await rm(folder, { recursive: true, force: true });
});

function requestOf(action: Action) {
  const body = JSON.stringify({ session: 'old', round: 'r', txId: action.txId });
  return {
    deployment,
    provider: 'dice',
    brand: '',
    idempotencyKey: action.txId,
    player: PLAYER,
    game: 'dice',
    round: 'r',
    action,
    received: { body, signature: 'sig', atMs: 0 },
  };
}

function factsOf(answers: readonly Answer[], ref: (txId: string) => string): DemoFacts {
  const accepted: AcceptedAction[] = [];
  const exchanges: Exchange[] = actions.map((action, index) => {
    const { type, txId } = action;
    const answer = answers[index];
    const betTxId = 'betTxId' in action ? action.betTxId : txId;
    const amount =
      action.type === 'bet' ? action.stakeUnits : action.type === 'win' ? action.payoutUnits : 7n;
    const maxPayout = action.type === 'bet' ? action.maxPayoutUnits : 0n;
    const common = { type, txId, betTxId, player: PLAYER };
    if (answer?.status === 200) accepted.push({ ...common, amount, maxPayout, ref: ref(txId) });
    return {
      ...common,
      ...{ play: index, step: 0, playerSeq: index, amount: '', maxPayout: '' },
      idempotencyKey: txId,
      // Sent again in another session: no mismatch.
      body: JSON.stringify({ session: 'new', round: 'r', txId }),
      ...{ expectedOutcome: 'accepted', expectedBalance: '', outcome: 'accepted', mismatch: null },
      status: answer?.status ?? null,
      answer: answer?.body ?? null,
    };
  });
  return { exchanges, accepted, balances: new Map([[PLAYER, BUY_IN + 15n + 7n]]) };
}

/** Applies the events and then their finality, as the partition's messages from `firstN` on. */
async function apply(
  partition: number,
  events: readonly ChainLog[],
  firstN: number,
): Promise<void> {
  const position = (index: number) => {
    return { deployment, epoch: 1, partition, n: firstN + index, step: 1 };
  };
  const last = events.at(-1);
  const finality = { type: 'finality', id: 'f', sign: 1, blockHash: '0x' } as const;
  const messages: ChainMessage[] = events.map((event, index) => {
    return { ...event, ...position(index), type: 'bank.movement', sign: 1 };
  });
  messages.push({ ...position(events.length), ...finality, blockNumber: last?.blockNumber ?? 0 });
  await context.journal.transaction((tx) => applyMessages(context, tx, messages));
}

function auditIt(): { final: number; mismatches: readonly Mismatch[] } {
  const mismatches = createMismatches();
  const seat = { balance: 522n, maxStake: 1000n, expiry: EXPIRY, grantNo: 1, topUpLeft: 80n };
  const bank = { bankroll: 10_000n - 22n, reserved: 0n, locked: 0n, exiting: 0n };
  const effects = effectsOf(logs, auditedDeployment);
  const state = { seats: new Map([[PLAYER, seat]]), banks: new Map([['1', bank]]) };
  const final = auditLedger(
    {
      path: join(folder, 'ledger.sqlite'),
      deployment,
      facts,
      chain: {
        state,
        outcomes,
        rejectedBets: 0,
        expired: new Set(),
        bankStates: bankStatesOf(logs, effects, auditedDeployment),
      },
      effects,
      partitions: 4,
    },
    mismatches,
  );
  return { final, mismatches: mismatches.list };
}

test('a ledger that followed the chain has no mismatch', () => {
  expect(auditIt()).toEqual({ final: 1, mismatches: [] });
});

test.each([
  ['account', 'chain_balance', `'523'`, `account ${PLAYER}`],
  ['account', 'pending', `'1'`, `account ${PLAYER}`],
  ['bank', 'bankroll', `'9979'`, 'bank 1'],
  ['bank', 'hold', `'1'`, 'bank 1'],
  ['account', 'top_up_left', `'81'`, `account ${PLAYER}`],
  ['bank', 'exiting', `'1'`, 'bank 1'],
  ['bank', 'stop_loss', `'5001'`, 'bank 1'],
  ['bank', 'paused_until_s', '5', 'bank 1'],
  ['bank', 'halted_day', '5', 'bank 1'],
  ['bank_day', 'loss', `'14'`, 'bank_day 1, partition 1'],
  ['bank_day', 'credited', `'8'`, 'bank_day 1, partition 1'],
  ['entry', 'amount', `'16'`, `seat:${PLAYER}`],
  ['entry', 'tx_hash', `'0x'`, `seat:${PLAYER}`],
  ['request', 'answer_body', `'{}'`, 'request bet0'],
  ['request', 'answer_status', '201', 'request bet0'],
  ['request', 'body', `'{"round":"r2"}'`, 'request bet0'],
  ['bet', 'payout', `'26'`, 'bet bet0'],
  ['bet', 'state', `'voided'`, 'bet bet0'],
  ['intent', 'state', `'landed'`, 'intent bet0'],
  ['intent', 'amount', `'11'`, 'intent bet0'],
  ['intent', 'landed_block', '1', 'intent bet0'],
])('a changed %s.%s is named', (table, column, value, key) => {
  const database = new DatabaseSync(join(folder, 'ledger.sqlite'));
  const where = {
    account: 'true',
    bank: 'true',
    bank_day: 'true',
    entry: `event = 'Played' AND account = 'seat:${PLAYER}'`,
    request: `idempotency_key = 'bet0'`,
    bet: `tx_id = 'bet0'`,
    intent: `tx_id = 'bet0'`,
  }[table];
  try {
    database.exec('BEGIN IMMEDIATE');
    database.exec(`CREATE TABLE kept AS SELECT ${column} AS kept FROM ${table} WHERE ${where}`);
    expect(
      database.prepare(`UPDATE ${table} SET ${column} = ${value} WHERE ${where}`).run().changes,
    ).toBe(1);
    database.exec('COMMIT');
    const { mismatches } = auditIt();
    expect(mismatches).toHaveLength(1);
    expect(mismatches[0]).toMatchObject({ store: 'ledger', field: column });
    expect(mismatches[0]?.key).toContain(key);
    database.exec(`UPDATE ${table} SET ${column} = (SELECT kept FROM kept) WHERE ${where}`);
    database.exec('DROP TABLE kept');
  } finally {
    database.close();
  }
  expect(auditIt().mismatches).toEqual([]);
});

test('a missing entry and one too many are named', () => {
  const database = new DatabaseSync(join(folder, 'ledger.sqlite'));
  try {
    const where = `event = 'Credited' AND account = 'bankroll:1'`;
    database.exec(`UPDATE entry SET account = 'bankroll:2' WHERE ${where}`);
    const named = auditIt().mismatches.map(({ key, field, got }) => [key, field, got]);
    const id = outcomes.get(facts.accepted.find(({ type }) => type === 'credit')?.ref ?? '')?.id;
    expect(named).toEqual([
      [`entry ${id} bankroll:1`, 'row', 'missing'],
      [`entry ${id} bankroll:2`, 'row', 'there'],
    ]);
  } finally {
    database.close();
  }
});
