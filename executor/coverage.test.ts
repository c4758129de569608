import { expect, test } from 'vitest';
import { coveredUpTo } from './coverage.ts';
import { freeNonce } from './nonces.ts';

const batch = (nonce: number, firstSeq: number, nextSeq: number) => ({ nonce, firstSeq, nextSeq });

test('batches in a row cover the lane', () => {
  expect(coveredUpTo(10, [batch(6, 20, 30), batch(5, 10, 20)])).toBe(30);
});

test('a batch beyond a gap covers nothing', () => {
  expect(coveredUpTo(10, [batch(6, 20, 30), batch(7, 30, 40)])).toBe(10);
});

test('a batch that fills the gap under a later nonce does not rescue those before it', () => {
  expect(coveredUpTo(10, [batch(6, 20, 30), batch(7, 10, 20), batch(8, 20, 30)])).toBe(30);
  expect(coveredUpTo(10, [batch(6, 20, 30), batch(7, 10, 20)])).toBe(20);
});

test('what the contract applied in part is covered from where it stopped', () => {
  expect(coveredUpTo(14, [batch(5, 10, 20)])).toBe(20);
});

test('the free nonce is the lowest that nothing of ours holds', () => {
  expect(freeNonce(5, new Set([5, 6, 8]))).toBe(7);
  expect(freeNonce(9, new Set([5, 6, 8]))).toBe(9);
});
