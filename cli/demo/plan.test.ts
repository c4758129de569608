import { expect, test } from 'vitest';
import {
  BUY_IN_UNITS,
  OVER_BALANCE_STAKE_UNITS,
  PAYOUT_UNITS_MAX,
  type Play,
  type PlayKind,
  playAt,
  STAKE_UNITS_MAX,
} from './plan.ts';

const COUNT = 5_000;

function plays(seed: string, betsMax = Number.POSITIVE_INFINITY): Play[] {
  return Array.from({ length: COUNT }, (_, index) => {
    return playAt({ seed, index, playerCount: 24, betsMax });
  });
}

test('a play depends on seed and number only', () => {
  expect(plays('a')).toEqual(plays('a'));
  expect(plays('a')).not.toEqual(plays('b'));
});

test('all kinds and all players come up, the rare ones rarely', () => {
  const all = plays('a');
  const kinds = Map.groupBy(all, ({ kind }) => kind);
  const share = (kind: PlayKind): number => (kinds.get(kind)?.length ?? 0) / COUNT;
  for (const kind of ['instant', 'later', 'voidEarly', 'voidLate', 'round'] as const) {
    expect(share(kind)).toBeGreaterThan(0.02);
  }
  for (const kind of ['overBalance', 'credit'] as const) {
    expect(share(kind)).toBeGreaterThan(0.01);
    expect(share(kind)).toBeLessThan(0.03);
  }
  expect(new Set(all.map(({ playerNo }) => playerNo)).size).toBe(24);
});

test('every bet that is to be accepted has one end, after it, within its limits', () => {
  for (const { kind, bets, steps } of plays('b')) {
    const open = new Map<string, bigint>();
    let ended = 0;
    for (const { action } of steps) {
      if (action.type === 'bet') {
        open.set(action.txId, action.maxPayoutUnits);
        expect(action.maxPayoutUnits).toBeGreaterThanOrEqual(action.stakeUnits);
        if (kind === 'overBalance') continue;
        expect(action.stakeUnits).toBeGreaterThan(0n);
        expect(action.stakeUnits).toBeLessThanOrEqual(STAKE_UNITS_MAX);
        expect(action.maxPayoutUnits).toBeLessThanOrEqual(PAYOUT_UNITS_MAX);
      } else if (action.type !== 'credit') {
        const maxPayoutUnits = open.get(action.betTxId);
        expect(maxPayoutUnits).toBeDefined();
        if (action.type === 'win') expect(action.payoutUnits <= (maxPayoutUnits ?? 0n)).toBe(true);
        open.delete(action.betTxId);
        ended += 1;
      }
    }
    expect(ended).toBe(bets);
    expect(open.size).toBe(kind === 'overBalance' ? 1 : 0);
  }
});

test('transaction ids are unique', () => {
  const ids = plays('c').flatMap(({ steps }) => steps.map(({ action }) => action.txId));
  expect(new Set(ids).size).toBe(ids.length);
});

test('a round that is cut keeps its first bets, and all else stays', () => {
  const whole = plays('d');
  const cut = plays('d', 1);
  for (const [index, play] of cut.entries()) {
    expect(play.bets).toBeLessThanOrEqual(1);
    if (whole[index]?.kind === 'round') {
      expect(play.steps[0]).toEqual(whole[index]?.steps[0]);
      expect(play.steps).toHaveLength(2);
    } else {
      expect(play).toEqual(whole[index]);
    }
  }
});

test('the house keeps a small edge, and nobody comes near the end of the buy-in', () => {
  let stakes = 0n;
  let returned = 0n;
  for (const { kind, steps } of plays('e')) {
    if (kind === 'overBalance') continue;
    for (const { action } of steps) {
      if (action.type === 'bet') stakes += action.stakeUnits;
      if (action.type === 'win') returned += action.payoutUnits;
      if (action.type === 'void') returned += action.stakeUnits;
    }
  }
  const percent = Number((returned * 100n) / stakes);
  expect(percent).toBeGreaterThan(85);
  expect(percent).toBeLessThan(105);
  expect(stakes / 24n).toBeLessThan(BUY_IN_UNITS / 10n);
  expect(OVER_BALANCE_STAKE_UNITS).toBeGreaterThan(2n * BUY_IN_UNITS);
});
