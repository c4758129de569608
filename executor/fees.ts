import { CroupierError } from '../platform/errors.ts';

/** How many times the base fee may rise while a transaction waits. */
const BASE_FEE_MULTIPLE = 4n;

export interface FeePolicy {
  /** Never offer more for a unit of gas. */
  readonly ceilingWei: bigint;
  readonly tipWei: bigint;
}

export interface Fees {
  readonly maxFeePerGasWei: bigint;
  readonly maxPriorityFeePerGasWei: bigint;
}

/**
 * Fee caps for a new transaction: four base fees and the tip, at most the ceiling.
 *
 * @throws CroupierError `EXECUTOR_FEE_CEILING` (retryable) when the chain asks for more now
 */
export function feesFor(baseFeeWei: bigint, policy: FeePolicy): Fees {
  if (baseFeeWei + policy.tipWei > policy.ceilingWei) {
    throw new CroupierError({
      code: 'EXECUTOR_FEE_CEILING',
      errorClass: 'retryable',
      message: `the chain's base fee is too high: got ${baseFeeWei} wei, expected at most ${policy.ceilingWei - policy.tipWei} wei`,
    });
  }
  const wanted = baseFeeWei * BASE_FEE_MULTIPLE + policy.tipWei;
  return {
    maxFeePerGasWei: wanted < policy.ceilingWei ? wanted : policy.ceilingWei,
    maxPriorityFeePerGasWei: policy.tipWei,
  };
}
