import { createHash, createHmac } from 'node:crypto';
import { concat, keccak256, toHex } from 'viem';
import { expect, test } from 'vitest';
import { deploymentIdOf, lengthPrefixed, refOf, requestKey, roundHash } from './keys.ts';

test('parts that divide elsewhere, or differ in case, have other bytes', () => {
  const keys = [
    requestKey('ab', 'c', 'd'),
    requestKey('a', 'bc', 'd'),
    requestKey('abc', '', 'd'),
    requestKey('AB', 'c', 'd'),
  ].map((key) => toHex(key));
  expect(new Set(keys).size).toBe(keys.length);
});

test('a key is SHA-256 over the parts, each behind its length in bytes', () => {
  const bytes = Buffer.from('0000000264690000000000000003e282ac', 'hex');
  expect(toHex(lengthPrefixed('di', '', '€'))).toBe(toHex(bytes));
  const expected = createHash('sha256').update(bytes).digest();
  expect(toHex(requestKey('di', '', '€'))).toBe(toHex(expected));
});

test('a ref can be derived again from refKey and the names, and from nothing else', () => {
  const refKey = new Uint8Array(32).fill(9);
  const mac = createHmac('sha256', refKey)
    .update(lengthPrefixed('dice', '', 'b1', ''))
    .digest('hex');
  expect(refOf(refKey, 'dice', '', 'b1')).toBe(`0x${mac.slice(0, 32)}`);
  expect(refOf(new Uint8Array(32), 'dice', '', 'b1')).not.toBe(refOf(refKey, 'dice', '', 'b1'));
});

test('a round’s name on chain is 8 bytes of its hash', () => {
  const whole = keccak256(lengthPrefixed('dice', '', 'r1'));
  expect(roundHash('dice', '', 'r1')).toBe(whole.slice(0, 18));
});

test('a deployment is named by chain, BetBook and the hash of its block', () => {
  const betBook = `0x${'b0'.repeat(20)}` as const;
  const deployedBlockHash = `0x${'01'.repeat(32)}` as const;
  const packed = concat([toHex(31829, { size: 32 }), betBook, deployedBlockHash]);
  const expected = keccak256(packed).slice(0, 34);
  expect(deploymentIdOf({ chainId: 31829, betBook, deployedBlockHash })).toBe(expected);
  expect(deploymentIdOf({ chainId: 1, betBook, deployedBlockHash })).not.toBe(expected);
});
