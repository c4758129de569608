import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../platform/clock.ts';
import { type DemoArgs, runDemo } from './demo.ts';
import { playAt } from './plan.ts';
import { readExchanges } from './record.ts';
import { createHouseDouble, type HouseDouble, type HouseFaults } from './test/houseDouble.ts';

const PLAYERS = 5;
const SEED = 'demo-test';
const deployment = '0x00000000000000000000000000000001';
const address = (digit: string) => `0x${digit.repeat(40)}` as const;

/** Results that come later come soon: the double has no play window. */
const quickClock: Clock = {
  nowMs: systemClock.nowMs,
  sleep: (durationMs, signal) => systemClock.sleep(Math.min(durationMs, 20), signal),
};

let folder: string;
let house: HouseDouble | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'croupier-demo-'));
});
afterEach(async () => {
  await house?.close();
  house = undefined;
  await rm(folder, { recursive: true });
});

async function openHouse(faults?: HouseFaults): Promise<HouseDouble> {
  house = await createHouseDouble(faults);
  return house;
}

function demoArgs(baseUrl: string, more: Partial<DemoArgs> = {}): DemoArgs {
  return {
    baseUrl,
    credentials: { keyId: 'demo', secret: 'ab'.repeat(32) },
    seed: SEED,
    playerCount: PLAYERS,
    recordPath: join(folder, 'demo.sqlite'),
    chain: {
      deployment,
      chainId: 31829,
      treasury: address('1'),
      betBook: address('2'),
      token: address('3'),
      operator: address('4'),
    },
    chainTimeS: async () => 1_700_000_000,
    faucet: async () => {},
    clock: quickClock,
    signal: new AbortController().signal,
    ...more,
  };
}

/** That the house decided exactly what the plan says, and the record and the house agree. */
function expectConsistent(house: HouseDouble): void {
  const exchanges = readExchanges({ path: join(folder, 'demo.sqlite'), deployment });
  expect(exchanges).toHaveLength(house.decided.size);
  const balances = new Map<string, bigint>();
  for (const exchange of exchanges) {
    expect(exchange.mismatch).toBeNull();
    expect(exchange.answer).toBe(house.decided.get(exchange.idempotencyKey)?.body);
    balances.set(exchange.player, BigInt(exchange.expectedBalance));
  }
  for (const [player, balance] of balances) expect(house.balanceOf(player)).toBe(balance);
  expect(house.openBets()).toBe(0);
}

test('exactly N bets are accepted and settled, for every N', async () => {
  const house = await openHouse();
  for (const bets of [1, 2, 3, 10, 57, 58, 150]) {
    const counts = await runDemo(demoArgs(house.url, { bets }));
    expect(counts).toMatchObject({ accepted: bets, mismatches: 0 });
    expectConsistent(house);
  }
});

test('N bets again on the same record send nothing', async () => {
  const house = await openHouse();
  await runDemo(demoArgs(house.url, { bets: 20 }));
  const received = house.received();
  expect(await runDemo(demoArgs(house.url, { bets: 20 }))).toMatchObject({ accepted: 20 });
  expect(house.received()).toBe(received);
});

test('bets above the balance are refused and counted apart', async () => {
  const house = await openHouse();
  const counts = await runDemo(demoArgs(house.url, { bets: 150 }));
  expect(counts.refused).toBeGreaterThan(0);
  expect([...house.decided.values()].filter(({ status }) => status === 422)).toHaveLength(
    counts.refused,
  );
});

test('lost answers, busy answers and ended sessions change nothing', async () => {
  const house = await openHouse({
    drop: (n) => n % 7 === 0,
    busy: (attempt) => attempt % 11 === 0,
    expire: (n) => n % 50 === 0,
  });
  const counts = await runDemo(demoArgs(house.url, { bets: 100 }));
  expect(counts).toMatchObject({ accepted: 100, mismatches: 0 });
  expectConsistent(house);
});

test('stopped again and again, it goes on where it was', async () => {
  let stop = new AbortController();
  const house = await openHouse({
    // The answer is torn off together with the demo: the request stays unanswered in the record.
    drop: (n) => {
      if (n % 23 !== 0) return false;
      stop.abort();
      return true;
    },
  });
  let counts = { accepted: 0 };
  let runs = 0;
  while (counts.accepted < 100 && runs < 50) {
    stop = new AbortController();
    counts = await runDemo(demoArgs(house.url, { bets: 100, signal: stop.signal }));
    runs += 1;
  }
  counts = await runDemo(demoArgs(house.url, { bets: 100 }));
  expect(runs).toBeGreaterThan(4);
  expect(counts).toMatchObject({ accepted: 100, mismatches: 0 });
  expectConsistent(house);
});

test('a wrong balance is recorded as one mismatch, by name', async () => {
  const house = await openHouse({ lie: (n) => n === 30 });
  const counts = await runDemo(demoArgs(house.url, { bets: 60 }));
  expect(counts).toMatchObject({ accepted: 60, mismatches: 1 });
  const wrong = readExchanges({ path: join(folder, 'demo.sqlite'), deployment }).filter(
    ({ mismatch }) => mismatch !== null,
  );
  expect(wrong).toHaveLength(1);
  expect(wrong[0]?.mismatch).toMatch(/^got balance \d+, expected \d+$/);
});

test('without N it plays at a rate until it is stopped', async () => {
  const house = await openHouse();
  const stop = new AbortController();
  const counts = await runDemo(
    demoArgs(house.url, {
      betsPerS: 500,
      signal: stop.signal,
      onProgress: ({ accepted }) => {
        if (accepted >= 40) stop.abort();
      },
    }),
  );
  expect(counts.accepted).toBeGreaterThanOrEqual(40);
  expect(counts.mismatches).toBe(0);
});

test('another deployment has a section of its own', async () => {
  const house = await openHouse();
  await runDemo(demoArgs(house.url, { bets: 20 }));
  await house.close();
  const reset = await openHouse();
  const args = demoArgs(reset.url, { bets: 30 });
  const chain = { ...args.chain, deployment: '0x00000000000000000000000000000002' };
  expect(await runDemo({ ...args, chain })).toMatchObject({ accepted: 30, mismatches: 0 });
  const before = readExchanges({ path: args.recordPath, deployment });
  expect(
    before.filter(({ type, outcome }) => type === 'bet' && outcome === 'accepted'),
  ).toHaveLength(20);
});

test('what was sent is what the plan says', async () => {
  const house = await openHouse();
  await runDemo(demoArgs(house.url, { bets: 40 }));
  const sent = new Set(house.decided.keys());
  const planned = new Set<string>();
  for (let index = 0, bets = 0; bets < 40; index++) {
    const play = playAt({ seed: SEED, index, playerCount: PLAYERS, betsMax: 40 - bets });
    bets += play.bets;
    for (const { action } of play.steps) planned.add(action.txId);
  }
  expect(sent).toEqual(planned);
});
