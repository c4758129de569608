import { type ByteWriter, unitInvalid } from './bytes.ts';
import {
  GROUP_COUNT_MAX,
  OP,
  OUTCOME_CODES,
  PAGE_BETS_MAX,
  PLAY_COUNT_MAX,
  TOKEN_UNITS_MAX,
} from './layout.ts';
import { type RunMember, runsOf, samePlayer } from './runs.ts';
import type {
  CreditUnit,
  FinishUnit,
  GroupMember,
  GroupUnit,
  OpenUnit,
  PagePreimage,
  PlayUnit,
  ReleaseUnit,
  SettleUnit,
  TopUpUnit,
  Unit,
} from './unit.ts';

// Everything here throws CroupierError `UNIT_INVALID` (final) when a field is out of its range.

/** Plays as runs, in as few ops as hold them. */
export function writePlays(writer: ByteWriter, plays: readonly PlayUnit[]): void {
  const runs = runsOf(plays, PLAY_COUNT_MAX);
  for (let start = 0; start < runs.length; start += PLAY_COUNT_MAX) {
    const chunk = runs.slice(start, start + PLAY_COUNT_MAX);
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

/** Any unit that is an op of its own. */
export function writeOp(writer: ByteWriter, unit: Exclude<Unit, PlayUnit>): void {
  if (unit.op === 'open') writeOpen(writer, unit);
  else if (unit.op === 'settle') writeSettle(writer, unit);
  else if (unit.op === 'credit') writeCredit(writer, unit);
  else if (unit.op === 'finish') writeFinish(writer, unit);
  else if (unit.op === 'topUp') writeTopUp(writer, unit);
  else if (unit.op === 'release') writeRelease(writer, unit);
  else writeGroup(writer, unit);
}

/** The bytes whose keccak256 a slot keeps. */
export function writePreimage(writer: ByteWriter, preimage: PagePreimage): void {
  checkCount('bets of a page', preimage.bets.length, PAGE_BETS_MAX);
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

function writeOpen(writer: ByteWriter, unit: OpenUnit): void {
  checkCount('bets of a page', unit.bets.length, PAGE_BETS_MAX);
  writer.uint('op', OP.open, 1);
  writer.uint('slot', unit.slot, 4);
  writer.uint('dueS', unit.dueS, 5);
  writer.hex('round', unit.round, 8);
  writer.uint('bonded', unit.bonded ? 1 : 0, 1);
  const runs = runsOf(unit.bets, PAGE_BETS_MAX);
  writer.uint('runs', runs.length, 1);
  for (const run of runs) {
    writeRunHeader(writer, run);
    for (const { stakeUnits, profitUnits, ref } of run) {
      if (stakeUnits + profitUnits > TOKEN_UNITS_MAX) {
        throw unitInvalid(`stake and profit: got ${stakeUnits + profitUnits}, expected below 2^96`);
      }
      writer.uint('stakeUnits', stakeUnits, 12);
      writer.uint('profitUnits', profitUnits, 12);
      writer.hex('ref', ref, 16);
    }
  }
}

function writeSettle(writer: ByteWriter, unit: SettleUnit): void {
  checkCount('outcomes', unit.outcomes.length, PAGE_BETS_MAX);
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

function writeCredit(writer: ByteWriter, unit: CreditUnit): void {
  writer.uint('op', OP.credit, 1);
  writer.hex('player', unit.player, 20);
  writer.uint('bank', unit.bank, 4);
  writer.uint('amountUnits', unit.amountUnits, 12);
  writer.hex('ref', unit.ref, 16);
}

function writeFinish(writer: ByteWriter, unit: FinishUnit): void {
  writer.uint('op', OP.finish, 1);
  writer.uint('bank', unit.bank, 4);
  writer.hex('round', unit.round, 8);
}

function writeTopUp(writer: ByteWriter, unit: TopUpUnit): void {
  writer.uint('op', OP.topUp, 1);
  writer.hex('player', unit.player, 20);
  writer.uint('amountUnits', unit.amountUnits, 12);
  writer.hex('ref', unit.ref, 16);
}

function writeRelease(writer: ByteWriter, unit: ReleaseUnit): void {
  writer.uint('op', OP.release, 1);
  writer.hex('player', unit.player, 20);
  writer.hex('ref', unit.ref, 16);
}

function writeGroup(writer: ByteWriter, unit: GroupUnit): void {
  checkCount('members of a group', unit.units.length, GROUP_COUNT_MAX);
  writer.uint('op', OP.group, 1);
  writer.hex('player', unit.player, 20);
  writer.uint('count', unit.units.length, 1);
  for (const member of unit.units) {
    for (const player of playersOf(member)) {
      if (!samePlayer(player, unit.player)) {
        throw unitInvalid(`player in a group: got ${player}, expected ${unit.player}`);
      }
    }
    if (member.op === 'open') {
      checkCount('bets of a page in a group', member.bets.length, GROUP_COUNT_MAX);
    }
    if (member.op === 'settle') {
      checkCount('outcomes in a group', member.outcomes.length, GROUP_COUNT_MAX);
    }
    if (member.op === 'play') writePlays(writer, [member]);
    else writeOp(writer, member);
  }
}

/** Players that the member's bytes name outside of a preimage. */
function playersOf(member: GroupMember): GroupUnit['player'][] {
  if (member.op === 'settle') return [];
  return member.op === 'open' ? member.bets.map(({ player }) => player) : [member.player];
}

function writeRunHeader(writer: ByteWriter, run: readonly RunMember[]): void {
  const head = run[0];
  if (!head) return;
  writer.hex('player', head.player, 20);
  writer.uint('bank', head.bank, 4);
  writer.uint('items', run.length, 1);
}

function checkCount(name: string, count: number, most: number): void {
  if (count < 1 || count > most) {
    throw unitInvalid(`${name}: got ${count}, expected 1 to ${most}`);
  }
}
