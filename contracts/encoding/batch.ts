import { bytesToHex, type Hex, hexToBytes } from 'viem';
import {
  type ByteReader,
  type ByteWriter,
  createByteReader,
  createByteWriter,
  opsMalformed,
  unitInvalid,
} from './bytes.ts';
import type {
  CreditUnit,
  OpenBet,
  OpenUnit,
  PagePreimage,
  PlayUnit,
  SettleOutcome,
  SettleUnit,
  Unit,
} from './unit.ts';

/** Bets of a page. */
export const PAGE_BETS_MAX = 64;

const OP = { play: 1, open: 2, settle: 3, credit: 4 } as const;
const OUTCOME_CODES = ['lost', 'full', 'void', 'explicit'] as const;
/** Counts of runs and of a run's items are one byte. */
const COUNT_MAX = 255;
const TOKEN_UNITS_MAX = 2n ** 96n - 1n;

/** What a unit can cost at most, without calldata; the same constants are public in BetBook. */
export const GAS_BOUNDS = {
  play: 24_000n,
  open: 40_000n,
  openBet: 50_000n,
  settle: 30_000n,
  settleLeaf: 200n,
  settleBet: 30_000n,
  credit: 20_000n,
  flush: 30_000n,
} as const;

/**
 * The bytes of `ops` for `applyBatch`. Adjacent plays share an op, and a run where player and bank are
 * the same; every other unit is an op of its own.
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
    if (unit.op === 'open') writeOpen(writer, unit);
    else if (unit.op === 'settle') writeSettle(writer, unit);
    else writeCredit(writer, unit);
  }
  flushPlays();
  return bytesToHex(writer.finish());
}

/**
 * The units of a batch, in order; a page or settlement is one unit, each play is one.
 * @throws CroupierError `OPS_MALFORMED` (final) where BetBook reverts with MalformedOps
 */
export function decodeBatch(ops: Hex): Unit[] {
  const reader = createByteReader(hexToBytes(ops));
  const units: Unit[] = [];
  while (!reader.atEnd) {
    const position = reader.position;
    const op = reader.number(1);
    if (op === OP.play) units.push(...readPlays(reader));
    else if (op === OP.open) units.push(readOpen(reader));
    else if (op === OP.settle) units.push(readSettle(reader));
    else if (op === OP.credit) units.push(readCredit(reader));
    else throw opsMalformed(position, `got op ${op}, expected 1 to 4`);
  }
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

/** How many numbers of its lane a unit uses: one, or one for each bet of a page. */
export function numbersOf(unit: Unit): number {
  return unit.op === 'open' ? unit.bets.length : 1;
}

/** The most gas that BetBook can use for the unit. Calldata and the batch's own work come on top. */
export function unitGasBound(unit: Unit): bigint {
  if (unit.op === 'play') return GAS_BOUNDS.play;
  if (unit.op === 'credit') return GAS_BOUNDS.credit;
  if (unit.op === 'open') return GAS_BOUNDS.open + GAS_BOUNDS.openBet * BigInt(unit.bets.length);
  return (
    GAS_BOUNDS.settle +
    GAS_BOUNDS.settleLeaf * BigInt(unit.preimage.bets.length) +
    GAS_BOUNDS.settleBet * BigInt(unit.outcomes.length)
  );
}

function writePlays(writer: ByteWriter, plays: readonly PlayUnit[]): void {
  const runs = chunksOf(runsOf(plays), COUNT_MAX);
  for (const chunk of runs) {
    writer.uint('op', OP.play, 1);
    writer.uint('runs', chunk.length, 1);
    for (const run of chunk) {
      writeRunHeader(writer, run);
      for (const play of run) {
        writer.uint('stakeUnits', play.stakeUnits, 12);
        writer.uint('payoutUnits', play.payoutUnits, 12);
        writer.hex('refBet', play.refBet, 16);
        writer.hex('refWin', play.refWin, 16);
      }
    }
  }
}

function readPlays(reader: ByteReader): PlayUnit[] {
  const plays: PlayUnit[] = [];
  const runs = readCount(reader, 'runs', COUNT_MAX);
  for (let run = 0; run < runs; run++) {
    const player = reader.hex(20);
    const bank = reader.number(4);
    const items = readCount(reader, 'items of a run', COUNT_MAX);
    for (let item = 0; item < items; item++) {
      plays.push({
        op: 'play',
        player,
        bank,
        stakeUnits: reader.bigint(12),
        payoutUnits: reader.bigint(12),
        refBet: reader.hex(16),
        refWin: reader.hex(16),
      });
    }
  }
  return plays;
}

function writeOpen(writer: ByteWriter, unit: OpenUnit): void {
  checkBets(unit.bets);
  writer.uint('op', OP.open, 1);
  writer.uint('slot', unit.slot, 4);
  writer.uint('dueS', unit.dueS, 5);
  writer.hex('round', unit.round, 8);
  writer.uint('bonded', unit.bonded ? 1 : 0, 1);
  const runs = runsOf(unit.bets);
  writer.uint('runs', runs.length, 1);
  for (const run of runs) {
    writeRunHeader(writer, run);
    for (const bet of run) {
      writer.uint('stakeUnits', bet.stakeUnits, 12);
      writer.uint('profitUnits', bet.profitUnits, 12);
      writer.hex('ref', bet.ref, 16);
    }
  }
}

function readOpen(reader: ByteReader): OpenUnit {
  const slot = reader.number(4);
  const dueS = reader.number(5);
  const round = reader.hex(8);
  const bonded = readBoolean(reader);
  const runs = readCount(reader, 'runs', PAGE_BETS_MAX);
  const bets: OpenBet[] = [];
  for (let run = 0; run < runs; run++) {
    const player = reader.hex(20);
    const bank = reader.number(4);
    const items = readCount(reader, 'bets of a page', PAGE_BETS_MAX - bets.length);
    for (let item = 0; item < items; item++) {
      const position = reader.position;
      const stakeUnits = reader.bigint(12);
      const profitUnits = reader.bigint(12);
      if (stakeUnits + profitUnits > TOKEN_UNITS_MAX) {
        throw opsMalformed(position, 'got a stake and profit above 2^96 − 1 together');
      }
      bets.push({ player, bank, stakeUnits, profitUnits, ref: reader.hex(16) });
    }
  }
  return { op: 'open', slot, dueS, round, bonded, bets };
}

function writePreimage(writer: ByteWriter, preimage: PagePreimage): void {
  checkCount('bets of a page', preimage.bets.length);
  writer.uint('firstSeq', preimage.firstSeq, 6);
  writer.uint('dueS', preimage.dueS, 5);
  writer.hex('round', preimage.round, 8);
  writer.uint('bonded', preimage.bonded ? 1 : 0, 1);
  writer.uint('count', preimage.bets.length, 1);
  for (const bet of preimage.bets) {
    writer.hex('player', bet.player, 20);
    writer.uint('bank', bet.bank, 4);
    writer.uint('stakeUnits', bet.stakeUnits, 12);
    writer.uint('profitUnits', bet.profitUnits, 12);
  }
}

function readPreimage(reader: ByteReader): PagePreimage {
  const firstSeq = reader.number(6);
  const dueS = reader.number(5);
  const round = reader.hex(8);
  const bonded = readBoolean(reader);
  const count = readCount(reader, 'bets of a page', PAGE_BETS_MAX);
  const bets = Array.from({ length: count }, () => ({
    player: reader.hex(20),
    bank: reader.number(4),
    stakeUnits: reader.bigint(12),
    profitUnits: reader.bigint(12),
  }));
  return { firstSeq, dueS, round, bonded, bets };
}

function writeSettle(writer: ByteWriter, unit: SettleUnit): void {
  checkCount('outcomes', unit.outcomes.length);
  writer.uint('op', OP.settle, 1);
  writer.uint('slot', unit.slot, 4);
  writePreimage(writer, unit.preimage);
  writer.uint('outcomes', unit.outcomes.length, 1);
  for (const outcome of unit.outcomes) {
    if (outcome.offset >= unit.preimage.bets.length) {
      throw unitInvalid(
        `offset: got ${outcome.offset}, expected below ${unit.preimage.bets.length}`,
      );
    }
    if ((outcome.code === 'explicit') !== (outcome.payoutUnits !== undefined)) {
      throw unitInvalid(`payoutUnits: expected with the code explicit only, got ${outcome.code}`);
    }
    writer.uint('offset', outcome.offset, 1);
    writer.uint('code', OUTCOME_CODES.indexOf(outcome.code), 1);
    if (outcome.payoutUnits !== undefined) writer.uint('payoutUnits', outcome.payoutUnits, 12);
    writer.hex('ref', outcome.ref, 16);
  }
}

function readSettle(reader: ByteReader): SettleUnit {
  const slot = reader.number(4);
  const preimage = readPreimage(reader);
  const count = readCount(reader, 'outcomes', PAGE_BETS_MAX);
  const outcomes: SettleOutcome[] = [];
  for (let index = 0; index < count; index++) {
    const position = reader.position;
    const offset = reader.number(1);
    const code = OUTCOME_CODES[reader.number(1)];
    if (offset >= preimage.bets.length || code === undefined) {
      throw opsMalformed(position, 'got an outcome of no bet of the page, or an unknown code');
    }
    const payout = code === 'explicit' ? { payoutUnits: reader.bigint(12) } : {};
    outcomes.push({ offset, code, ...payout, ref: reader.hex(16) });
  }
  return { op: 'settle', slot, preimage, outcomes };
}

function writeCredit(writer: ByteWriter, unit: CreditUnit): void {
  writer.uint('op', OP.credit, 1);
  writer.hex('player', unit.player, 20);
  writer.uint('bank', unit.bank, 4);
  writer.uint('amountUnits', unit.amountUnits, 12);
  writer.hex('ref', unit.ref, 16);
}

function readCredit(reader: ByteReader): CreditUnit {
  return {
    op: 'credit',
    player: reader.hex(20),
    bank: reader.number(4),
    amountUnits: reader.bigint(12),
    ref: reader.hex(16),
  };
}

type RunMember = Pick<PlayUnit, 'player' | 'bank'>;

/** Adjacent members with the same player and bank, at most 255 together. */
function runsOf<Member extends RunMember>(members: readonly Member[]): Member[][] {
  const runs: Member[][] = [];
  let run: Member[] = [];
  for (const member of members) {
    const head = run[0];
    const fits =
      head !== undefined &&
      run.length < COUNT_MAX &&
      head.bank === member.bank &&
      head.player.toLowerCase() === member.player.toLowerCase();
    if (!fits) {
      run = [];
      runs.push(run);
    }
    run.push(member);
  }
  return runs;
}

function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  const chunks: Item[][] = [];
  for (let start = 0; start < items.length; start += size) {
    chunks.push(items.slice(start, start + size));
  }
  return chunks;
}

function writeRunHeader(writer: ByteWriter, run: readonly RunMember[]): void {
  const head = run[0];
  if (!head) return;
  writer.hex('player', head.player, 20);
  writer.uint('bank', head.bank, 4);
  writer.uint('items', run.length, 1);
}

function readCount(reader: ByteReader, name: string, most: number): number {
  const position = reader.position;
  const count = reader.number(1);
  if (count < 1 || count > most) {
    throw opsMalformed(position, `${name}: got ${count}, expected 1 to ${most}`);
  }
  return count;
}

function readBoolean(reader: ByteReader): boolean {
  const position = reader.position;
  const value = reader.number(1);
  if (value > 1) throw opsMalformed(position, `got ${value}, expected 0 or 1`);
  return value === 1;
}

function checkBets(bets: readonly Pick<OpenBet, 'stakeUnits' | 'profitUnits'>[]): void {
  checkCount('bets of a page', bets.length);
  for (const { stakeUnits, profitUnits } of bets) {
    if (stakeUnits + profitUnits > TOKEN_UNITS_MAX) {
      throw unitInvalid(`stake and profit: got ${stakeUnits + profitUnits}, expected below 2^96`);
    }
  }
}

function checkCount(name: string, count: number): void {
  if (count < 1 || count > PAGE_BETS_MAX) {
    throw unitInvalid(`${name}: got ${count}, expected 1 to ${PAGE_BETS_MAX}`);
  }
}
