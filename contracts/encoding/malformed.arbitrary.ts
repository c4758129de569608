import fc from 'fast-check';
import type { Hex } from 'viem';
import { anyUnit } from './batch.arbitrary.ts';
import { decodeBatch, encodeBatch } from './batch.ts';

/** Around every bound that a byte of structure has. */
const EDGES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 63, 64, 65, 254, 255];

const anyChange = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('structure' as const),
      place: fc.nat(),
      further: fc.nat({ max: 3 }),
      byte: fc.constantFrom(...EDGES),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('anywhere' as const),
      place: fc.nat(),
      byte: fc.nat({ max: 255 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), place: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('added' as const),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }),
    }),
  },
);

/**
 * Bytes that are a batch or nearly one: some with a count, code, flag or op changed, some too short or
 * too long. Of the changed ones some are still a batch.
 */
export const anyOps: fc.Arbitrary<Hex> = fc
  .record({
    units: fc.array(anyUnit, { maxLength: 2 }),
    changes: fc.array(anyChange, { maxLength: 2 }),
  })
  .map(({ units, changes }): Hex => {
    let ops = Buffer.from(encodeBatch(units).slice(2), 'hex');
    for (const change of changes) {
      if (change.kind === 'added') {
        ops = Buffer.concat([ops, change.bytes]);
      } else if (ops.length > 0) {
        let place = change.place % ops.length;
        if (change.kind === 'structure') place = structureAfter(ops, place, change.further);
        if (change.kind === 'cut') ops = ops.subarray(0, place);
        else ops[place] = change.byte;
      }
    }
    return `0x${ops.toString('hex')}`;
  });

/**
 * From `place` on (and round to the start), where a byte of 255 makes the batch malformed: an op, count,
 * flag, code, or a player in a group. `further` such places are passed over. Without any: `place`.
 */
function structureAfter(ops: Buffer, place: number, further: number): number {
  let left = further;
  for (let step = 0; step < ops.length; step++) {
    const candidate = (place + step) % ops.length;
    const changed = Buffer.from(ops);
    changed[candidate] = 255;
    try {
      decodeBatch(`0x${changed.toString('hex')}`);
    } catch {
      if (left === 0) return candidate;
      left -= 1;
    }
  }
  return place;
}
