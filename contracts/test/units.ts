import { type Hex, keccak256, toHex } from 'viem';
import type { OpenBet, OpenUnit, PlayUnit } from '../encoding/unit.ts';

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
): OpenUnit => ({ op: 'open', slot, dueS, round: '0x0123456789abcdef', bonded, bets });
