import type { Rpc } from '../platform/chain/rpc.ts';
import { fetchHeader } from './headers.ts';

/**
 * When a block is final: with `depth` blocks on top of it, or when the node's `tag` says so. (A
 * Hardhat node's tag equals its head, so there it is a depth.)
 */
export type FinalityPolicy = { readonly depth: number } | { readonly tag: 'finalized' | 'safe' };

/** Number of the highest final block, or −1 when there is none. */
export async function finalBlockOf(
  rpc: Rpc,
  policy: FinalityPolicy,
  headNumber: number,
): Promise<number> {
  if ('depth' in policy) return Math.max(headNumber - policy.depth, -1);
  return (await fetchHeader(rpc, policy.tag))?.number ?? -1;
}
