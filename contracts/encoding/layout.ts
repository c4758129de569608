/** The first byte of an op. Never renumbered. */
export const OP = {
  play: 1,
  open: 2,
  settle: 3,
  credit: 4,
  finish: 5,
  topUp: 6,
  release: 7,
  group: 8,
} as const;

/** A SETTLE's outcome codes are positions here. */
export const OUTCOME_CODES = ['lost', 'full', 'void', 'explicit'] as const;

/** Runs of a PLAY, and items of one run. */
export const PLAY_COUNT_MAX = 255;

/** Bets of a page, and outcomes of a SETTLE. */
export const PAGE_BETS_MAX = 64;

/** Members of a group; in a group also bets of an OPEN, and outcomes of a SETTLE. */
export const GROUP_COUNT_MAX = 8;

/** What an amount's 12 bytes hold. */
export const TOKEN_UNITS_MAX = 2n ** 96n - 1n;
