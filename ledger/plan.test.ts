import { createHash } from 'node:crypto';
import { encodePacked, keccak256, toHex } from 'viem';
import { expect, onTestFinished, test } from 'vitest';
import { decodeUnit } from '../contracts/encoding/batch.ts';
import { laneOf } from '../contracts/encoding/message.ts';
import { plannedItems } from './items.ts';
import { takeLease } from './leases.ts';
import { planLane } from './plan.ts';
import { findBet } from './reads.ts';
import {
  BANK,
  bet,
  credit,
  openStage,
  PLAY_WINDOW_MS,
  playerOf,
  type Stage,
  voidOf,
  win,
} from './test/stage.ts';

/** Two players of lane 0. */
const alice = playerOf(0);
const dora = playerOf(4);

async function staged(): Promise<Stage> {
  const stage = await openStage({ bankroll: 100_000n });
  onTestFinished(() => stage.close());
  await stage.seat(alice, 1_000n);
  await stage.seat(dora, 1_000n);
  return stage;
}

async function unitsOf(stage: Stage) {
  const { context, deployment } = stage;
  const items = await plannedItems(context, { deployment, lane: 0, fromSeq: 0, max: 100 });
  return items.map(({ seq, bytes }) => ({ seq, ...decodeUnit(bytes) }));
}

test('a bet and its win are one PLAY', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, win('w1', 'b1', 250n));
  expect(await stage.plan(0)).toBe(1);
  expect(await unitsOf(stage)).toMatchObject([
    { seq: 0, op: 'play', player: alice, bank: BANK, stakeUnits: 100n, payoutUnits: 250n },
  ]);
  expect(await stage.plan(0)).toBe(0);
});

test('a bet in its play window is passed over, and later actions are not', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, credit('c1', 5n));
  expect(await stage.plan(0)).toBe(1);
  expect(await unitsOf(stage)).toMatchObject([{ op: 'credit', amountUnits: 5n }]);
  await stage.send(alice, win('w1', 'b1', 0n));
  expect(await stage.plan(0)).toBe(1);
  expect((await unitsOf(stage)).at(-1)).toMatchObject({ op: 'play', payoutUnits: 0n });
});

test('a bet without a result is opened after its window, then settled in the same page', async () => {
  const stage = await staged();
  const results = { lost: 0n, full: 300n, explicit: 120n };
  for (const name of Object.keys(results)) await stage.send(alice, bet(name, 100n, 300n));
  stage.passMs(PLAY_WINDOW_MS);
  expect(await stage.plan(0)).toBe(3);
  for (const [name, payout] of Object.entries(results)) {
    await stage.send(alice, win(`w-${name}`, name, payout));
  }
  expect(await stage.plan(0)).toBe(3);
  const units = await unitsOf(stage);
  expect(units.slice(0, 3)).toMatchObject([
    { seq: 0, op: 'open', slot: 0 },
    { seq: 1, op: 'open', slot: 1 },
    { seq: 2, op: 'open', slot: 2 },
  ]);
  expect(units.slice(3)).toMatchObject([
    { op: 'settle', slot: 0, preimage: { firstSeq: 0 }, outcomes: [{ code: 'lost' }] },
    { op: 'settle', slot: 1, preimage: { firstSeq: 1 }, outcomes: [{ code: 'full' }] },
    {
      op: 'settle',
      slot: 2,
      preimage: { firstSeq: 2 },
      outcomes: [{ code: 'explicit', payoutUnits: 120n }],
    },
  ]);
});

test('a bet that is voided before it was planned is opened and voided at once', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, voidOf('v1', 'b1'));
  expect(await stage.plan(0)).toBe(2);
  expect(await unitsOf(stage)).toMatchObject([
    { seq: 0, op: 'open', slot: 0, bets: [{ stakeUnits: 100n, profitUnits: 200n }] },
    { seq: 1, op: 'settle', slot: 0, outcomes: [{ code: 'void' }] },
  ]);
});

test('items stand by player, each player’s in their order', async () => {
  const stage = await staged();
  for (const index of [1, 2, 3]) {
    for (const player of [dora, alice]) {
      await stage.send(player, credit(`${player}-${index}`, BigInt(index)));
    }
  }
  await stage.plan(0);
  expect(
    (await unitsOf(stage)).map((unit) => unit.op === 'credit' && [unit.player, unit.amountUnits]),
  ).toEqual([
    [alice, 1n],
    [alice, 2n],
    [alice, 3n],
    [dora, 1n],
    [dora, 2n],
    [dora, 3n],
  ]);
});

test('a small plan takes the win of a bet that it takes', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 10n, 30n));
  await stage.send(alice, credit('c1', 5n));
  await stage.send(alice, win('w1', 'b1', 30n));
  expect(await stage.plan(0, 1)).toBe(1);
  expect(await unitsOf(stage)).toMatchObject([{ op: 'play', payoutUnits: 30n }]);
  expect(await stage.plan(0, 1)).toBe(1);
});

test('the evidence leaf is over lane, number and the requests as they came', async () => {
  const stage = await staged();
  await stage.send(alice, bet('b1', 100n, 300n));
  await stage.send(alice, win('w1', 'b1', 250n));
  await stage.plan(0);
  const { context, deployment } = stage;
  const [item] = await plannedItems(context, { deployment, lane: 0, fromSeq: 0, max: 1 });
  const requests = await context.journal.read.selectFrom('request').selectAll().execute();
  const hashes = ['b1', 'w1'].map((key) => {
    const row = requests.find(({ idempotency_key }) => idempotency_key === key);
    const hash = createHash('sha256').update(`${row?.body}${row?.signature}`).digest();
    return toHex(hash);
  });
  const leaf = encodePacked(['uint48', 'uint48', 'bytes32[]'], [Number(laneOf(3, 0)), 0, hashes]);
  expect(toHex(item?.evidence_leaf ?? new Uint8Array())).toBe(keccak256(leaf));
});

test('a slot is used again only when its closing is final', async () => {
  const stage = await staged();
  const openAndVoid = async (name: string) => {
    await stage.send(alice, bet(name, 100n, 300n));
    await stage.send(alice, voidOf(`v-${name}`, name));
    await stage.planAll();
    await stage.landAll();
    const found = await findBet(stage.context, {
      deployment: stage.deployment,
      provider: 'dice',
      brand: '',
      txId: name,
    });
    return found?.bet.slot;
  };
  expect(await openAndVoid('b1')).toBe(0);
  expect(await openAndVoid('b2')).toBe(1);
  await stage.finalizeAll();
  expect(await openAndVoid('b3')).toBe(0);
});

test('a planner whose lease was taken writes nothing', async () => {
  const stage = await staged();
  const { context, deployment, fence } = stage;
  await stage.send(alice, credit('c1', 5n));
  expect(await takeLease(context, { lease: 'planner', holder: 'other', ttlMs: 1 })).toBeUndefined();
  stage.passMs(60_000);
  const taken = await takeLease(context, { lease: 'planner', holder: 'other', ttlMs: 60_000 });
  await expect(planLane(context, { deployment, lane: 0, fence, max: 10 })).rejects.toMatchObject({
    code: 'LEASE_LOST',
  });
  expect(await unitsOf(stage)).toEqual([]);
  if (!taken) throw new Error('got no lease, expected an expired one to be free');
  expect(await planLane(context, { deployment, lane: 0, fence: taken, max: 10 })).toBe(1);
});
