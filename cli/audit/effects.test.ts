import { expect, test } from 'vitest';
import type { ChainLog } from './chainLogs.ts';
import { balancesOf, effectsOf } from './effects.ts';
import { auditedDeployment, betId, createLogs, OPERATOR, PLAYER } from './test/logs.ts';

const OTHER = `0x${'9'.repeat(40)}`;

function balances(logs: readonly ChainLog[]): Record<string, bigint> {
  return Object.fromEntries(balancesOf(effectsOf(logs, auditedDeployment)));
}

test('bets, results, voids and credits move money between seat and bank, and lose none', () => {
  const { log, logs } = createLogs();
  log('BankOpened', { bank: '1', operator: OPERATOR });
  log('BankFunded', { bank: '1', amount: '1000' });
  log('SeatFunded', { player: PLAYER, operator: OPERATOR, amount: '500' });
  log('Played', { id: betId(0), player: PLAYER, stake: '10', payout: '25' });
  log('Opened', { id: betId(1), player: PLAYER, stake: '20', maxPayout: '60' });
  log('Opened', { id: betId(2), player: PLAYER, stake: '30', maxPayout: '90' });
  log('Opened', { id: betId(3), player: PLAYER, stake: '40', maxPayout: '41' });
  expect(balances(logs)).toEqual({
    'bankroll:1': 985n,
    [`seat:${PLAYER}`]: 425n,
    'locked:1': 90n,
    'reserved:1': 101n,
  });
  log('Settled', { id: betId(1), player: PLAYER, payout: '0' });
  log('Voided', { id: betId(2), player: PLAYER, stake: '30' });
  log('Settled', { id: betId(3), player: PLAYER, payout: '41' });
  log('Credited', { id: betId(6), player: PLAYER, amount: '5' });
  expect(balances(logs)).toEqual({
    'bankroll:1': 1000n - 15n + 20n - 1n - 5n,
    [`seat:${PLAYER}`]: 500n + 15n - 20n + 1n + 5n,
    'locked:1': 0n,
    'reserved:1': 0n,
  });
  log('SeatSwept', { player: PLAYER, operator: OPERATOR, amount: '501' });
  expect(balances(logs)[`seat:${PLAYER}`]).toBe(0n);
});

test('top-ups, exits and expired pages move money as the contracts document it', () => {
  const { log, logs } = createLogs();
  log('BankOpened', { bank: '1', operator: OPERATOR });
  log('BankFunded', { bank: '1', amount: '1000' });
  log('SeatFunded', { player: PLAYER, operator: OPERATOR, amount: '500' });
  log('ToppedUp', { id: betId(0), player: PLAYER, amount: '7' });
  log('ExitRequested', { bank: '1', amount: '300' });
  log('ExitRequested', { bank: '1', amount: '200' });
  log('BankExited', { bank: '1', to: OPERATOR, amount: '150' });
  expect(balances(logs)).toMatchObject({ 'bankroll:1': 850n, 'exiting:1': 50n });
  log('ExitCancelled', { bank: '1' });
  expect(balances(logs)).toMatchObject({ 'exiting:1': 0n, [`seat:${PLAYER}`]: 507n });
  log('Opened', { id: betId(1), player: PLAYER, stake: '20', maxPayout: '60' });
  log('Opened', { id: betId(2), player: PLAYER, stake: '30', maxPayout: '90' });
  log('Opened', { id: betId(3), player: PLAYER, stake: '40', maxPayout: '41' });
  const page = (((1n << 16n) | 1n) << 32n).toString();
  const expired = log('Expired', { page, firstSeq: '1', mask: '3' });
  const bonded = { ...expired, args: { page, firstSeq: '3', mask: '1', bonded: true } };
  expect(balances([...logs, bonded])).toEqual({
    'bankroll:1': 850n - 1n,
    'exiting:1': 0n,
    'locked:1': 0n,
    'reserved:1': 0n,
    [`seat:${PLAYER}`]: 507n + 1n,
  });
});

test("another operator's seats, banks and bets do not count", () => {
  const { log, logs } = createLogs();
  log('BankOpened', { bank: '2', operator: OTHER });
  log('BankFunded', { bank: '2', amount: '1000' });
  log('SeatFunded', { player: PLAYER, operator: OTHER, amount: '500' });
  log('Played', { id: betId(0, 2), player: PLAYER, stake: '10', payout: '25' });
  expect(balances(logs)).toEqual({});
});
