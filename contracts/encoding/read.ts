import { type ByteReader, opsMalformed } from './bytes.ts';
import {
  GROUP_COUNT_MAX,
  OP,
  OUTCOME_CODES,
  PAGE_BETS_MAX,
  PLAY_COUNT_MAX,
  TOKEN_UNITS_MAX,
} from './layout.ts';
import { samePlayer } from './runs.ts';
import type {
  CreditUnit,
  GroupMember,
  GroupUnit,
  OpenBet,
  OpenUnit,
  PagePreimage,
  PlayUnit,
  SettleOutcome,
  SettleUnit,
  Unit,
} from './unit.ts';

// Everything here throws CroupierError `OPS_MALFORMED` (final) where the bytes are no op.

/** The next op: one unit, or one for each item of a PLAY. */
export function readOp(reader: ByteReader): Unit[] {
  const position = reader.position;
  const op = reader.number(1);
  switch (op) {
    case OP.play:
      return readPlays(reader, PLAY_COUNT_MAX);
    case OP.open:
      return [readOpen(reader, PAGE_BETS_MAX)];
    case OP.settle:
      return [readSettle(reader, PAGE_BETS_MAX)];
    case OP.credit:
      return [readCredit(reader)];
    case OP.finish:
      return [{ op: 'finish', bank: reader.number(4), round: reader.hex(8) }];
    case OP.topUp:
      return [
        {
          op: 'topUp',
          player: reader.hex(20),
          amountUnits: reader.bigint(12),
          ref: reader.hex(16),
        },
      ];
    case OP.release:
      return [{ op: 'release', player: reader.hex(20), ref: reader.hex(16) }];
    case OP.group:
      return [readGroup(reader)];
    default:
      throw opsMalformed(position, `got op ${op}, expected 1 to 8`);
  }
}

/** `countMax`: of runs, and of the items of a run. */
function readPlays(reader: ByteReader, countMax: number): PlayUnit[] {
  const plays: PlayUnit[] = [];
  const runs = readCount(reader, 'runs', countMax);
  for (let run = 0; run < runs; run++) {
    const player = reader.hex(20);
    const bank = reader.number(4);
    const items = readCount(reader, 'items of a run', countMax);
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

function readOpen(reader: ByteReader, betsMax: number): OpenUnit {
  const slot = reader.number(4);
  const dueS = reader.number(5);
  const round = reader.hex(8);
  const bonded = readBoolean(reader);
  const runs = readCount(reader, 'runs', betsMax);
  const bets: OpenBet[] = [];
  for (let run = 0; run < runs; run++) {
    const player = reader.hex(20);
    const bank = reader.number(4);
    const items = readCount(reader, 'bets of a page', betsMax - bets.length);
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

function readSettle(reader: ByteReader, outcomesMax: number): SettleUnit {
  const slot = reader.number(4);
  const preimage = readPreimage(reader);
  const count = readCount(reader, 'outcomes', outcomesMax);
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

function readCredit(reader: ByteReader): CreditUnit {
  return {
    op: 'credit',
    player: reader.hex(20),
    bank: reader.number(4),
    amountUnits: reader.bigint(12),
    ref: reader.hex(16),
  };
}

function readGroup(reader: ByteReader): GroupUnit {
  const player = reader.hex(20);
  const count = readCount(reader, 'members of a group', GROUP_COUNT_MAX);
  const units: GroupMember[] = [];
  for (let index = 0; index < count; index++) units.push(...readMember(reader, player));
  return { op: 'group', player, units };
}

function readMember(reader: ByteReader, player: GroupUnit['player']): GroupMember[] {
  const position = reader.position;
  const members = readMemberOp(reader);
  for (const member of members) {
    const bets = member.op === 'open' ? member.bets : member.op === 'settle' ? [] : [member];
    for (const bet of bets) {
      if (!samePlayer(bet.player, player)) {
        throw opsMalformed(position, `got a bet of ${bet.player} in a group of ${player}`);
      }
    }
  }
  return members;
}

function readMemberOp(reader: ByteReader): GroupMember[] {
  const position = reader.position;
  const op = reader.number(1);
  switch (op) {
    case OP.play:
      return readPlays(reader, 1);
    case OP.open:
      return [readOpen(reader, GROUP_COUNT_MAX)];
    case OP.settle:
      return [readSettle(reader, GROUP_COUNT_MAX)];
    case OP.credit:
      return [readCredit(reader)];
    default:
      throw opsMalformed(position, `got op ${op} in a group, expected 1 to 4`);
  }
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
