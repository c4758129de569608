import { expect, test } from 'vitest';
import { feesFor } from './fees.ts';

const policy = { ceilingWei: 1_000n, tipWei: 10n };

test('a small base fee gets room to quadruple', () => {
  expect(feesFor(7n, policy)).toEqual({ maxFeePerGasWei: 38n, maxPriorityFeePerGasWei: 10n });
});

test('the ceiling is never passed', () => {
  expect(feesFor(900n, policy).maxFeePerGasWei).toBe(1_000n);
});

test('a base fee above the ceiling is a retryable error', () => {
  expect(() => feesFor(991n, policy)).toThrow(
    expect.objectContaining({ code: 'EXECUTOR_FEE_CEILING', errorClass: 'retryable' }),
  );
});
