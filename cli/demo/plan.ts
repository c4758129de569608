import { createHash } from 'node:crypto';

/** What a player brings: so much more than all stakes that no balance runs dry by chance. */
export const BUY_IN_UNITS = 100_000_000n;
/** The most a planned bet stakes. */
export const STAKE_UNITS_MAX = 2_000n;
/** The stake of a bet that must be refused; also the limit that players sign, so that the balance decides. */
export const OVER_BALANCE_STAKE_UNITS = 5n * BUY_IN_UNITS;
/** The most a planned bet pays, its stake included. */
export const PAYOUT_UNITS_MAX = 39_200n;

/** What a bet returns on average; the rest is the house's edge. */
const RETURN_PERCENT = 98n;
const CREDIT_UNITS_MAX = 500;
const ROUND_BETS_MAX = 4;
/** Longer than the gateway's play window, so that the bet is opened before its result comes. */
const LATER_MS_MIN = 1_500;
const LATER_MS_MAX = 3_000;
const CHANCES_PERCENT = [5n, 10n, 25n, 50n, 75n, 95n] as const;

/** What a play is: its share of all plays in thousandths. */
const SHARES = [
  ['instant', 640],
  ['later', 110],
  ['voidEarly', 35],
  ['voidLate', 35],
  ['round', 140],
  ['overBalance', 20],
  ['credit', 20],
] as const;

export type PlayKind = (typeof SHARES)[number][0];

export type PlannedAction =
  | {
      readonly type: 'bet';
      readonly txId: string;
      readonly stakeUnits: bigint;
      readonly maxPayoutUnits: bigint;
    }
  | {
      readonly type: 'win';
      readonly txId: string;
      readonly betTxId: string;
      readonly payoutUnits: bigint;
    }
  | {
      readonly type: 'void';
      readonly txId: string;
      readonly betTxId: string;
      readonly stakeUnits: bigint;
    }
  | { readonly type: 'credit'; readonly txId: string; readonly amountUnits: bigint };

export interface Step {
  /** Time to let pass after the answer to the step before. */
  readonly waitMs: number;
  readonly action: PlannedAction;
}

/** One round of one player. */
export interface Play {
  readonly index: number;
  readonly kind: PlayKind;
  /** From 0. */
  readonly playerNo: number;
  readonly round: string;
  /** Bets that are to be accepted. */
  readonly bets: number;
  readonly steps: readonly Step[];
}

/**
 * The play with number `index`: the same for the same arguments, always. A round of several bets is
 * cut to its first `betsMax`; nothing else depends on `betsMax`, which is at least 1.
 */
export function playAt(args: {
  seed: string;
  index: number;
  playerCount: number;
  betsMax: number;
}): Play {
  const { seed, index, playerCount, betsMax } = args;
  const draw = createDraws(`${seed}:${index}`);
  const kind = drawKind(draw);
  const playerNo = draw(playerCount);
  const round = `${seed}-${index}`;
  const play = (bets: number, steps: Step[]): Play => {
    return { index, kind, playerNo, round, bets, steps };
  };
  const laterMs = LATER_MS_MIN + draw(LATER_MS_MAX - LATER_MS_MIN);

  if (kind === 'credit') {
    const amountUnits = BigInt(1 + draw(CREDIT_UNITS_MAX));
    return play(0, [
      { waitMs: 0, action: { type: 'credit', txId: `${round}-credit`, amountUnits } },
    ]);
  }
  if (kind === 'overBalance') {
    const stakeUnits = OVER_BALANCE_STAKE_UNITS;
    const bet = {
      type: 'bet',
      txId: `${round}-bet0`,
      stakeUnits,
      maxPayoutUnits: stakeUnits,
    } as const;
    return play(0, [{ waitMs: 0, action: bet }]);
  }
  if (kind === 'round') {
    const wanted = 2 + draw(ROUND_BETS_MAX - 1);
    const waitMs = draw(2) === 0 ? 0 : laterMs;
    const dice = Array.from({ length: wanted }, (_, number) => drawDice(draw, round, number));
    const kept = dice.slice(0, betsMax);
    return play(kept.length, [
      ...kept.map(({ bet }) => ({ waitMs: 0, action: bet })),
      ...kept.map(({ win }, number) => ({ waitMs: number === 0 ? waitMs : 0, action: win })),
    ]);
  }
  const { bet, win } = drawDice(draw, round, 0);
  const waitMs = kind === 'later' || kind === 'voidLate' ? laterMs : 0;
  const end: PlannedAction =
    kind === 'voidEarly' || kind === 'voidLate'
      ? { type: 'void', txId: `${round}-void0`, betTxId: bet.txId, stakeUnits: bet.stakeUnits }
      : kind === 'later'
        ? cashOut(draw, win)
        : win;
  return play(1, [
    { waitMs: 0, action: bet },
    { waitMs, action: end },
  ]);
}

/** A throw of the dice on a chance of so many percent, at a price that keeps the house's edge. */
function drawDice(draw: Draw, round: string, number: number) {
  const chancePercent = CHANCES_PERCENT[draw(CHANCES_PERCENT.length)] ?? CHANCES_PERCENT[0];
  const stakeUnits = BigInt(1 + draw(Number(STAKE_UNITS_MAX)));
  const maxPayoutUnits = (stakeUnits * RETURN_PERCENT) / chancePercent;
  const payoutUnits = BigInt(draw(100)) < chancePercent ? maxPayoutUnits : 0n;
  const betTxId = `${round}-bet${number}`;
  return {
    bet: { type: 'bet', txId: betTxId, stakeUnits, maxPayoutUnits },
    win: { type: 'win', txId: `${round}-win${number}`, betTxId, payoutUnits },
  } as const;
}

/** One in three players of a bet that is settled later takes a part of the payout before the throw. */
function cashOut(draw: Draw, win: PlannedAction & { type: 'win' }): PlannedAction {
  if (draw(3) !== 0) return win;
  return { ...win, payoutUnits: (win.payoutUnits * BigInt(1 + draw(99))) / 100n };
}

function drawKind(draw: Draw): PlayKind {
  let rest = draw(SHARES.reduce((sum, [, share]) => sum + share, 0));
  for (const [kind, share] of SHARES) {
    if (rest < share) return kind;
    rest -= share;
  }
  return 'instant';
}

/** A number from 0 to below `end`. */
type Draw = (end: number) => number;

function createDraws(name: string): Draw {
  let block = Buffer.alloc(0);
  let blocks = 0;
  let offset = 0;
  return (end) => {
    if (offset === block.length) {
      block = createHash('sha256').update(`${name}:${blocks}`).digest();
      blocks += 1;
      offset = 0;
    }
    const word = block.readUInt32BE(offset);
    offset += 4;
    return word % end;
  };
}
