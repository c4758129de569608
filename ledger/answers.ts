import type { ErrorClass } from '../platform/errors.ts';
import type { AcceptedBody, Answer } from './request.ts';

/** Every reason not to accept: its status, whether it is stored and replayed, its class and title. */
const REASONS = {
  STAKE_ZERO: [422, 'refused', 'final', 'A bet needs a stake'],
  STAKE_ABOVE_LIMIT: [422, 'refused', 'final', 'The stake is above what the grant allows per bet'],
  STAKE_ABOVE_BALANCE: [422, 'refused', 'final', 'The stake is above the balance'],
  SEAT_ENDED: [422, 'refused', 'final', 'The seat of the player has ended'],
  MAX_PAYOUT_BELOW_STAKE: [422, 'refused', 'final', 'The largest payout is below the stake'],
  PAYOUT_ABOVE_LIMIT: [
    422,
    'refused',
    'final',
    'The largest payout is above the limit of the bank',
  ],
  BET_VOIDED_BEFORE: [422, 'refused', 'final', 'The bet was voided before it came'],
  BET_ALREADY_SETTLED: [422, 'refused', 'final', 'The bet is settled'],
  BET_VOIDED: [422, 'refused', 'final', 'The bet is voided'],
  BET_EXPIRED: [
    422,
    'refused',
    'final',
    'The bet was not settled in time: its page expired on chain',
  ],
  BET_OF_OTHER_PLAYER: [422, 'refused', 'final', 'The bet is of another player'],
  PAYOUT_ABOVE_RESERVE: [
    422,
    'refused',
    'final',
    'The payout is above the largest payout of the bet',
  ],
  AMOUNT_ZERO: [422, 'refused', 'final', 'A credit needs an amount'],
  PLAYER_UNKNOWN: [404, 'failed', 'final', 'The player has no seat here'],
  BET_UNKNOWN: [404, 'failed', 'retryable', 'The bet has not come yet'],
  IDEMPOTENCY_CONFLICT: [
    409,
    'failed',
    'final',
    'The Idempotency-Key was used for another request',
  ],
  TRANSACTION_ID_TAKEN: [409, 'failed', 'final', 'The transaction id was used by another request'],
  BANK_HEADROOM_SHORT: [503, 'failed', 'retryable', 'The bank cannot cover it now'],
  BANK_DAY_LIMIT: [503, 'failed', 'retryable', 'The bank has reached a limit of its day'],
  BANK_PAUSED: [503, 'failed', 'retryable', 'The bank is paused'],
  BANK_HALTED: [503, 'failed', 'retryable', 'The bank is halted'],
  DUE_ABOVE_HORIZON: [
    503,
    'failed',
    'retryable',
    'The bank takes no bets that may stay open for so long',
  ],
  BANK_UNKNOWN: [503, 'failed', 'retryable', 'The bank was not seen on chain yet'],
  PROVIDER_UNKNOWN: [503, 'failed', 'retryable', 'The provider is not set up'],
  DEPLOYMENT_REBUILDING: [
    503,
    'failed',
    'retryable',
    'Balances are being read from the chain anew',
  ],
  DEPLOYMENT_NOT_ACTIVE: [503, 'failed', 'retryable', 'The deployment is not in use'],
} as const satisfies Record<string, readonly [number, 'refused' | 'failed', ErrorClass, string]>;

export type Reason = keyof typeof REASONS;

/** The answer to an accepted request. */
export function acceptedAnswer(body: AcceptedBody): Answer {
  return { outcome: 'accepted', status: 200, body: JSON.stringify(body) };
}

/** The RFC 9457 problem for the reason; `detail` says what was got and what was expected. */
export function problemAnswer(code: Reason, detail: string): Answer {
  const [status, outcome, errorClass, title] = REASONS[code];
  const type = `urn:croupier:problem:${code.toLowerCase()}`;
  return {
    outcome,
    status,
    body: JSON.stringify({ type, title, status, detail, code, errorClass }),
  };
}
