import { bytesToHex, type Hex, hexToBytes } from 'viem';
import { createByteReader, createByteWriter, opsMalformed } from './bytes.ts';
import { readOp } from './read.ts';
import type { OpenUnit, PagePreimage, PlayUnit, Unit } from './unit.ts';
import { writeOp, writePlays, writePreimage } from './write.ts';

/**
 * The bytes of `ops` for `applyBatch`. Adjacent plays share an op, and a run where player and bank are
 * the same; every other unit is an op of its own, and so is every play in a group.
 * @throws CroupierError `UNIT_INVALID` (final) when a field is out of its range
 */
export function encodeBatch(units: readonly Unit[]): Hex {
  const writer = createByteWriter();
  let plays: PlayUnit[] = [];
  const flushPlays = () => {
    writePlays(writer, plays);
    plays = [];
  };
  for (const unit of units) {
    if (unit.op === 'play') {
      plays.push(unit);
      continue;
    }
    flushPlays();
    writeOp(writer, unit);
  }
  flushPlays();
  return bytesToHex(writer.finish());
}

/**
 * The units of a batch, in order: each play is one, and every other op.
 * @throws CroupierError `OPS_MALFORMED` (final) where BetBook reverts with MalformedOps when it applies
 * the batch
 */
export function decodeBatch(ops: Hex): Unit[] {
  const reader = createByteReader(hexToBytes(ops));
  const units: Unit[] = [];
  while (!reader.atEnd) units.push(...readOp(reader));
  return units;
}

/**
 * The canonical bytes of one unit: a batch of it alone.
 * @throws CroupierError `UNIT_INVALID` (final) when a field is out of its range
 */
export function encodeUnit(unit: Unit): Uint8Array {
  return hexToBytes(encodeBatch([unit]));
}

/**
 * Reads what `encodeUnit` wrote.
 * @throws CroupierError `OPS_MALFORMED` (final) when the bytes are not exactly one unit
 */
export function decodeUnit(bytes: Uint8Array): Unit {
  const [unit, ...rest] = decodeBatch(bytesToHex(bytes));
  if (!unit || rest.length > 0) {
    throw opsMalformed(0, `got ${rest.length + (unit ? 1 : 0)} units, expected 1`);
  }
  return unit;
}

/**
 * The bytes whose keccak256 a slot keeps (its upper 192 bits).
 * @throws CroupierError `UNIT_INVALID` (final) when a field is out of its range
 */
export function encodePreimage(preimage: PagePreimage): Hex {
  const writer = createByteWriter();
  writePreimage(writer, preimage);
  return bytesToHex(writer.finish());
}

/** The preimage of the page that `unit` opens when its first bet gets the number `firstSeq`. */
export function preimageOf(unit: OpenUnit, firstSeq: number): PagePreimage {
  return {
    firstSeq,
    dueS: unit.dueS,
    round: unit.round,
    bonded: unit.bonded,
    bets: unit.bets.map(({ player, bank, stakeUnits, profitUnits }) => ({
      player,
      bank,
      stakeUnits,
      profitUnits,
    })),
  };
}

/** How many numbers of its lane a unit uses: one, one for each bet of a page, a group its members'. */
export function numbersOf(unit: Unit): number {
  if (unit.op === 'open') return unit.bets.length;
  if (unit.op !== 'group') return 1;
  return unit.units.reduce((numbers, member) => numbers + numbersOf(member), 0);
}
