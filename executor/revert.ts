import { type Abi, decodeErrorResult, type Hex, isHex } from 'viem';
import { betBookAbi } from '../contracts/generated/betBook.ts';
import { mockTokenAbi } from '../contracts/generated/mockToken.ts';
import { treasuryAbi } from '../contracts/generated/treasury.ts';
import { CroupierError } from '../platform/errors.ts';

/** The mock token has the standard errors (ERC-6093) of other tokens too. */
const ERRORS: Abi = [...betBookAbi, ...treasuryAbi, ...mockTokenAbi].filter(
  ({ type }) => type === 'error',
);

/**
 * The name of the contract's error, such as `LaneGap`, when the endpoint answered that the call
 * reverts; an error that no ABI knows is named by its selector. Null: the endpoint failed otherwise,
 * which says nothing about the call.
 */
export function revertNameOf(error: unknown): string | null {
  if (!(error instanceof CroupierError) || error.code !== 'RPC_ERROR') return null;
  const data = revertDataOf(error);
  if (data === null) return null;
  if (data === '0x') return 'Reverted';
  try {
    return decodeErrorResult({ abi: ERRORS, data }).errorName;
  } catch {
    return data.slice(0, 10);
  }
}

/** Endpoints put the data of a revert at different depths of the JSON-RPC error. */
const DEPTH_MAX = 5;

function revertDataOf(error: unknown): Hex | null {
  let isRevert = false;
  let value: unknown = error;
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    if (isHex(value)) return value;
    if (typeof value !== 'object' || value === null) break;
    if ('message' in value && /revert/i.test(String(value.message))) isRevert = true;
    value = 'data' in value && value.data ? value.data : 'cause' in value ? value.cause : null;
  }
  return isRevert ? '0x' : null;
}
