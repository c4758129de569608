import type { Address } from 'viem';

/** One provider's request about one player's round, whatever dialect it came in. */
export interface CanonicalRequest {
  readonly deployment: string;
  readonly provider: string;
  readonly brand: string;
  /** The provider's name for the request; the same again is the same request. */
  readonly idempotencyKey: string;
  readonly player: Address;
  readonly game: string;
  readonly round: string;
  readonly action: Action;
  /** Kept byte for byte, for disputes and evidence; so it must hold no secret. */
  readonly received: { readonly body: string; readonly signature: string; readonly atMs: number };
}

export type Action = BetAction | WinAction | VoidAction | CreditAction;

export interface BetAction {
  readonly type: 'bet';
  readonly txId: string;
  readonly stakeUnits: bigint;
  /** The most it can pay, the stake included: the bank holds the difference. */
  readonly maxPayoutUnits: bigint;
}

/** The result of a bet; `payoutUnits` 0 is a loss. */
export interface WinAction {
  readonly type: 'win';
  readonly txId: string;
  readonly betTxId: string;
  readonly payoutUnits: bigint;
}

/** The bet never counted: its stake goes back. Before its bet it is a tombstone. */
export interface VoidAction {
  readonly type: 'void';
  readonly txId: string;
  readonly betTxId: string;
}

/** A win without a bet: jackpot, free spins. */
export interface CreditAction {
  readonly type: 'credit';
  readonly txId: string;
  readonly amountUnits: bigint;
}

/** What the provider is answered: from the accepting transaction, or replayed byte for byte. */
export interface Answer {
  /** `refused` is final and stored; `failed` is retryable or a conflict, and not stored. */
  readonly outcome: 'accepted' | 'refused' | 'failed';
  readonly status: number;
  /** JSON text: an `AcceptedBody`, or an RFC 9457 problem with `code` and `errorClass`. */
  readonly body: string;
}

export interface AcceptedBody {
  readonly state: 'accepted';
  readonly provider: string;
  readonly brand: string;
  readonly round: string;
  readonly txId: string;
  /** The ref by which the action is found in the contract's events. */
  readonly ref: string;
  readonly player: Address;
  /** The player's spendable balance after this action, smallest units, decimal string. */
  readonly balance: string;
}
