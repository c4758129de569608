import { expect, test } from 'vitest';
import { playAt } from './plan.ts';
import { balanceAfter, judge, predict } from './predict.ts';

const expected = {
  outcome: 'accepted',
  balanceUnits: 90n,
  txId: 'b1',
  player: '0xaa',
} as const;
const accepted = { state: 'accepted', txId: 'b1', player: '0xaa', balance: '90' };

test('predictions add up to buy-in − stakes + payouts + voids + credits, in any order of plays', () => {
  const steps = Array.from({ length: 500 }, (_, index) => {
    return playAt({ seed: 'sum', index, playerCount: 1, betsMax: 4 });
  }).flatMap((play) => play.steps);
  let balanceUnits = 1_000_000n;
  let sum = 1_000_000n;
  let refused = 0;
  for (const { action } of steps) {
    const prediction = predict(balanceUnits, action);
    balanceUnits = prediction.balanceUnits;
    if (prediction.outcome === 'refused') refused += 1;
    else if (action.type === 'bet') sum -= action.stakeUnits;
    else if (action.type === 'win') sum += action.payoutUnits;
    else if (action.type === 'void') sum += action.stakeUnits;
    else sum += action.amountUnits;
  }
  expect(balanceUnits).toBe(sum);
  expect(refused).toBeGreaterThan(0);
});

test('a stake of the whole balance is accepted, one more is refused and changes nothing', () => {
  const bet = { type: 'bet', txId: 'b', maxPayoutUnits: 100n } as const;
  expect(predict(10n, { ...bet, stakeUnits: 10n })).toEqual({
    outcome: 'accepted',
    balanceUnits: 0n,
  });
  expect(predict(10n, { ...bet, stakeUnits: 11n })).toEqual({
    outcome: 'refused',
    balanceUnits: 10n,
  });
});

test.each([
  ['a balance that is off by one', 200, { ...accepted, balance: '91' }],
  ['no balance', 200, { ...accepted, balance: undefined }],
  ['a balance as a number', 200, { ...accepted, balance: 90 }],
  ['another transaction', 200, { ...accepted, txId: 'b2' }],
  ['another player', 200, { ...accepted, player: '0xbb' }],
  ['a refusal', 422, { code: 'SEAT_ENDED' }],
])('%s is a mismatch', (_, status, body) => {
  expect(judge(expected, { status, body: JSON.stringify(body) }).mismatch).toMatch(
    /^got .*expected/,
  );
});

test('the predicted answer is no mismatch', () => {
  expect(judge(expected, { status: 200, body: JSON.stringify(accepted) })).toEqual({
    outcome: 'accepted',
    balanceUnits: 90n,
  });
  const refused = { ...expected, outcome: 'refused' } as const;
  const body = JSON.stringify({ code: 'STAKE_ABOVE_BALANCE' });
  expect(judge(refused, { status: 422, body })).toEqual({ outcome: 'refused' });
});

test('an answer that is not JSON is a mismatch, not an exception', () => {
  expect(judge(expected, { status: 200, body: '<html>' }).mismatch).toBeDefined();
});

test('after an answer other than predicted the book follows the answer', () => {
  const bet = { type: 'bet', amount: '10' } as const;
  const refused = {
    expectedOutcome: 'accepted',
    expectedBalance: '90',
    outcome: 'refused',
  } as const;
  expect(balanceAfter({ ...bet, ...refused })).toBe(100n);
  const taken = {
    expectedOutcome: 'refused',
    expectedBalance: '100',
    outcome: 'accepted',
  } as const;
  expect(balanceAfter({ ...bet, ...taken })).toBe(90n);
});
