import { expect, test } from 'vitest';
import { bankStatesOf, dayOf, isHalted, limitsAt } from './bankStates.ts';
import type { ChainLog } from './chainLogs.ts';
import { effectsOf } from './effects.ts';
import { auditedDeployment, betId, createLogs, OPERATOR, PLAYER } from './test/logs.ts';

function limits(of: bigint) {
  const [maxPayout, stopLoss, dayWon, dayCredit] = [of, of + 1n, of + 2n, of + 3n].map(String);
  return { maxPayout, stopLoss, dayWon, dayCredit, maxHorizon: '9' } as Record<string, string>;
}

function bankOf(logs: readonly ChainLog[]) {
  const effects = effectsOf(logs, auditedDeployment);
  const bank = bankStatesOf(logs, effects, auditedDeployment).get('1');
  if (!bank) throw new Error('got no bank 1, expected the one that was opened');
  return bank;
}

test('limits that are lowered count at once, raised ones when they are ready', () => {
  const { log, logs } = createLogs();
  log('BankOpened', { bank: '1', operator: OPERATOR });
  log('LimitsSet', { bank: '1', ...limits(100n), readyAt: '0' });
  const { blockTime } = log('LimitsSet', {
    ...{ bank: '1', ...limits(50n), dayCredit: '200' },
    readyAt: String(1_700_000_060),
  });
  const bank = bankOf(logs);
  expect(limitsAt(bank, blockTime)).toEqual([50n, 51n, 52n, 103n, 9n]);
  expect(limitsAt(bank, 1_700_000_060)).toEqual([50n, 51n, 52n, 200n, 9n]);
});

test('a drawdown never falls below zero, wins only add up, and both are of their day', () => {
  const { log, logs } = createLogs();
  log('BankOpened', { bank: '1', operator: OPERATOR });
  log('Played', { id: betId(0), player: PLAYER, stake: '100', payout: '0' });
  log('Played', { id: betId(1), player: PLAYER, stake: '10', payout: '40' });
  log('Played', { id: betId(2), player: PLAYER, stake: '12', payout: '0' });
  const { blockTime } = log('Credited', { id: betId(3), player: PLAYER, amount: '5' });
  const bank = bankOf(logs);
  expect(dayOf(bank, blockTime)).toEqual({ loss: 18n, won: 30n, credited: 5n });
  expect(dayOf(bank, blockTime + 86_400)).toEqual({ loss: 0n, won: 0n, credited: 0n });
});

test('a halt ends with its day or when it is resumed', () => {
  const { log, logs } = createLogs();
  log('BankOpened', { bank: '1', operator: OPERATOR });
  log('Paused', { bank: '1', until: '77' });
  const { blockTime } = log('Halted', { bank: '1', code: '5' });
  expect(bankOf(logs)).toMatchObject({ pausedUntil: 77 });
  expect(isHalted(bankOf(logs), blockTime)).toBe(true);
  expect(isHalted(bankOf(logs), blockTime + 86_400)).toBe(false);
  log('Resumed', { bank: '1' });
  expect(isHalted(bankOf(logs), blockTime)).toBe(false);
});
