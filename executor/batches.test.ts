import { size, toHex } from 'viem';
import { expect, test } from 'vitest';
import { decodeBatch, encodeUnit } from '../contracts/encoding/batch.ts';
import { unitGasBound } from '../contracts/encoding/bounds.ts';
import type { OpenUnit, PlayUnit, Unit } from '../contracts/encoding/unit.ts';
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
  const gasMax = 80_000n + 3n * unitGasBound(play(0));
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

test('a unit takes as many numbers as it has bets, a group as many as its members', () => {
  const place = { player: play(0).player, bank: 1 };
  const ref = toHex(1, { size: 16 });
  const bets = Array.from({ length: 3 }, () => ({
    ...place,
    stakeUnits: 1n,
    profitUnits: 1n,
    ref,
  }));
  const open: OpenUnit = {
    ...{ op: 'open', slot: 0, dueS: 9, bonded: false, bets },
    round: toHex(1, { size: 8 }),
  };
  const group: Unit = { op: 'group', player: place.player, units: [play(0), open] };
  const finish: Unit = { op: 'finish', bank: 1, round: open.round };
  const topUp: Unit = { op: 'topUp', player: place.player, amountUnits: 1n, ref };
  const release: Unit = { op: 'release', player: place.player, ref };
  const units: Unit[] = [open, group, finish, topUp, release];
  const seqs = [5, 8, 12, 13, 14];
  const planned = units.map((unit, index) => ({
    seq: seqs[index] ?? 0,
    bytes: encodeUnit(unit),
    evidence_leaf: new Uint8Array(32),
  }));
  const [batch] = batchesOf(planned, WIDE);
  expect(batch).toMatchObject({ firstSeq: 5, nextSeq: 15 });
  expect(decodeBatch(batch?.ops ?? '0x')).toEqual(units);
  const bounds = units.reduce((sum, unit) => sum + unitGasBound(unit), 0n);
  expect(batch?.executionGas).toBe(80_000n + bounds);
  const alone = batchesOf(planned, { ...WIDE, gasMax: 1n, batchesMax: 9 });
  expect(alone.map(({ firstSeq, nextSeq }) => [firstSeq, nextSeq])).toEqual([
    [5, 8],
    [8, 12],
    [12, 13],
    [13, 14],
    [14, 15],
  ]);
});

test('no more batches than asked for', () => {
  const gasMax = 80_000n + unitGasBound(play(0));
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
