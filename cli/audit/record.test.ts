import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DemoRecord, type ExchangeRequest, openDemoRecord } from '../demo/record.ts';
import { createMismatches } from './mismatch.ts';
import { auditRecord } from './record.ts';

const deployment = '0x01';
const player = '0xaa';

let folder: string;
let path: string;
let record: DemoRecord;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'croupier-record-'));
  path = join(folder, 'demo.sqlite');
  record = openDemoRecord({ path, deployment, seed: 's' });
  record.writePlayer({ playerNo: 0, player, buyIn: '100', grantBody: '{}', seated: true });
});
afterEach(async () => {
  record.close();
  await rm(folder, { recursive: true });
});

/** Records a request that was accepted with this balance, or refused. */
function exchange(
  playerSeq: number,
  type: ExchangeRequest['type'],
  amount: string,
  balance: string | null,
): void {
  const txId = `${type}${playerSeq}`;
  record.writeRequest({
    play: playerSeq,
    step: 0,
    player,
    playerSeq,
    type,
    txId,
    betTxId: type === 'bet' ? txId : 'bet0',
    amount,
    maxPayout: type === 'bet' ? amount : '',
    idempotencyKey: txId,
    body: '{}',
    expectedOutcome: balance === null ? 'refused' : 'accepted',
    expectedBalance: balance ?? '0',
  });
  const answer =
    balance === null ? { code: 'STAKE_ABOVE_BALANCE' } : { state: 'accepted', balance, ref: txId };
  record.writeAnswer(
    { play: playerSeq, step: 0 },
    {
      status: balance === null ? 422 : 200,
      answer: JSON.stringify(answer),
      outcome: balance === null ? 'refused' : 'accepted',
      mismatch: null,
    },
  );
}

function auditAll() {
  const mismatches = createMismatches();
  const facts = auditRecord({ path, deployment }, mismatches);
  return { facts, mismatches: mismatches.list };
}

test('a record that adds up has no mismatch, and says what every player holds', () => {
  exchange(0, 'bet', '30', '70');
  exchange(1, 'bet', '71', null);
  exchange(2, 'win', '45', '115');
  const { facts, mismatches } = auditAll();
  expect(mismatches).toEqual([]);
  expect(facts.balances.get(player)).toBe(115n);
  expect(facts.accepted.map(({ txId }) => txId)).toEqual(['bet0', 'win2']);
});

test('a wrong balance is named once, however much follows it', () => {
  exchange(0, 'bet', '30', '69');
  exchange(1, 'win', '45', '115');
  exchange(2, 'credit', '5', '120');
  expect(auditAll().mismatches).toEqual([
    { store: 'record', key: 'bet0', field: 'balance', expected: '70', got: '69' },
  ]);
});

test('a bet without an end is named', () => {
  exchange(0, 'bet', '30', '70');
  expect(auditAll().mismatches).toEqual([
    { store: 'record', key: 'bet0', field: 'ends', expected: '1', got: '0' },
  ]);
});

test('a stake above the balance that was accepted is named', () => {
  exchange(0, 'bet', '101', '0');
  const fields = auditAll().mismatches.map(({ field }) => field);
  expect(fields).toEqual(['status', 'code']);
});
