import type { Hex } from 'viem';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { encodeBatch, GAS_BOUNDS, numbersOf, preimageOf, unitGasBound } from '../encoding/batch.ts';
import { shardOf } from '../encoding/message.ts';
import type { OpenUnit, SettleUnit, Unit } from '../encoding/unit.ts';
import { account, lower, startChain, type TestChain } from './chain.ts';
import { bet, open, play, refOf } from './units.ts';

const PLAYERS = 40;
const SHARD = 0;

/** Players of one lane, each with a seat. */
const players: Hex[] = [];
let chain: TestChain;
let snapshot: Hex;
beforeAll(async () => {
  chain = await startChain();
  for (let index = 10; players.length < PLAYERS; index++) {
    const owner = account(index);
    if (shardOf(owner.address, 4) !== SHARD) continue;
    await chain.test.setBalance({ address: owner.address, value: 10n ** 20n });
    await chain.sit(owner, 1_000n, 500n);
    players.push(lower(owner.address));
  }
  // The first batch of a lane is dearer: its slot is new.
  await chain.apply(SHARD, 0, [play(players[0] ?? '0x', 1n, 1n)]);
  snapshot = await chain.test.snapshot();
}, 60_000);
beforeEach(async () => {
  await chain.test.revert({ id: snapshot });
  snapshot = await chain.test.snapshot();
});
afterAll(() => chain.close());

const playerAt = (index: number): Hex => players[index % PLAYERS] ?? '0x';
const repeat = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Gas of one batch, and of what its bytes cost as calldata. */
async function gasOf(units: readonly Unit[]) {
  const { gasUsed, events } = await chain.apply(SHARD, await chain.next(SHARD), units);
  expect(events.filter((event) => event.name.endsWith('Rejected'))).toEqual([]);
  const bytes = Buffer.from(encodeBatch(units).slice(2), 'hex');
  let calldata = 0n;
  for (const byte of bytes) calldata += byte === 0 ? 4n : 16n;
  return { gasUsed, calldata };
}

/** One settlement of all bets of a page. */
const settleAll = (page: OpenUnit, firstSeq: number): SettleUnit => ({
  op: 'settle',
  slot: page.slot,
  preimage: preimageOf(page, firstSeq),
  outcomes: page.bets.map((_, offset) => ({ offset, code: 'full', ref: refOf(`${offset}`) })),
});

test('gas per bet, batch base and calldata included', async () => {
  const dueS = (await chain.nowS()) + 600;
  const report = async (name: string, bets: number, batches: Unit[][]) => {
    let gas = 0n;
    for (const units of batches) gas += (await gasOf(units)).gasUsed;
    console.log(`${name}: ${gas / BigInt(bets)} gas per bet`);
    return gas / BigInt(bets);
  };
  const distinct = await report('PLAY, 40 bets, a player each', 40, [
    repeat(40, (index) => play(playerAt(index), 5n, 8n)),
  ]);
  const tenfold = await report('PLAY, 100 bets, ten per player', 100, [
    repeat(100, (index) => play(playerAt(Math.floor(index / 10)), 5n, 8n)),
  ]);
  const openAndSettle = async (slot: number, bets: OpenUnit['bets']) => {
    const page = open(slot, dueS, bets);
    return [[page], [settleAll(page, await chain.next(SHARD))]];
  };
  const page = await report(
    'OPEN + SETTLE, page of 40, a player each, new slot',
    40,
    await openAndSettle(
      1,
      repeat(40, (index) => bet(playerAt(index), 5n, 5n)),
    ),
  );
  await report(
    'OPEN + SETTLE, page of 64, eight per player, new slot',
    64,
    await openAndSettle(
      2,
      repeat(64, (index) => bet(playerAt(Math.floor(index / 8)), 5n, 5n)),
    ),
  );
  const singles = async (from: number) => {
    const first = await chain.next(SHARD);
    const pages = repeat(40, (index) => open(from + index, dueS, [bet(playerAt(index), 5n, 5n)]));
    return [pages, pages.map((single, index) => settleAll(single, first + index))];
  };
  const fresh = await report('OPEN + SETTLE, pages of one, new slots', 40, await singles(100));
  const reused = await report('OPEN + SETTLE, pages of one, used slots', 40, await singles(100));
  expect(distinct).toBeLessThan(16_500n);
  expect(tenfold).toBeLessThan(7_800n);
  expect(page).toBeLessThan(35_000n);
  expect(fresh).toBeLessThan(74_000n);
  expect(reused).toBeLessThan(57_000n);
});

test('the published bounds are the contract’s, and hold for the dearest units', async () => {
  const names = {
    PLAY_GAS: 'play',
    OPEN_GAS: 'open',
    OPEN_BET_GAS: 'openBet',
    SETTLE_GAS: 'settle',
    SETTLE_LEAF_GAS: 'settleLeaf',
    SETTLE_BET_GAS: 'settleBet',
    CREDIT_GAS: 'credit',
    FLUSH_GAS: 'flush',
  } as const;
  for (const [name, key] of Object.entries(names)) {
    const value = await chain.publicClient.readContract({
      ...chain.betBook,
      functionName: name as keyof typeof names,
    });
    expect([name, value]).toEqual([name, GAS_BOUNDS[key]]);
  }

  // A bank of its own for each bet is the dearest: nothing is warm, `locked` is new.
  await openBanks(PLAYERS);
  const dueS = (await chain.nowS()) + 600;
  const bets = repeat(PLAYERS, (index) => bet(playerAt(index), 5n, 5n, index + 2));
  const page = open(7, dueS, bets);
  const firstSeq = await chain.next(SHARD);
  const base = (await gasOf([play(playerAt(0), 1n, 1n)])).gasUsed;
  const pageSeq = firstSeq + 1;
  const measured: [string, Unit[]][] = [
    ['PLAY', repeat(PLAYERS, (index) => play(playerAt(index), 5n, 8n, index + 2))],
    [
      'CREDIT',
      repeat(PLAYERS, (index) => ({
        op: 'credit' as const,
        player: playerAt(index),
        bank: index + 2,
        amountUnits: 3n,
        ref: refOf('credit'),
      })),
    ],
    ['OPEN of many', [page]],
    [
      'OPEN of one',
      repeat(PLAYERS, (index) => open(100 + index, dueS, bets.slice(index, index + 1))),
    ],
  ];
  let seq = pageSeq;
  const opens: { unit: OpenUnit; firstSeq: number }[] = [];
  for (const [name, units] of measured) {
    for (const unit of units) {
      if (unit.op === 'open') opens.push({ unit, firstSeq: seq });
      seq += numbersOf(unit);
    }
    await checkBound(name, units, base);
  }
  const settlements = opens.map(({ unit, firstSeq: first }) => settleAll(unit, first));
  await checkBound('SETTLE of many', settlements.slice(0, 1), base);
  await checkBound('SETTLE of one', settlements.slice(1), base);
});

async function checkBound(name: string, units: readonly Unit[], base: bigint): Promise<void> {
  const { gasUsed, calldata } = await gasOf(units);
  const used = gasUsed - calldata - base;
  const bound = units.reduce((sum, unit) => sum + unitGasBound(unit), 0n);
  console.log(`${name}: ${used / BigInt(units.length)} of ${bound / BigInt(units.length)} gas`);
  // What is refunded at the end was needed before. Only settlements clear slots: at most a fifth of all.
  const needed = name.startsWith('SETTLE') ? (used * 5n) / 4n : used;
  expect(needed).toBeLessThan(bound);
}

async function openBanks(count: number): Promise<void> {
  const { admin, betBook } = chain;
  const wallet = chain.walletOf(admin);
  await chain.provide(admin, 1_000n * BigInt(count));
  for (let index = 0; index < count; index++) {
    await wallet.writeContract({
      ...betBook,
      functionName: 'openBank',
      args: [admin.address, admin.address, { maxPayout: 500n, maxHorizon: 3_600 }],
    });
    await wallet.writeContract({ ...betBook, functionName: 'fund', args: [index + 2, 1_000n] });
  }
}
