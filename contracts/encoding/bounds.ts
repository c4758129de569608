import { PAGE_BETS_MAX } from './layout.ts';
import { runsOf } from './runs.ts';
import type { Unit } from './unit.ts';

/** What a unit can cost at most, without calldata; the same constants are public in BetBook. */
export const GAS_BOUNDS = {
  playRun: 40_000n,
  play: 7_000n,
  open: 32_000n,
  openRun: 32_000n,
  openBet: 6_000n,
  settle: 16_000n,
  settleLeaf: 200n,
  settleBet: 28_000n,
  credit: 45_000n,
  finish: 4_000n,
  topUp: 90_000n,
  release: 15_000n,
  group: 40_000n,
  flush: 40_000n,
} as const;

/**
 * The most gas that BetBook can use for the unit in a batch of its own. Calldata and the batch's own
 * work come on top. A play that shares its run with the one before costs `playRun` less.
 */
export function unitGasBound(unit: Unit): bigint {
  switch (unit.op) {
    case 'play':
      return GAS_BOUNDS.playRun + GAS_BOUNDS.play;
    case 'open':
      return (
        GAS_BOUNDS.open +
        GAS_BOUNDS.openRun * BigInt(runsOf(unit.bets, PAGE_BETS_MAX).length) +
        GAS_BOUNDS.openBet * BigInt(unit.bets.length)
      );
    case 'settle':
      return (
        GAS_BOUNDS.settle +
        GAS_BOUNDS.settleLeaf * BigInt(unit.preimage.bets.length) +
        GAS_BOUNDS.settleBet * BigInt(unit.outcomes.length)
      );
    case 'group':
      // Checked in full before it is applied.
      return (
        GAS_BOUNDS.group + 2n * unit.units.reduce((gas, member) => gas + unitGasBound(member), 0n)
      );
    default:
      return GAS_BOUNDS[unit.op];
  }
}
