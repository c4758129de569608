import type { Hex } from 'viem';
import {
  markTransactions,
  reviveTransactions,
  type SignedTransaction,
  type SignerScope,
  type TransactionOutcome,
} from '../ledger/transactions.ts';
import { nonceAt } from './observe.ts';
import type {
  ExecutorContext,
  ExecutorFences,
  ExecutorState,
  LiveTransaction,
  Observation,
} from './state.ts';

/** The logs of a batch make its receipt large. */
const RECEIPTS_PER_REQUEST = 20;

interface Receipt {
  readonly blockNumber: Hex;
  readonly status: Hex;
  readonly gasUsed: Hex;
}

/**
 * Brings the live transactions to what the observed head says: mined, final, superseded by a foreign
 * transaction (only once that is final), or, after a reorg, waiting again. Whether a bet landed is
 * not decided here: receipts are for cost and errors, `next` of a lane for what to send.
 */
export async function follow(
  context: ExecutorContext,
  state: ExecutorState,
  fences: ExecutorFences,
  observation: Observation,
): Promise<void> {
  if (observation.nonce < state.finalNonce) await revive(context, state, fences, observation);
  const finalBlock = observation.blockNumber - context.limits.finalityBlocks;
  const live = [...state.live.values()];
  const reorganised = live.filter((it) => it.mined !== null && it.nonce >= observation.nonce);
  const asked = live.filter(
    ({ nonce, mined }) =>
      nonce < observation.nonce && (mined === null || mined.blockNumber <= finalBlock),
  );
  const changes = [
    ...reorganised.map((transaction) => waitsAgain(transaction)),
    ...(await readReceipts(context, state, asked, finalBlock)),
  ];
  const outcomes = changes.flatMap(({ outcome }) => (outcome === null ? [] : [outcome]));
  if (outcomes.length > 0) await markTransactions(context.ledger, fences.signer, outcomes);
  for (const { apply } of changes) apply();
  noteLanes(state, observation);
  state.observation = observation;
}

/** What is written first, and what is then remembered. */
interface Change {
  readonly outcome: TransactionOutcome | null;
  readonly apply: () => void;
}

async function readReceipts(
  context: ExecutorContext,
  state: ExecutorState,
  asked: readonly LiveTransaction[],
  finalBlock: number,
): Promise<Change[]> {
  const receipts = await receiptsOf(context, asked);
  // A null receipt proves nothing, until the nonce is used at a final block.
  const nonceAtFinal = receipts.includes(null) ? await nonceAt(context, finalBlock) : 0;
  return asked.flatMap((transaction, index) => {
    const receipt = receipts[index] ?? null;
    if (receipt !== null) return minedIn(state, transaction, receipt, finalBlock);
    if (transaction.nonce < nonceAtFinal) return superseded(state, transaction);
    return transaction.mined === null ? [] : waitsAgain(transaction);
  });
}

async function receiptsOf(
  context: ExecutorContext,
  asked: readonly LiveTransaction[],
): Promise<(Receipt | null)[]> {
  const receipts: (Receipt | null)[] = [];
  for (let at = 0; at < asked.length; at += RECEIPTS_PER_REQUEST) {
    const calls = asked
      .slice(at, at + RECEIPTS_PER_REQUEST)
      .map(({ hash }) => ({ method: 'eth_getTransactionReceipt', params: [hash] }));
    receipts.push(...(await context.rpc.batch<(Receipt | null)[]>(calls)));
  }
  return receipts;
}

function minedIn(
  state: ExecutorState,
  transaction: LiveTransaction,
  receipt: Receipt,
  finalBlock: number,
): Change[] {
  const { hash, nonce } = transaction;
  const blockNumber = Number(receipt.blockNumber);
  const status = Number(receipt.status) === 1 ? 1 : 0;
  const isFinal = blockNumber <= finalBlock;
  const outcome: TransactionOutcome = {
    hash,
    state: isFinal ? 'final' : 'mined',
    blockNumber,
    status,
    gasUsed: Number(receipt.gasUsed),
  };
  const apply = () => {
    if (transaction.mined === null && status === 0) suspect(state, transaction);
    transaction.mined = { blockNumber, status };
    if (!isFinal) return;
    state.live.delete(hash);
    state.finalNonce = Math.max(state.finalNonce, nonce + 1);
  };
  return [{ outcome, apply }];
}

function superseded(state: ExecutorState, { hash }: LiveTransaction): Change {
  return { outcome: without(hash, 'superseded'), apply: () => state.live.delete(hash) };
}

function waitsAgain(transaction: LiveTransaction): Change {
  return {
    outcome: without(transaction.hash, 'signed'),
    apply: () => {
      transaction.mined = null;
      transaction.resendAtMs = 0;
    },
  };
}

function without(hash: Hex, state: 'signed' | 'superseded'): TransactionOutcome {
  return { hash, state, blockNumber: null, status: null, gasUsed: null };
}

function noteLanes(state: ExecutorState, observation: Observation): void {
  for (const lane of state.lanes) {
    const next = observation.laneNext[lane.lane] ?? lane.landedNext;
    if (next > lane.landedNext) {
      lane.suspicious = false;
      lane.error = null;
      lane.holdFailures = 0;
      lane.holdUntilMs = 0;
    }
    lane.landedNext = next;
  }
}

/** A nonce went below what was final: a dev chain was reverted. What we signed from there on waits again. */
async function revive(
  context: ExecutorContext,
  state: ExecutorState,
  fences: ExecutorFences,
  observation: Observation,
): Promise<void> {
  const revived = await reviveTransactions(context.ledger, fences.signer, {
    ...scopeOf(context),
    fromNonce: observation.nonce,
  });
  for (const row of revived) remember(state, row);
  state.finalNonce = observation.nonce;
}

function suspect(state: ExecutorState, transaction: LiveTransaction): void {
  const lane = transaction.batch === null ? undefined : state.lanes[transaction.batch.lane];
  if (lane !== undefined) lane.suspicious = true;
}

/** Takes a persisted transaction among the live ones, due to be sent at once. */
export function remember(state: ExecutorState, row: SignedTransaction): void {
  const { nonce, lane, first_seq: firstSeq, next_seq: nextSeq, call } = row;
  const isBatch = lane !== null && firstSeq !== null && nextSeq !== null;
  state.live.set(row.hash as Hex, {
    nonce,
    hash: row.hash as Hex,
    raw: row.raw as Hex,
    batch: isBatch ? { lane, firstSeq, nextSeq } : null,
    call,
    mined: null,
    resendAtMs: 0,
    sendFailures: 0,
  });
}

/** Whose transactions these are, as the ledger keys them. */
export function scopeOf(context: ExecutorContext): SignerScope {
  return { signer: context.signer.address, deployment: context.deployment };
}
