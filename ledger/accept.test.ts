import { expect, onTestFinished, test } from 'vitest';
import { accept } from './accept.ts';
import { unpublishedOutbox } from './outbox.ts';
import { findAccount, findBank, headroomOf } from './reads.ts';
import {
  BANK,
  bet,
  credit,
  openStage,
  playerOf,
  resultOf,
  type Stage,
  voidOf,
  win,
} from './test/stage.ts';

const alice = playerOf(0);
const bob = playerOf(1);

async function staged(bankroll = 100_000n): Promise<Stage> {
  const stage = await openStage({ bankroll });
  onTestFinished(() => stage.close());
  await stage.seat(alice, 1_000n);
  await stage.seat(bob, 1_000n);
  return stage;
}

async function countOf(
  stage: Stage,
  table: 'request' | 'intent' | 'bet' | 'outbox',
): Promise<number> {
  const rows = await stage.context.journal.read.selectFrom(table).select('deployment').execute();
  return rows.length;
}

test('a bet takes its stake at once and its win gives at once', async () => {
  const stage = await staged();
  expect(resultOf(await stage.send(alice, bet('b1', 100n, 300n)))).toBe('900');
  expect(resultOf(await stage.send(alice, win('w1', 'b1', 250n)))).toBe('1150');
  expect(resultOf(await stage.send(alice, credit('c1', 50n)))).toBe('1200');
  const account = await findAccount(stage.context, stage.deployment, alice);
  expect(account).toMatchObject({ spendable: '1200', chain_balance: '1000', pending: '200' });
});

test('the same request is answered byte for byte, and has one effect', async () => {
  const stage = await staged();
  const first = await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, bet('b2', 100n, 300n));
  expect(await stage.send(alice, bet('b1', 100n, 300n))).toEqual(first);
  const refused = await stage.send(alice, bet('b3', 801n, 900n));
  expect(refused).toMatchObject({ status: 422, outcome: 'refused' });
  await stage.send(alice, win('w2', 'b2', 300n));
  expect(await stage.send(alice, bet('b3', 801n, 900n))).toEqual(refused);
  expect(await countOf(stage, 'intent')).toBe(3);
});

test('duplicates inside one set have one effect and one answer', async () => {
  const stage = await staged();
  const requests = Array.from({ length: 20 }, () => stage.request(alice, bet('b1', 100n, 300n)));
  const { answers } = await accept(stage.context, requests);
  expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
  expect(answers).toHaveLength(20);
  expect(await countOf(stage, 'intent')).toBe(1);
  expect(await countOf(stage, 'outbox')).toBe(1);
});

test('a set is decided in its order on the balances it leaves', async () => {
  const stage = await staged();
  const { answers } = await accept(stage.context, [
    stage.request(alice, bet('b1', 900n, 900n)),
    stage.request(bob, bet('b2', 10n, 20n)),
    stage.request(alice, bet('b3', 200n, 200n)),
    stage.request(alice, win('w1', 'b1', 500n)),
    stage.request(alice, bet('b4', 200n, 200n)),
  ]);
  expect(answers.map(resultOf)).toEqual(['100', '990', 'STAKE_ABOVE_BALANCE', '600', '400']);
});

test('conflicts are answered and leave nothing behind', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  const before = await countOf(stage, 'request');
  expect(await stage.send(alice, bet('b1', 101n, 300n))).toMatchObject({ status: 409 });
  expect(resultOf(await stage.send(alice, bet('b1', 101n, 300n)))).toBe('IDEMPOTENCY_CONFLICT');
  expect(resultOf(await stage.send(alice, bet('b1', 100n, 300n), 'other'))).toBe(
    'TRANSACTION_ID_TAKEN',
  );
  expect(await countOf(stage, 'request')).toBe(before);
  expect(await countOf(stage, 'outbox')).toBe(before);
});

test('keys that differ only in case, or in where their parts divide, are different', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 1n, 2n));
  expect(resultOf(await stage.send(alice, bet('B1', 1n, 2n)))).toBe('998');
  expect(await countOf(stage, 'bet')).toBe(2);
});

test('each refusal has its code', async () => {
  const stage = await staged(1_000n);
  const carol = playerOf(2);
  await stage.seat(carol, 100n, 10n);
  await stage.send(alice, bet('b1', 100n, 300n));
  const codes: [Parameters<Stage['send']>, string][] = [
    [[playerOf(9), bet('x1', 1n, 2n)], 'PLAYER_UNKNOWN'],
    [[alice, bet('x2', 0n, 2n)], 'STAKE_ZERO'],
    [[carol, bet('x3', 11n, 12n)], 'STAKE_ABOVE_LIMIT'],
    [[alice, bet('x4', 901n, 902n)], 'STAKE_ABOVE_BALANCE'],
    [[alice, bet('x5', 100n, 99n)], 'MAX_PAYOUT_BELOW_STAKE'],
    [[alice, bet('x6', 100n, 1_000_001n)], 'PAYOUT_ABOVE_LIMIT'],
    [[alice, bet('x7', 100n, 901n)], 'BANK_HEADROOM_SHORT'],
    [[alice, win('x8', 'nothing', 1n)], 'BET_UNKNOWN'],
    [[alice, win('x9', 'b1', 301n)], 'PAYOUT_ABOVE_RESERVE'],
    [[bob, win('x10', 'b1', 100n)], 'BET_OF_OTHER_PLAYER'],
    [[alice, credit('x11', 0n)], 'AMOUNT_ZERO'],
    [[alice, credit('x12', 801n)], 'BANK_HEADROOM_SHORT'],
  ];
  for (const [args, code] of codes) expect(resultOf(await stage.send(...args))).toBe(code);
  await stage.send(alice, win('w1', 'b1', 0n));
  expect(resultOf(await stage.send(alice, win('x13', 'b1', 1n)))).toBe('BET_ALREADY_SETTLED');
  expect(resultOf(await stage.send(alice, voidOf('x14', 'b1')))).toBe('BET_ALREADY_SETTLED');
  stage.passMs(2_000_000_000);
  expect(resultOf(await stage.send(alice, bet('x15', 1n, 2n)))).toBe('SEAT_ENDED');
  const stored = await stage.context.journal.read
    .selectFrom('request')
    .select('answer_status')
    .execute();
  expect(
    stored.filter(({ answer_status }) => answer_status !== 200 && answer_status !== 422),
  ).toEqual([]);
});

test('a void before its bet refuses the bet for good; after it gives the stake back once', async () => {
  const stage = await staged();
  expect(resultOf(await stage.send(alice, voidOf('v1', 'b1')))).toBe('1000');
  expect(await countOf(stage, 'intent')).toBe(0);
  expect(resultOf(await stage.send(alice, bet('b1', 100n, 200n)))).toBe('BET_VOIDED_BEFORE');
  expect(resultOf(await stage.send(alice, win('w1', 'b1', 100n)))).toBe('BET_VOIDED');
  await stage.send(alice, bet('b2', 100n, 200n));
  expect(resultOf(await stage.send(alice, voidOf('v2', 'b2')))).toBe('1000');
  expect(resultOf(await stage.send(alice, voidOf('v3', 'b2')))).toBe('BET_VOIDED');
  expect(resultOf(await stage.send(alice, win('w2', 'b2', 100n)))).toBe('BET_VOIDED');
});

test('a grant counts only once it is final', async () => {
  const stage = await staged();
  const carol = playerOf(2);
  stage.mine(() => stage.chain.fundSeat(carol, 500n, 500n, 2_000_000_000));
  await stage.deliverAll();
  expect(resultOf(await stage.send(carol, bet('b1', 1n, 2n)))).toBe('STAKE_ABOVE_BALANCE');
  await stage.finalizeAll();
  expect(resultOf(await stage.send(carol, bet('b2', 1n, 2n)))).toBe('499');
});

test('the bank holds the worst case until it lands, and its gains count once final', async () => {
  const stage = await staged(1_000n);
  const headroom = async () => {
    const bank = await findBank(stage.context, stage.deployment, BANK);
    return bank ? headroomOf(bank) : undefined;
  };
  await stage.send(alice, bet('b1', 100n, 700n));
  expect(await headroom()).toBe(400n);
  await stage.send(alice, win('w1', 'b1', 0n));
  expect(await headroom()).toBe(1_000n);
  await stage.planAll();
  await stage.landAll();
  expect(await headroom()).toBe(1_000n);
  await stage.finalizeAll();
  expect(await headroom()).toBe(1_100n);
});

test('while balances are read anew nothing is taken and nothing is refused for good', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  const setState = (state: 'rebuilding' | 'active') =>
    stage.context.journal.transaction(async (tx) => {
      await tx.updateTable('deployment').set({ state }).execute();
    });
  await setState('rebuilding');
  expect(resultOf(await stage.send(alice, bet('b2', 1n, 2n)))).toBe('DEPLOYMENT_REBUILDING');
  expect(resultOf(await stage.send(alice, win('w1', 'b1', 10n)))).toBe('DEPLOYMENT_REBUILDING');
  await setState('active');
  expect(resultOf(await stage.send(alice, win('w1', 'b1', 10n)))).toBe('910');
});

test('accepted and refused requests are told to the bus in the partition of the player', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(bob, bet('b2', 5_000n, 6_000n));
  const rows = await unpublishedOutbox(stage.context, 10);
  expect(rows.map(({ topic, partition, key }) => ({ topic, partition, key }))).toEqual([
    { topic: 'croupier.gateway', partition: 0, key: alice },
    { topic: 'croupier.gateway', partition: 1, key: bob },
  ]);
  expect(rows.map(({ value }) => JSON.parse(value))).toMatchObject([
    { type: 'request.accepted', balance: '900', action: { type: 'bet', txId: 'b1' } },
    { type: 'request.refused', code: 'STAKE_ABOVE_BALANCE' },
  ]);
});
