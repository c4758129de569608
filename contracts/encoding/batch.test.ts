import fc from 'fast-check';
import type { Hex } from 'viem';
import { expect, test } from 'vitest';
import { anyUnits } from './batch.arbitrary.ts';
import { decodeBatch, decodeUnit, encodeBatch, encodeUnit, numbersOf } from './batch.ts';
import type { PlayUnit } from './unit.ts';

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

test('a page uses a number for each of its bets, everything else one', () => {
  const bet = { player: play.player, bank: 1, stakeUnits: 1n, profitUnits: 1n, ref: play.refBet };
  expect(numbersOf(play)).toBe(1);
  expect(
    numbersOf({
      op: 'open',
      slot: 0,
      dueS: 1,
      round: '0x0000000000000000',
      bonded: false,
      bets: [bet, bet, bet],
    }),
  ).toBe(3);
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
