import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { consume, readPosition } from '../mirror/consume.ts';
import type { Cache } from '../platform/cache/cache.ts';
import { createMemoryCache } from '../platform/cache/memory.ts';
import { accept } from './accept.ts';
import { createAccountCache } from './accountCache.ts';
import { type AccountState, accountState } from './balances.ts';
import { findAccount } from './reads.ts';
import type { Action } from './request.ts';
import {
  bet,
  carry,
  credit,
  LATER_S,
  openStage,
  playerOf,
  STAGE_FACTS,
  type Stage,
  win,
} from './test/stage.ts';

const SEED = Number(process.env.CROUPIER_TEST_SEED ?? Date.now() % 2 ** 31);
const alice = playerOf(0);

async function staged(): Promise<Stage> {
  const stage = await openStage({ bankroll: 100_000n });
  onTestFinished(() => stage.close());
  return stage;
}

async function rowOf({ context, deployment }: Stage): Promise<AccountState> {
  const row = await findAccount(context, deployment, alice);
  if (!row) throw new Error('got no row of alice, expected one');
  return accountState(row);
}

/** Delivers what the chain has more; resolves to the accounts that the mirror says it wrote. */
async function deliver({ context, chain, keyOf }: Stage): Promise<AccountState[]> {
  const written: AccountState[] = [];
  for (let partition = 0; partition < STAGE_FACTS.partitions; partition += 1) {
    const key = keyOf(partition);
    const from = (await readPosition(context, key)).next_offset;
    const fresh = (chain.logs[partition] ?? []).slice(from);
    const carried = fresh.map((message, index) => carry(message, from + index));
    written.push(...(await consume(context, key, from, carried)).written);
  }
  return written;
}

async function landAll(stage: Stage): Promise<AccountState[]> {
  await stage.planAll();
  stage.chain.begin();
  await stage.landItems(0);
  stage.chain.end();
  return await deliver(stage);
}

/** All that accept and mirror said they wrote in a life of alice's seat, in order. */
async function playHistory(stage: Stage): Promise<AccountState[]> {
  const { chain, context } = stage;
  const written: AccountState[] = [];
  const step = async (accounts: readonly AccountState[]) => {
    expect(accounts.at(-1)).toEqual(await rowOf(stage));
    written.push(...accounts);
  };
  const accepted = async (action: Action) =>
    (await accept(context, [stage.request(alice, action)])).written;
  stage.mine(() => chain.fundSeat(alice, 1_000n, 1_000n, LATER_S));
  await step(await deliver(stage));
  chain.finalizeTo(chain.height());
  await step(await deliver(stage));
  await step(await accepted(bet('b1', 100n, 300n)));
  await step(await accepted(win('w1', 'b1', 250n)));
  await step(await landAll(stage));
  chain.revert(1);
  await step(await deliver(stage));
  await step(await landAll(stage));
  // The event and its finality in one batch write the seat twice.
  stage.mine(() => chain.fundSeat(alice, 50n, 1_000n, LATER_S));
  chain.finalizeTo(chain.height());
  await step(await deliver(stage));
  chain.raiseEpoch();
  chain.finalizeTo(chain.height());
  await step(await deliver(stage));
  await step(await accepted(credit('c1', 7n)));
  return written;
}

test('every write of an account is told, under a version above all before it', async () => {
  const stage = await staged();
  const versions = (await playHistory(stage)).map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, index) => index + 1));
  expect(versions.length).toBeGreaterThan(10);
});

test('requests that change no account tell of none', async () => {
  const stage = await staged();
  await stage.seat(alice, 1_000n);
  await stage.send(alice, bet('b1', 100n, 300n));
  const requests = [bet('b1', 100n, 300n), bet('b2', 5_000n, 5_000n)].map((action) =>
    stage.request(alice, action),
  );
  const { answers, written } = await accept(stage.context, requests);
  expect(answers.map(({ outcome }) => outcome)).toEqual(['accepted', 'refused']);
  expect(written).toEqual([]);
});

test(`accounts kept in any order end with the newest (seed ${SEED})`, async () => {
  const stage = await staged();
  const { clock } = stage.context;
  const written = await playHistory(stage);
  const onError = (error: unknown) => expect.unreachable(String(error));
  const open = () => {
    const cache = createMemoryCache({ clock, maxKeys: 10 });
    return createAccountCache({ ledger: stage.context, cache, onError });
  };
  const newest = await open().find(stage.deployment, alice);
  expect(newest).toMatchObject({ balance: '1207', pending: '7', grantNo: 2 });
  // So that whatever is found comes from the cache.
  await stage.context.journal.transaction(async (tx) => {
    await tx.deleteFrom('account').execute();
  });
  const length = written.length;
  const anyOrder = fc.shuffledSubarray(written, { minLength: length, maxLength: length });
  await fc.assert(
    fc.asyncProperty(anyOrder, async (accounts) => {
      const cached = open();
      expect(await cached.find(stage.deployment, alice)).toBeUndefined();
      for (const account of accounts) await cached.keep([account]);
      expect(await cached.find(stage.deployment, alice)).toEqual(newest);
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test('a cache that fails or holds nonsense is reported, and the ledger answers', async () => {
  const stage = await staged();
  await stage.seat(alice, 1_000n);
  const down = async () => {
    throw new Error('cache down');
  };
  const caches: Cache[] = [
    { get: down, setIfNewer: down },
    { get: async () => 'nonsense', setIfNewer: async () => {} },
  ];
  for (const cache of caches) {
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const cached = createAccountCache({ ledger: stage.context, cache, onError });
    await cached.keep([await rowOf(stage)]);
    expect(await cached.find(stage.deployment, alice)).toMatchObject({ balance: '1000' });
    expect(errors.length).toBeGreaterThan(0);
  }
});
