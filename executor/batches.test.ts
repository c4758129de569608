import { size, toHex } from 'viem';
import { expect, test } from 'vitest';
import { decodeBatch, encodeUnit, GAS_BOUNDS } from '../contracts/encoding/batch.ts';
import type { PlayUnit } from '../contracts/encoding/unit.ts';
import { batchesOf, intrinsicGas } from './batches.ts';

const WIDE = { gasMax: 12_000_000n, bytesMax: 100_000, batchesMax: 4 };

function play(n: number): PlayUnit {
  return {
    op: 'play',
    player: `0x${'0'.repeat(39)}4`,
    bank: 1,
    stakeUnits: 10n,
    payoutUnits: 0n,
    refBet: toHex(n + 1, { size: 16 }),
    refWin: toHex(n + 1, { size: 16 }),
  };
}

function items(fromSeq: number, count: number) {
  return Array.from({ length: count }, (_, index) => ({
    seq: fromSeq + index,
    bytes: encodeUnit(play(index)),
    evidence_leaf: new Uint8Array(32).fill(index),
  }));
}

test('consecutive units share a batch, in order', () => {
  const [batch, ...more] = batchesOf(items(7, 5), WIDE);
  expect(more).toEqual([]);
  expect(batch).toMatchObject({ firstSeq: 7, nextSeq: 12 });
  expect(decodeBatch(batch?.ops ?? '0x')).toEqual([0, 1, 2, 3, 4].map(play));
});

test('neither gas nor bytes go beyond their bound, and nothing falls between two batches', () => {
  const gasMax = 80_000n + 3n * GAS_BOUNDS.play;
  const byGas = batchesOf(items(0, 10), { ...WIDE, gasMax });
  expect(byGas.map(({ firstSeq, nextSeq }) => [firstSeq, nextSeq])).toEqual([
    [0, 3],
    [3, 6],
    [6, 9],
    [9, 10],
  ]);
  for (const { executionGas } of byGas) expect(executionGas).toBeLessThanOrEqual(gasMax);
  const bytesMax = 4 * encodeUnit(play(0)).length;
  for (const { ops } of batchesOf(items(0, 10), { ...WIDE, bytesMax })) {
    expect(size(ops)).toBeLessThanOrEqual(bytesMax);
  }
});

test('no more batches than asked for', () => {
  const gasMax = 80_000n + GAS_BOUNDS.play;
  const batches = batchesOf(items(0, 10), { ...WIDE, gasMax, batchesMax: 2 });
  expect(batches.map(({ firstSeq, nextSeq }) => [firstSeq, nextSeq])).toEqual([
    [0, 1],
    [1, 2],
  ]);
});

test('a unit beyond the bounds makes a batch of its own', () => {
  expect(batchesOf(items(0, 2), { ...WIDE, gasMax: 1n })).toHaveLength(2);
});

test('calldata is priced as the chain prices it', () => {
  expect(intrinsicGas('0x')).toEqual({ gas: 21_000n, floor: 21_000n });
  expect(intrinsicGas('0x00ff')).toEqual({ gas: 21_020n, floor: 21_050n });
});
