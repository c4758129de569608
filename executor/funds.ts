import { CroupierError } from '../platform/errors.ts';
import { gasLimitOf, type Payload } from './sign.ts';
import type { Observation } from './state.ts';

/**
 * The signer can pay for all payloads at the highest fee.
 *
 * @throws CroupierError `EXECUTOR_FUNDS_SHORT` (retryable)
 */
export function requireFunds(
  observation: Observation,
  payloads: readonly Payload[],
  maxFeePerGasWei: bigint,
): void {
  let neededWei = 0n;
  for (const payload of payloads) neededWei += gasLimitOf(payload) * maxFeePerGasWei;
  if (neededWei <= observation.balanceWei) return;
  throw new CroupierError({
    code: 'EXECUTOR_FUNDS_SHORT',
    errorClass: 'retryable',
    message: `the executor cannot pay for gas: got ${observation.balanceWei} wei, expected ${neededWei} wei`,
  });
}
