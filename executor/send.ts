import { encodeFunctionData, type Hex, numberToHex } from 'viem';
import { laneOf } from '../contracts/encoding/message.ts';
import { betBookAbi } from '../contracts/generated/betBook.ts';
import { plannedItems } from '../ledger/items.ts';
import { CroupierError } from '../platform/errors.ts';
import { type Batch, batchesOf } from './batches.ts';
import { waiting } from './broadcast.ts';
import { coveredUpTo } from './coverage.ts';
import { feesFor } from './fees.ts';
import { requireFunds } from './funds.ts';
import { revertNameOf } from './revert.ts';
import { gasLimitOf, type Payload, signAndPersist } from './sign.ts';
import type {
  ExecutorContext,
  ExecutorFences,
  ExecutorState,
  LaneState,
  LiveTransaction,
  Observation,
} from './state.ts';

/** Units read at a time: more than a few batches hold. */
const ITEMS_PER_READ_MAX = 2_000;
const HOLD_MS = 250;
const HOLD_MS_MAX = 10_000;

/**
 * Signs and persists what each lane still lacks: its items from where its pending batches will bring
 * it. After a revert, a reorg or a foreign nonce that is `next` itself, so the same numbers go out
 * again under new nonces, which the contract makes harmless.
 *
 * A lane that cannot go on says so in its `error`: `EXECUTOR_BATCH_REVERTS`, `EXECUTOR_LANE_AHEAD`,
 * `EXECUTOR_ITEM_MISSING`.
 *
 * @throws CroupierError `EXECUTOR_FEE_CEILING`, `EXECUTOR_FUNDS_SHORT`, `LEASE_LOST` (retryable)
 */
export async function sendLanes(
  context: ExecutorContext,
  state: ExecutorState,
  fences: ExecutorFences,
  observation: Observation,
): Promise<void> {
  const pending = waiting(state, observation);
  const payloads: Payload[] = [];
  for (const lane of state.lanes) {
    try {
      payloads.push(...(await payloadsOf(context, lane, pending, observation)));
    } catch (error) {
      // One lane that an operator must judge does not stop the others.
      if (!(error instanceof CroupierError) || error.errorClass !== 'fatal') throw error;
      lane.error = { code: error.code, message: error.message };
    }
  }
  const filler = payloads.length === 0 ? gapFiller(context, state, pending, observation) : null;
  if (filler !== null) payloads.push(filler);
  if (payloads.length === 0) return;
  const fees = feesFor(observation.baseFeeWei, context.fees);
  requireFunds(observation, payloads, fees.maxFeePerGasWei);
  await signAndPersist(context, state, fences, { payloads, fees, chainNonce: observation.nonce });
}

async function payloadsOf(
  context: ExecutorContext,
  lane: LaneState,
  pending: readonly LiveTransaction[],
  observation: Observation,
): Promise<Payload[]> {
  const { limits, ledger } = context;
  if (lane.landedNext > lane.plannedNext) throw laneAhead(lane);
  if (!lane.suspicious) lane.error = null;
  const ours = pending.flatMap(({ nonce, batch }) =>
    batch?.lane === lane.lane ? [{ nonce, ...batch }] : [],
  );
  const covered = coveredUpTo(lane.landedNext, ours);
  const batchesMax = limits.batchesInFlightPerLaneMax - ours.length;
  if (covered >= lane.plannedNext || batchesMax <= 0) return [];
  if (lane.suspicious && (ours.length > 0 || ledger.clock.nowMs() < lane.holdUntilMs)) return [];
  const items = await plannedItems(ledger, {
    deployment: context.deployment,
    lane: lane.lane,
    fromSeq: covered,
    max: ITEMS_PER_READ_MAX,
  });
  if (items[0]?.seq !== covered) throw itemMissing(lane, covered, items[0]?.seq);
  const batches = batchesOf(items, {
    gasMax: limits.batchGasMax,
    bytesMax: limits.batchBytesMax,
    batchesMax: lane.suspicious ? 1 : batchesMax,
  });
  const payloads = batches.map((batch) => payloadOf(context, lane, batch));
  if (!lane.suspicious) return payloads;
  const [head] = payloads;
  return head !== undefined && (await passes(context, lane, head, observation)) ? [head] : [];
}

function payloadOf(context: ExecutorContext, lane: LaneState, batch: Batch): Payload {
  const { firstSeq, nextSeq, evidence, ops, executionGas } = batch;
  const data = encodeFunctionData({
    abi: betBookAbi,
    functionName: 'applyBatch',
    args: [Number(laneOf(context.facts.operatorNo, lane.lane)), firstSeq, evidence, ops],
  });
  return {
    to: context.facts.betBook,
    data,
    executionGas,
    batch: { lane: lane.lane, firstSeq, nextSeq },
    call: null,
  };
}

/** Only the head batch of a lane can be simulated: the others would see LaneGap. */
async function passes(
  context: ExecutorContext,
  lane: LaneState,
  payload: Payload,
  observation: Observation,
): Promise<boolean> {
  const request = {
    from: context.signer.address,
    to: payload.to,
    data: payload.data,
    gas: numberToHex(gasLimitOf(payload)),
  };
  try {
    await context.rpc.call<Hex>('eth_call', [request, numberToHex(observation.blockNumber)]);
    lane.suspicious = false;
    lane.error = null;
    return true;
  } catch (error) {
    const name = revertNameOf(error);
    if (name === null) throw error;
    const holdMs = Math.min(HOLD_MS * 2 ** Math.min(lane.holdFailures, 10), HOLD_MS_MAX);
    lane.holdFailures += 1;
    lane.holdUntilMs = context.ledger.clock.nowMs() + holdMs;
    lane.error = {
      code: 'EXECUTOR_BATCH_REVERTS',
      message: `lane ${lane.lane} from ${payload.batch?.firstSeq}: got revert ${name}, expected the batch to apply`,
    };
    return false;
  }
}

/**
 * A nonce below our pending ones that nobody holds (the foreign transaction that used it was
 * reorganised away) would hold them up for good: a transfer of nothing uses it up.
 */
function gapFiller(
  context: ExecutorContext,
  state: ExecutorState,
  pending: readonly LiveTransaction[],
  observation: Observation,
): Payload | null {
  const [first] = pending;
  const nowMs = context.ledger.clock.nowMs();
  if (first === undefined || first.nonce === observation.nonce) {
    state.nonceGapSinceMs = null;
    return null;
  }
  state.nonceGapSinceMs ??= nowMs;
  if (nowMs - state.nonceGapSinceMs < context.limits.rebroadcastMs) return null;
  return { to: context.signer.address, data: '0x', executionGas: 0n, batch: null, call: null };
}

function laneAhead(lane: LaneState): CroupierError {
  return new CroupierError({
    code: 'EXECUTOR_LANE_AHEAD',
    errorClass: 'fatal',
    message: `lane ${lane.lane} has numbers that this ledger never gave: got next ${lane.landedNext} on chain, expected at most ${lane.plannedNext}`,
    details: { lane: lane.lane, next: lane.landedNext, planned: lane.plannedNext },
  });
}

function itemMissing(lane: LaneState, expected: number, got: number | undefined): CroupierError {
  return new CroupierError({
    code: 'EXECUTOR_ITEM_MISSING',
    errorClass: 'fatal',
    message: `lane ${lane.lane} has a hole in its items: got ${got ?? 'none'}, expected number ${expected}`,
    details: { lane: lane.lane, seq: expected },
  });
}
