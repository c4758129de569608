import fc from 'fast-check';
import type { Hex } from 'viem';
import { expect, test } from 'vitest';
import { anyUnits } from './batch.arbitrary.ts';
import {
  decodeBatch,
  decodeUnit,
  encodeBatch,
  encodeUnit,
  numbersOf,
  preimageOf,
} from './batch.ts';
import { unitGasBound } from './bounds.ts';
import type { GroupMember, OpenUnit, PlayUnit, SettleUnit, Unit } from './unit.ts';

const SEED = Number(process.env.CROUPIER_TEST_SEED ?? Date.now() % 2 ** 31);

const play: PlayUnit = {
  op: 'play',
  player: `0x${'ab'.repeat(20)}`,
  bank: 7,
  stakeUnits: 100n,
  payoutUnits: 250n,
  refBet: `0x${'11'.repeat(16)}`,
  refWin: `0x${'22'.repeat(16)}`,
};

test(`a batch reads back as it was written (seed ${SEED})`, () => {
  fc.assert(
    fc.property(anyUnits, (units) => {
      expect(decodeBatch(encodeBatch(units))).toEqual(units);
      for (const unit of units) expect(decodeUnit(encodeUnit(unit))).toEqual(unit);
    }),
    { seed: SEED, numRuns: 200 },
  );
});

test(`bytes that are no batch are refused, never misread (seed ${SEED})`, () => {
  fc.assert(
    fc.property(anyUnits, fc.nat(), fc.integer({ min: 0, max: 255 }), (units, place, byte) => {
      const ops = Buffer.from(encodeBatch(units).slice(2), 'hex');
      if (ops.length === 0) return;
      ops[place % ops.length] = byte;
      const changed: Hex = `0x${ops.toString('hex')}`;
      let read: ReturnType<typeof decodeBatch>;
      try {
        read = decodeBatch(changed);
      } catch (error) {
        expect(error).toMatchObject({ code: 'OPS_MALFORMED', errorClass: 'final' });
        return;
      }
      expect(decodeBatch(encodeBatch(read))).toEqual(read);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('plays of one player and bank share a run, and adjacent runs one op', () => {
  const other = { ...play, bank: 8 };
  const ops = encodeBatch([play, play, other]);
  const item = `${'0'.repeat(22)}64${'0'.repeat(22)}fa${'11'.repeat(16)}${'22'.repeat(16)}`;
  expect(ops).toBe(
    `0x0102${'ab'.repeat(20)}0000000702${item}${item}${'ab'.repeat(20)}0000000801${item}`,
  );
});

test('more than 255 plays of one player take several runs', () => {
  const units = Array.from({ length: 600 }, () => play);
  expect(decodeBatch(encodeBatch(units))).toEqual(units);
});

const open = (bets: number): OpenUnit => ({
  op: 'open',
  slot: 9,
  dueS: 1,
  round: '0x0102030405060708',
  bonded: true,
  bets: Array.from({ length: bets }, () => ({
    player: play.player,
    bank: 1,
    stakeUnits: 1n,
    profitUnits: 2n,
    ref: play.refBet,
  })),
});
const settle = (bets: number, outcomes: number): SettleUnit => ({
  op: 'settle',
  slot: 9,
  preimage: preimageOf(open(bets), 5),
  outcomes: Array.from({ length: outcomes }, () => ({ offset: 0, code: 'lost', ref: play.refBet })),
});
const group = (units: readonly GroupMember[]): Unit => ({
  op: 'group',
  player: play.player,
  units,
});

test('a page uses a number for each of its bets, a group those of its members, the others one', () => {
  expect(numbersOf(play)).toBe(1);
  expect(numbersOf(open(3))).toBe(3);
  expect(numbersOf(settle(3, 2))).toBe(1);
  expect(numbersOf(group([play, open(3), settle(3, 2)]))).toBe(5);
});

test('the small ops and a group stand as the layout says', () => {
  const player = 'ab'.repeat(20);
  const ref = '11'.repeat(16);
  const amount = `${'0'.repeat(22)}05`;
  const { player: who, refBet } = play;
  const bytesOf = (unit: Unit) => Buffer.from(encodeUnit(unit)).toString('hex');
  expect(bytesOf({ op: 'finish', bank: 7, round: '0x0102030405060708' })).toBe(
    '05000000070102030405060708',
  );
  expect(bytesOf({ op: 'topUp', player: who, amountUnits: 5n, ref: refBet })).toBe(
    `06${player}${amount}${ref}`,
  );
  expect(bytesOf({ op: 'release', player: who, ref: refBet })).toBe(`07${player}${ref}`);
  const credit = { op: 'credit', player: who, bank: 7, amountUnits: 5n, ref: refBet } as const;
  const creditBytes = `04${player}00000007${amount}${ref}`;
  expect(bytesOf(group([credit, play, play]))).toBe(
    `08${player}03${creditBytes}${bytesOf(play)}${bytesOf(play)}`,
  );
});

test('a group of anything that does not belong in one is refused both ways', () => {
  const other: Hex = `0x${'cd'.repeat(20)}`;
  for (const units of [
    [],
    Array.from({ length: 9 }, () => play),
    [{ ...play, player: other }],
    [{ ...open(1), bets: [{ ...open(1).bets[0], player: other }] } as OpenUnit],
    [open(9)],
    [settle(9, 9)],
  ]) {
    expect(() => encodeUnit(group(units))).toThrow(
      expect.objectContaining({ code: 'UNIT_INVALID', errorClass: 'final' }),
    );
  }
  const bytesOf = (units: readonly Unit[]) => encodeBatch(units).slice(2);
  const start = `0x08${'ab'.repeat(20)}`;
  const release = bytesOf([{ op: 'release', player: play.player, ref: play.refBet }]);
  for (const ops of [
    `${start}00`,
    `${start}09${bytesOf([play]).repeat(9)}`,
    `${start}01${bytesOf([play, play])}`,
    `${start}01${bytesOf([play, { ...play, bank: 8 }])}`,
    `${start}01${bytesOf([{ ...play, player: other }])}`,
    `${start}01${bytesOf([open(9)])}`,
    `${start}01${bytesOf([settle(9, 9)])}`,
    `${start}01${release}`,
    `${start}01${bytesOf([group([play])])}`,
    `${start}02${bytesOf([play])}`,
  ]) {
    expect(() => decodeBatch(ops as Hex)).toThrow(
      expect.objectContaining({ code: 'OPS_MALFORMED', errorClass: 'final' }),
    );
  }
  expect(decodeBatch(`${start}02${bytesOf([open(8), settle(64, 8)])}` as Hex)).toEqual([
    group([open(8), settle(64, 8)]),
  ]);
});

test('the bound of a unit grows with its runs, bets and outcomes, of a group twice its members', () => {
  const grown = (one: Unit, other: Unit) => unitGasBound(other) > unitGasBound(one);
  const twoRuns = { ...open(2), bets: [...open(1).bets, { ...play, ...open(1).bets[0], bank: 2 }] };
  expect(grown(open(1), open(2))).toBe(true);
  expect(grown(open(2), twoRuns as OpenUnit)).toBe(true);
  expect(grown(settle(2, 1), settle(3, 1))).toBe(true);
  expect(grown(settle(3, 1), settle(3, 2))).toBe(true);
  const both = unitGasBound(group([play, open(2)]));
  expect(both - unitGasBound(group([play]))).toBe(2n * unitGasBound(open(2)));
});

test('fields out of range are refused', () => {
  for (const change of [
    { stakeUnits: 2n ** 96n },
    { stakeUnits: -1n },
    { bank: 2 ** 32 },
    { bank: 1.5 },
    { refBet: '0x11' as Hex },
    { player: `0x${'zz'.repeat(20)}` as Hex },
  ]) {
    expect(() => encodeUnit({ ...play, ...change })).toThrow(
      expect.objectContaining({ code: 'UNIT_INVALID', errorClass: 'final' }),
    );
  }
  expect(() => decodeUnit(new Uint8Array())).toThrow(
    expect.objectContaining({ code: 'OPS_MALFORMED' }),
  );
});
