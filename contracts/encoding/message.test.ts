import { expect, test } from 'vitest';
import { laneOf, packEventId, partitionOfPlayer, readEventId, shardOf } from './message.ts';

test('an event id packs and unpacks', () => {
  const id = { operatorNo: 3, shard: 2, bank: 2 ** 32 - 1, seq: 2 ** 48 - 1 };
  expect(readEventId(packEventId(id))).toEqual(id);
  expect(packEventId(id) >> 80n).toBe(laneOf(3, 2));
});

test('shard and partition are the low bits of the address', () => {
  const player = `0x${'0'.repeat(38)}0e` as const;
  expect(shardOf(player, 4)).toBe(2);
  expect(partitionOfPlayer(player, 2)).toBe(0);
});
