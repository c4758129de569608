import fc from 'fast-check';
import type { Hex } from 'viem';
import { GROUP_COUNT_MAX, PAGE_BETS_MAX } from './layout.ts';
import type { GroupMember, GroupUnit, Unit } from './unit.ts';

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
  bets: fc.array(anyBet, { minLength: 1, maxLength: PAGE_BETS_MAX }),
});

const anyPlay = fc.record({
  op: fc.constant('play' as const),
  player: anyPlayer,
  bank: anyBank,
  stakeUnits: anyAmount,
  payoutUnits: anyAmount,
  refBet: anyHex(16),
  refWin: anyHex(16),
});

const anyOpen = (betsMax: number) =>
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
      { minLength: 1, maxLength: betsMax },
    ),
  });

const anySettle = (outcomesMax: number) =>
  anyPreimage.chain((preimage) =>
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
            code === 'explicit'
              ? { offset, code, payoutUnits: payout, ref }
              : { offset, code, ref },
          ),
        { minLength: 1, maxLength: outcomesMax },
      ),
    }),
  );

const anyCredit = fc.record({
  op: fc.constant('credit' as const),
  player: anyPlayer,
  bank: anyBank,
  amountUnits: anyAmount,
  ref: anyHex(16),
});

const anyGroup = fc
  .record({
    player: anyPlayer,
    members: fc.array(
      fc.oneof(anyPlay, anyOpen(GROUP_COUNT_MAX), anySettle(GROUP_COUNT_MAX), anyCredit),
      { minLength: 1, maxLength: GROUP_COUNT_MAX },
    ),
  })
  .map(
    ({ player, members }): GroupUnit => ({
      op: 'group',
      player,
      units: members.map((member) => ofPlayer(member, player)),
    }),
  );

/** The same, but of this player only. */
function ofPlayer(member: GroupMember, player: Hex): GroupMember {
  if (member.op === 'settle') return member;
  if (member.op !== 'open') return { ...member, player };
  return { ...member, bets: member.bets.map((bet) => ({ ...bet, player })) };
}

/** Any unit that can be encoded. */
export const anyUnit: fc.Arbitrary<Unit> = fc.oneof(
  anyPlay,
  anyOpen(PAGE_BETS_MAX),
  anySettle(PAGE_BETS_MAX),
  anyCredit,
  fc.record({ op: fc.constant('finish' as const), bank: anyBank, round: anyHex(8) }),
  fc.record({
    op: fc.constant('topUp' as const),
    player: anyPlayer,
    amountUnits: anyAmount,
    ref: anyHex(16),
  }),
  fc.record({ op: fc.constant('release' as const), player: anyPlayer, ref: anyHex(16) }),
  anyGroup,
);

/** Any units, whether or not they make sense together. */
export const anyUnits: fc.Arbitrary<Unit[]> = fc.array(anyUnit, { maxLength: 12 });

/** What is one op when its units stand together: a run of plays, or any other unit. */
export const anyOp: fc.Arbitrary<Unit[]> = fc.oneof(
  fc
    .record({
      head: anyPlay,
      plays: fc.array(anyPlay, { minLength: 1, maxLength: 20 }),
    })
    .map(({ head: { player, bank }, plays }) => plays.map((play) => ({ ...play, player, bank }))),
  anyUnit.map((unit) => [unit]),
);
