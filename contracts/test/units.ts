import { type Hex, keccak256, toHex } from 'viem';
import { preimageOf } from '../encoding/batch.ts';
import type {
  CreditUnit,
  FinishUnit,
  GroupMember,
  GroupUnit,
  OpenBet,
  OpenUnit,
  PlayUnit,
  ReleaseUnit,
  SettleOutcome,
  SettleUnit,
  TopUpUnit,
} from '../encoding/unit.ts';

export const ROUND: Hex = '0x0123456789abcdef';

/** A ref that names what it is for. */
export const refOf = (name: string): Hex => keccak256(toHex(name)).slice(0, 34) as Hex;

export const play = (player: Hex, stakeUnits: bigint, payoutUnits: bigint, bank = 1): PlayUnit => ({
  op: 'play',
  player,
  bank,
  stakeUnits,
  payoutUnits,
  refBet: refOf('bet'),
  refWin: refOf('win'),
});

export const bet = (player: Hex, stakeUnits: bigint, profitUnits: bigint, bank = 1): OpenBet => ({
  player,
  bank,
  stakeUnits,
  profitUnits,
  ref: refOf('bet'),
});

export const open = (
  slot: number,
  dueS: number,
  bets: readonly OpenBet[],
  bonded = false,
): OpenUnit => ({ op: 'open', slot, dueS, round: ROUND, bonded, bets });

export const outcome = (
  offset: number,
  code: SettleOutcome['code'],
  payoutUnits?: bigint,
): SettleOutcome => ({
  offset,
  code,
  ...(payoutUnits === undefined ? {} : { payoutUnits }),
  ref: refOf(`outcome ${offset}`),
});

/** A settlement of the page whose first bet has the number `firstSeq`. */
export const settle = (
  opened: OpenUnit,
  firstSeq: number,
  outcomes: readonly SettleOutcome[],
): SettleUnit => ({
  op: 'settle',
  slot: opened.slot,
  preimage: preimageOf(opened, firstSeq),
  outcomes,
});

export const credit = (player: Hex, amountUnits: bigint, bank = 1): CreditUnit => ({
  op: 'credit',
  player,
  bank,
  amountUnits,
  ref: refOf('credit'),
});

export const finish = (bank = 1): FinishUnit => ({ op: 'finish', bank, round: ROUND });

export const topUp = (player: Hex, amountUnits: bigint): TopUpUnit => ({
  op: 'topUp',
  player,
  amountUnits,
  ref: refOf('top-up'),
});

export const release = (player: Hex): ReleaseUnit => ({
  op: 'release',
  player,
  ref: refOf('release'),
});

export const group = (player: Hex, units: readonly GroupMember[]): GroupUnit => ({
  op: 'group',
  player,
  units,
});
