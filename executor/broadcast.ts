import { CroupierError } from '../platform/errors.ts';
import type { ExecutorContext, ExecutorState, LiveTransaction, Observation } from './state.ts';

/** The first repetition after a failed send; it doubles up to `rebroadcastMs`. */
const RESEND_MS = 100;

/**
 * Sends every live transaction that waits to be mined and is due, in nonce order, always the same
 * bytes. No answer of the endpoint decides anything: not an error (the bytes may have arrived), not
 * "already known" or "nonce too low" (an endpoint may be wrong). What was used and applied is read
 * from the chain. Resolves to the last failure, if any, for the status.
 */
export async function broadcast(
  context: ExecutorContext,
  state: ExecutorState,
  observation: Observation,
): Promise<unknown> {
  const { clock, crash } = context.ledger;
  let failure: unknown = null;
  for (const transaction of waiting(state, observation)) {
    if (transaction.resendAtMs > clock.nowMs()) continue;
    try {
      await context.rpc.call('eth_sendRawTransaction', [transaction.raw]);
      crash(transaction.call === null ? 'send.sent' : 'call.sent');
      transaction.sendFailures = 0;
      transaction.resendAtMs = clock.nowMs() + context.limits.rebroadcastMs;
    } catch (error) {
      if (!isHeldAlready(error)) failure = error;
      const isTimeout = error instanceof CroupierError && error.code === 'RPC_TIMEOUT';
      const backOffMs = RESEND_MS * 2 ** Math.min(transaction.sendFailures, 10);
      transaction.sendFailures += 1;
      transaction.resendAtMs = clock.nowMs() + Math.min(backOffMs, context.limits.rebroadcastMs);
      // A silent endpoint must not hold up the look at the chain once for each transaction.
      if (isTimeout) break;
    }
  }
  return failure;
}

/** The live transactions whose nonces the chain has not used, in nonce order. */
export function waiting(state: ExecutorState, observation: Observation): LiveTransaction[] {
  return [...state.live.values()]
    .filter(({ nonce, mined }) => mined === null && nonce >= observation.nonce)
    .toSorted((a, b) => a.nonce - b.nonce);
}

/** Sentences of nodes that hold, or held, the same transaction: not worth reporting. */
function isHeldAlready(error: unknown): boolean {
  return (
    error instanceof Error &&
    /already known|known transaction|already imported|already exists|nonce too low/i.test(
      error.message,
    )
  );
}
