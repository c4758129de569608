import { type Address, type Hex, numberToHex } from 'viem';
import { type Call, callsInState, findCall, setCallState } from '../ledger/calls.ts';
import { transactionsOfCall } from '../ledger/transactions.ts';
import { intrinsicGas } from './batches.ts';
import { waiting } from './broadcast.ts';
import { feesFor } from './fees.ts';
import { scopeOf } from './follow.ts';
import { requireFunds } from './funds.ts';
import { revertNameOf } from './revert.ts';
import { type Payload, signAndPersist } from './sign.ts';
import type { ExecutorContext, ExecutorFences, ExecutorState, Observation } from './state.ts';

const CALLS_READ_MAX = 200;

/** What to do with a call now. */
type Verdict =
  | { readonly kind: 'wait' }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'send'; readonly payload: Payload };

const WAIT: Verdict = { kind: 'wait' };

/**
 * Work outside lanes: simulates each call that is due, signs and persists what would succeed, and
 * fails what never will. A call is done by the receipt of its transaction (`follow`). A revert is a
 * verdict only once it, and what the call rests on, is final: a reorg can turn it into a success, and
 * a second transaction beside it would do the work twice. Resolves to the last failure of the endpoint, if any: the
 * call it concerns is tried again.
 *
 * @throws CroupierError `EXECUTOR_FEE_CEILING`, `EXECUTOR_FUNDS_SHORT`, `LEASE_LOST` (retryable)
 */
export async function sendCalls(
  context: ExecutorContext,
  state: ExecutorState,
  fences: ExecutorFences,
  observation: Observation,
): Promise<unknown> {
  const { ledger, deployment, limits } = context;
  let failure: unknown = null;
  const calls = await callsInState(ledger, {
    deployment,
    states: ['pending', 'sent'],
    max: CALLS_READ_MAX,
  });
  const inFlight = waiting(state, observation).filter(({ call }) => call !== null).length;
  const due = calls
    .filter(({ call }) => !isLive(state, call))
    .slice(0, Math.max(0, limits.callsInFlightMax - inFlight));
  const verdicts = await Promise.all(
    due.map((call) =>
      judge(context, state, observation, call).catch((error: unknown) => {
        failure = error;
        return WAIT;
      }),
    ),
  );
  const payloads: Payload[] = [];
  for (const [index, call] of due.entries()) {
    const verdict = verdicts[index] ?? WAIT;
    if (verdict.kind === 'send') payloads.push(verdict.payload);
    if (verdict.kind !== 'failed') continue;
    const { error } = verdict;
    await setCallState(ledger, { fence: fences.signer, call: call.call, state: 'failed', error });
  }
  if (payloads.length === 0) return failure;
  const fees = feesFor(observation.baseFeeWei, context.fees);
  requireFunds(observation, payloads, fees.maxFeePerGasWei);
  await signAndPersist(context, state, fences, { payloads, fees, chainNonce: observation.nonce });
  return failure;
}

async function judge(
  context: ExecutorContext,
  state: ExecutorState,
  observation: Observation,
  call: Call,
): Promise<Verdict> {
  const { ledger, deployment, limits } = context;
  if (call.after_call !== null) {
    const before = await findCall(ledger, deployment, call.after_call);
    if (before?.state === 'failed') return { kind: 'failed', error: before.error ?? 'unknown' };
    if (before?.state !== 'done') return WAIT;
  }
  const attempts = await transactionsOfCall(ledger, { ...scopeOf(context), call: call.call });
  if (attempts.filter(({ status }) => status === 0).length >= limits.callAttemptsMax) {
    return { kind: 'failed', error: 'EXECUTOR_CALL_ATTEMPTS' };
  }
  try {
    return { kind: 'send', payload: await simulate(context, observation, call) };
  } catch (error) {
    const name = revertNameOf(error);
    if (name === null) throw error;
    return isLive(state, call.after_call) ? WAIT : { kind: 'failed', error: name };
  }
}

/** A transaction of the call is on its way, or what became of it is not final. */
function isLive(state: ExecutorState, call: number | null): boolean {
  return call !== null && [...state.live.values()].some((it) => it.call === call);
}

async function simulate(
  context: ExecutorContext,
  observation: Observation,
  call: Call,
): Promise<Payload> {
  const [to, data] = [call.to as Address, call.data as Hex];
  const request = { from: context.signer.address, to, data };
  const block = numberToHex(observation.blockNumber);
  const [, estimate] = await context.rpc.batch<[Hex, Hex]>([
    { method: 'eth_call', params: [request, block] },
    { method: 'eth_estimateGas', params: [request, block] },
  ]);
  const executionGas = (BigInt(estimate) * 13n) / 10n - intrinsicGas(data).gas;
  return { to, data, executionGas, batch: null, call: call.call };
}
