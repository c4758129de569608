/** A batch that waits to be mined. */
export interface PendingBatch {
  readonly nonce: number;
  readonly firstSeq: number;
  readonly nextSeq: number;
}

/**
 * How far a lane will be once its pending batches are mined in nonce order: from `landedNext` on,
 * as long as each begins at or below what is reached by then. A batch beyond a gap will revert with
 * LaneGap and covers nothing.
 */
export function coveredUpTo(landedNext: number, pending: readonly PendingBatch[]): number {
  let reached = landedNext;
  for (const batch of pending.toSorted((a, b) => a.nonce - b.nonce)) {
    if (batch.firstSeq <= reached && batch.nextSeq > reached) reached = batch.nextSeq;
  }
  return reached;
}
