import type { Address, Hex } from 'viem';
import { persistTransactions, type SignedTransaction } from '../ledger/transactions.ts';
import { intrinsicGas } from './batches.ts';
import type { Fees } from './fees.ts';
import { remember, scopeOf } from './follow.ts';
import { freeNonce } from './nonces.ts';
import type { ExecutorContext, ExecutorFences, ExecutorState, LiveTransaction } from './state.ts';

/** What a transaction shall do, before it has a nonce. */
export interface Payload {
  readonly to: Address;
  readonly data: Hex;
  /** Gas beside the price of the calldata. */
  readonly executionGas: bigint;
  readonly batch: LiveTransaction['batch'];
  readonly call: number | null;
}

/**
 * Gives each payload a nonce, signs it and commits its bytes; nothing is sent yet. The live
 * transactions hold them from then on: `broadcast` sends them.
 *
 * @throws CroupierError `LEASE_LOST` (retryable): nothing was kept
 */
export async function signAndPersist(
  context: ExecutorContext,
  state: ExecutorState,
  fences: ExecutorFences,
  args: { payloads: readonly Payload[]; fees: Fees; chainNonce: number },
): Promise<void> {
  const held = new Set([...state.live.values()].map(({ nonce }) => nonce));
  const signed: SignedTransaction[] = [];
  for (const payload of args.payloads) {
    const nonce = freeNonce(args.chainNonce, held);
    held.add(nonce);
    const { raw, hash } = await context.signer.signTransaction({
      chainId: context.facts.chainId,
      nonce,
      to: payload.to,
      data: payload.data,
      gas: gasLimitOf(payload),
      ...args.fees,
    });
    signed.push({
      ...scopeOf(context),
      chain_id: context.facts.chainId,
      nonce,
      hash,
      raw,
      lane: payload.batch?.lane ?? null,
      first_seq: payload.batch?.firstSeq ?? null,
      next_seq: payload.batch?.nextSeq ?? null,
      call: payload.call,
      state: 'signed',
      block_number: null,
      status: null,
      gas_used: null,
      signed_ms: context.ledger.clock.nowMs(),
    });
  }
  if (signed.length === 0) return;
  await persistTransactions(context.ledger, [fences.signer, ...fences.lanes], signed);
  context.ledger.crash('send.persisted');
  for (const row of signed) remember(state, row);
}

/** The gas limit of a transaction with this payload. */
export function gasLimitOf(payload: Pick<Payload, 'data' | 'executionGas'>): bigint {
  const { gas, floor } = intrinsicGas(payload.data);
  const wanted = gas + payload.executionGas;
  if (wanted < floor) return floor;
  return wanted;
}
