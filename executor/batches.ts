import { type Hex, hexToBytes, toHex } from 'viem';
import { decodeUnit, encodeBatch, numbersOf } from '../contracts/encoding/batch.ts';
import { unitGasBound } from '../contracts/encoding/bounds.ts';
import type { Unit } from '../contracts/encoding/unit.ts';
import type { ItemTable } from '../ledger/schema.ts';
import { evidenceRoot } from './evidence.ts';

/** Gas of `applyBatch` besides its units: dispatch, the lane's slot, BatchApplied. */
const BATCH_BASE_GAS = 80_000n;

/** Consecutive units of a lane that go in one transaction. */
export interface Batch {
  readonly firstSeq: number;
  /** One beyond the last number. */
  readonly nextSeq: number;
  readonly evidence: Hex;
  readonly ops: Hex;
  /** Gas that its units and the batch's own work cannot exceed; calldata is not in it. */
  readonly executionGas: bigint;
}

/**
 * Cuts planned items into at most `batchesMax` batches within the bounds of gas and bytes. No unit is
 * split, so a unit beyond the bounds makes a batch of its own.
 */
export function batchesOf(
  items: readonly Pick<ItemTable, 'seq' | 'bytes' | 'evidence_leaf'>[],
  bounds: { gasMax: bigint; bytesMax: number; batchesMax: number },
): Batch[] {
  const batches: Batch[] = [];
  let units: Unit[] = [];
  let leaves: Hex[] = [];
  let [firstSeq, nextSeq, gas, bytes] = [0, 0, BATCH_BASE_GAS, 0];
  const close = () => {
    if (units.length === 0) return;
    batches.push({
      firstSeq,
      nextSeq,
      evidence: evidenceRoot(leaves),
      ops: encodeBatch(units),
      executionGas: gas,
    });
    [units, leaves, gas, bytes] = [[], [], BATCH_BASE_GAS, 0];
  };
  for (const item of items) {
    const unit = decodeUnit(item.bytes);
    const unitGas = unitGasBound(unit);
    if (gas + unitGas > bounds.gasMax || bytes + item.bytes.length > bounds.bytesMax) close();
    if (batches.length === bounds.batchesMax) return batches;
    if (units.length === 0) firstSeq = item.seq;
    units.push(unit);
    leaves.push(toHex(item.evidence_leaf));
    gas += unitGas;
    bytes += item.bytes.length;
    nextSeq = item.seq + numbersOf(unit);
  }
  close();
  return batches;
}

/**
 * What the chain takes before the first instruction: EIP-2028 prices a calldata byte; by EIP-7623 the
 * whole transaction pays at least 10 or 40 a byte, so that is the least its limit may be.
 */
export function intrinsicGas(data: Hex): { readonly gas: bigint; readonly floor: bigint } {
  let tokens = 0n;
  for (const byte of hexToBytes(data)) tokens += byte === 0 ? 1n : 4n;
  return { gas: 21_000n + 4n * tokens, floor: 21_000n + 10n * tokens };
}
