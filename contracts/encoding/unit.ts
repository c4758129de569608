import type { Address, Hex } from 'viem';

/**
 * The units that BetBook's `applyBatch` applies one by one (design, "Batches"). A unit is never split
 * between transactions. Each of them uses one number of its lane, an OPEN one per bet, a group those
 * of its members.
 */
export type Unit = GroupMember | FinishUnit | TopUpUnit | ReleaseUnit | GroupUnit;

/** What a group may hold. */
export type GroupMember = PlayUnit | OpenUnit | SettleUnit | CreditUnit;

/** A bet and its result, opened and settled at once. */
export interface PlayUnit {
  readonly op: 'play';
  readonly player: Address;
  readonly bank: number;
  readonly stakeUnits: bigint;
  readonly payoutUnits: bigint;
  readonly refBet: Hex;
  /** The ref of the request that brought the result. */
  readonly refWin: Hex;
}

/** One page of 1 to 64 bets. */
export interface OpenUnit {
  readonly op: 'open';
  readonly slot: number;
  /** Seconds since the Unix epoch. */
  readonly dueS: number;
  /** First 8 bytes of the round's hash. */
  readonly round: Hex;
  readonly bonded: boolean;
  readonly bets: readonly OpenBet[];
}

export interface OpenBet {
  readonly player: Address;
  readonly bank: number;
  readonly stakeUnits: bigint;
  /** The most the bank can lose on it: the largest payout is stake + profit. */
  readonly profitUnits: bigint;
  readonly ref: Hex;
}

export interface SettleUnit {
  readonly op: 'settle';
  readonly slot: number;
  /** As the OPEN fixed it; the contract checks its hash. */
  readonly preimage: PagePreimage;
  readonly outcomes: readonly SettleOutcome[];
}

/** What a page's hash covers: its header and the leaf of every bet, refused ones too. */
export interface PagePreimage {
  /** Number of the page's first bet in its lane. */
  readonly firstSeq: number;
  readonly dueS: number;
  readonly round: Hex;
  readonly bonded: boolean;
  readonly bets: readonly Omit<OpenBet, 'ref'>[];
}

export interface SettleOutcome {
  /** Position of the bet in its page. */
  readonly offset: number;
  readonly code: 'lost' | 'full' | 'void' | 'explicit';
  /** Only with `explicit`. */
  readonly payoutUnits?: bigint;
  readonly ref: Hex;
}

/** A win without a bet. */
export interface CreditUnit {
  readonly op: 'credit';
  readonly player: Address;
  readonly bank: number;
  readonly amountUnits: bigint;
  readonly ref: Hex;
}

/** The provider says that a round is over. */
export interface FinishUnit {
  readonly op: 'finish';
  readonly bank: number;
  /** First 8 bytes of the round's hash. */
  readonly round: Hex;
}

/** More money for a seat, within its grant's top-up. */
export interface TopUpUnit {
  readonly op: 'topUp';
  readonly player: Address;
  readonly amountUnits: bigint;
  readonly ref: Hex;
}

/** The end of a seat, in lane order. */
export interface ReleaseUnit {
  readonly op: 'release';
  readonly player: Address;
  readonly ref: Hex;
}

/** Items of one player that land together or not at all. */
export interface GroupUnit {
  readonly op: 'group';
  readonly player: Address;
  /** 1 to 8. An OPEN has at most 8 bets here, all the player's; a SETTLE at most 8 outcomes. */
  readonly units: readonly GroupMember[];
}
