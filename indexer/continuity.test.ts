import { expect, test } from 'vitest';
import { laneOf, packEventId } from '../contracts/encoding/message.ts';
import { EMPTY_CONTINUITY, followContinuity, rewindContinuity } from './continuity.ts';
import type { IndexedEvent } from './events.ts';

const LANE = laneOf(1, 2).toString();
const HASH = `0x${'0'.repeat(64)}` as const;

function eventOf(event: string, args: IndexedEvent['args'], logIndex: number): IndexedEvent {
  const place = { blockNumber: 1, blockHash: HASH, blockTime: 1, txHash: HASH, logIndex };
  return { contract: 'bet_book', event, args, ...place };
}

function idOf(seq: number): string {
  return packEventId({ operatorNo: 1, shard: 2, bank: 1, seq }).toString();
}

/** A registration, then a batch: two bets open, one is settled, one rejected, a credit is refused. */
const events: IndexedEvent[] = [
  eventOf('OperatorRegistered', { n: '1' }, 0),
  eventOf('Opened', { id: idOf(0) }, 1),
  eventOf('Opened', { id: idOf(1) }, 2),
  eventOf('Settled', { id: idOf(0) }, 3),
  eventOf('Rejected', { id: idOf(1) }, 4),
  eventOf('Closed', { id: idOf(2), settledMask: '1' }, 5),
  eventOf('Rejected', { id: idOf(3) }, 6),
  eventOf('BatchApplied', { lane: LANE, first: '0', next: '4' }, 7),
  eventOf('AdminSet', { n: '2' }, 8),
];
const after = { counters: { bet_book: 3 }, lanes: { [LANE]: 4 } };

test('complete events have no gap, and taking them back restores what was', () => {
  expect(followContinuity(EMPTY_CONTINUITY, events)).toEqual({ next: after });
  expect(rewindContinuity(after, events)).toEqual({
    counters: { bet_book: 1 },
    lanes: { [LANE]: 0 },
  });
});

test.for(events.slice(0, -1).map((event, index) => [event.event, index] as const))(
  'without %s (%i.) there is a gap',
  ([, index]) => {
    const found = followContinuity(EMPTY_CONTINUITY, events.toSpliced(index, 1));
    expect(found).toEqual({ gap: expect.stringContaining('expected') });
  },
);

/** A top-up, a winner whose bank is halted, a group that is refused, a round's end. */
const interleaved: IndexedEvent[] = [
  { ...eventOf('Pulled', { n: '1' }, 0), contract: 'treasury' },
  eventOf('ToppedUp', { id: idOf(0) }, 1),
  { ...eventOf('Pulled', { n: '2' }, 2), contract: 'treasury' },
  eventOf('ToppedUp', { id: idOf(1) }, 3),
  eventOf('Rejected', { id: idOf(2) }, 4),
  eventOf('Halted', { bank: '1', n: '1' }, 5),
  eventOf('OpenRejected', { id: idOf(3) }, 6),
  eventOf('Rejected', { id: idOf(4) }, 7),
  eventOf('Rejected', { id: idOf(4) }, 8),
  eventOf('Closed', { id: idOf(4), settledMask: '0' }, 9),
  eventOf('RoundFinalized', { id: idOf(5) }, 10),
  eventOf('BatchApplied', { lane: LANE, first: '0', next: '6' }, 11),
  eventOf('Expired', { page: '1', n: '2' }, 12),
];

test('events that are counted may stand in a batch, and are missed there', () => {
  const next = { counters: { bet_book: 3, treasury: 3 }, lanes: { [LANE]: 6 } };
  const from = { counters: { bet_book: 1, treasury: 1 }, lanes: {} };
  expect(followContinuity(from, interleaved)).toEqual({ next });
  expect(rewindContinuity(next, interleaved)).toEqual({ ...from, lanes: { [LANE]: 0 } });
  for (const index of interleaved.keys()) {
    if (index === interleaved.length - 1) continue;
    const found = followContinuity(from, interleaved.toSpliced(index, 1));
    expect(found, `without event ${index}`).toEqual({ gap: expect.stringContaining('expected') });
  }
});

test('a counter that was not seen yet begins where it is', () => {
  const deposited = { ...eventOf('Deposited', { n: '41' }, 0), contract: 'treasury' };
  expect(followContinuity(EMPTY_CONTINUITY, [deposited])).toEqual({
    next: { counters: { bet_book: 1, treasury: 42 }, lanes: {} },
  });
});
