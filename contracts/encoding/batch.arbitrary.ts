import fc from 'fast-check';
import type { Hex } from 'viem';
import type { Unit } from './unit.ts';

/** Any bytes of this length, as lower-case hex. */
export const anyHex = (size: number): fc.Arbitrary<Hex> =>
  fc
    .uint8Array({ minLength: size, maxLength: size })
    .map((bytes): Hex => `0x${Buffer.from(bytes).toString('hex')}`);

const anyUint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
const anyAmount = fc.bigInt({ min: 0n, max: 2n ** 95n - 1n });
/** Few of them, so that runs come about. */
const anyPlayer = fc.constantFrom<Hex>(`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(20)}`);
const anyBank = fc.constantFrom(0, 1, 2 ** 32 - 1);

const anyBet = fc.record({
  player: anyPlayer,
  bank: anyBank,
  stakeUnits: anyAmount,
  profitUnits: anyAmount,
});
const header = {
  dueS: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
  round: anyHex(8),
  bonded: fc.boolean(),
};

/** A page's preimage. */
export const anyPreimage = fc.record({
  firstSeq: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  ...header,
  bets: fc.array(anyBet, { minLength: 1, maxLength: 64 }),
});

const anySettle = anyPreimage.chain((preimage) =>
  fc.record({
    op: fc.constant('settle' as const),
    slot: anyUint(32),
    preimage: fc.constant(preimage),
    outcomes: fc.array(
      fc
        .record({
          offset: fc.nat({ max: preimage.bets.length - 1 }),
          ref: anyHex(16),
          payout: anyAmount,
          code: fc.constantFrom(
            'lost' as const,
            'full' as const,
            'void' as const,
            'explicit' as const,
          ),
        })
        .map(({ offset, ref, payout, code }) =>
          code === 'explicit' ? { offset, code, payoutUnits: payout, ref } : { offset, code, ref },
        ),
      { minLength: 1, maxLength: 64 },
    ),
  }),
);

/** Any units that can be encoded, whether or not they make sense together. */
export const anyUnits: fc.Arbitrary<Unit[]> = fc.array(
  fc.oneof(
    fc.record({
      op: fc.constant('play' as const),
      player: anyPlayer,
      bank: anyBank,
      stakeUnits: anyAmount,
      payoutUnits: anyAmount,
      refBet: anyHex(16),
      refWin: anyHex(16),
    }),
    fc.record({
      op: fc.constant('open' as const),
      slot: anyUint(32),
      ...header,
      bets: fc.array(
        fc.record({
          player: anyPlayer,
          bank: anyBank,
          stakeUnits: anyAmount,
          profitUnits: anyAmount,
          ref: anyHex(16),
        }),
        { minLength: 1, maxLength: 64 },
      ),
    }),
    anySettle,
    fc.record({
      op: fc.constant('credit' as const),
      player: anyPlayer,
      bank: anyBank,
      amountUnits: anyAmount,
      ref: anyHex(16),
    }),
  ),
  { maxLength: 12 },
);
