import { concat, type Hex, keccak256, toHex } from 'viem';
import { expect, test } from 'vitest';
import { evidenceRoot } from './evidence.ts';

const leaf = (n: number): Hex => keccak256(toHex(n));
const node = (left: Hex, right: Hex): Hex => keccak256(concat([left, right]));

test('one leaf is its own root', () => {
  expect(evidenceRoot([leaf(1)])).toBe(leaf(1));
});

test('an odd leaf rises unchanged', () => {
  const [a, b, c] = [leaf(1), leaf(2), leaf(3)] as const;
  expect(evidenceRoot([a, b, c])).toBe(node(node(a, b), c));
});

test('a changed or moved leaf changes the root', () => {
  const leaves = [1, 2, 3, 4, 5].map(leaf);
  const root = evidenceRoot(leaves);
  expect(evidenceRoot([...leaves].reverse())).not.toBe(root);
  expect(evidenceRoot(leaves.with(4, leaf(6)))).not.toBe(root);
});

test('no leaves is an error', () => {
  expect(() => evidenceRoot([])).toThrow(RangeError);
});
