import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Cache } from '../../platform/cache/cache.ts';
import { createMemoryCache } from '../../platform/cache/memory.ts';
import { systemClock } from '../../platform/clock.ts';
import { post, send } from '../test/raw.ts';
import { BALANCE, BANK, PLAYER, startGateway, type TestGateway } from '../test/startGateway.ts';

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  await gateway.close();
  expect(gateway.errors).toEqual([]);
});

const get = (path: string) => send(`${gateway.url}${path}`);

async function restart(cache: Cache): Promise<void> {
  await gateway.close();
  gateway = await startGateway({ cache });
}

async function bet(txId: string): Promise<void> {
  const body = {
    session: gateway.session,
    game: 'dice',
    round: 'r1',
    actions: [{ type: 'bet', txId, stake: '100', maxPayout: '250' }],
  };
  const answer = await post(`${gateway.url}/v1/requests`, JSON.stringify(body), {
    idempotencyKey: 'k1',
  });
  expect(answer.status).toBe(200);
}

test('a bet can be read by the name that its provider gave it', async () => {
  const txId = 'round/1 of 2?'.replaceAll(' ', '%');
  await bet(txId);
  const path = `/v1/bets/${encodeURIComponent(txId)}?provider=dice&brand=blue`;
  const answer = await get(path);
  expect(answer.status).toBe(200);
  expect(answer.json).toMatchObject({
    deployment: gateway.deployments[0],
    txId,
    player: PLAYER,
    state: 'open',
    stake: '100',
    maxPayout: '250',
    payout: null,
    final: false,
    actions: [{ type: 'bet', txId, state: 'pending', block: null, transaction: null }],
  });
});

test('a bet is final only once it is over and all of it has landed for good', async () => {
  await bet('b1');
  const setAll = (state: 'landed' | 'final', betState: 'open' | 'settled') =>
    gateway.ledger.journal.transaction(async (tx) => {
      await tx.updateTable('intent').set({ state, landed_block: 9 }).execute();
      await tx.updateTable('bet').set({ state: betState }).execute();
    });
  const isFinal = async () => (await get('/v1/bets/b1?provider=dice&brand=blue')).json.final;
  await setAll('landed', 'settled');
  expect(await isFinal()).toBe(false);
  await setAll('final', 'open');
  expect(await isFinal()).toBe(false);
  await setAll('final', 'settled');
  expect(await isFinal()).toBe(true);
});

test('a player and a bank can be read', async () => {
  await bet('b1');
  expect((await get(`/v1/players/${PLAYER}`)).json).toMatchObject({
    player: PLAYER,
    balance: `${BALANCE - 100n}`,
    chainBalance: `${BALANCE}`,
    pending: '-100',
    grantNo: 1,
  });
  expect((await get(`/v1/banks/${BANK}`)).json).toMatchObject({
    bank: BANK,
    bankroll: '1000000000',
    hold: '150',
    headroom: '999999850',
    exiting: '0',
    maxPayout: '500000000',
    stopLoss: '1000000000',
    maxHorizonS: 2_592_000,
    announced: null,
    halted: false,
    today: { loss: '0', won: '0', credited: '0' },
  });
});

test('an accepted bet puts its player into the cache, which answers then', async () => {
  const cache = createMemoryCache({ clock: systemClock, maxKeys: 10 });
  await restart(cache);
  const key = `account:${gateway.deployments[0]}:${PLAYER}`;
  await bet('b1');
  const kept = JSON.parse((await cache.get(key)) ?? '');
  expect(kept).toMatchObject({ player: PLAYER, balance: `${BALANCE - 100n}`, pending: '-100' });
  await gateway.ledger.journal.transaction(async (tx) => {
    await tx.deleteFrom('account').execute();
  });
  expect((await get(`/v1/players/${PLAYER}`)).json).toEqual(kept);
});

test('a read fills the cache', async () => {
  const cache = createMemoryCache({ clock: systemClock, maxKeys: 10 });
  await restart(cache);
  const { json } = await get(`/v1/players/${PLAYER}`);
  const kept = await cache.get(`account:${gateway.deployments[0]}:${PLAYER}`);
  expect(JSON.parse(kept ?? '')).toEqual(json);
});

test('bets are accepted and players can be read while the cache is down', async () => {
  const down = async () => {
    throw new Error('cache down');
  };
  await restart({ get: down, setIfNewer: down });
  await bet('b1');
  const { json } = await get(`/v1/players/${PLAYER}`);
  expect(json).toMatchObject({ balance: `${BALANCE - 100n}` });
  expect(gateway.errors.splice(0)).not.toEqual([]);
});

test('what was never seen is not found', async () => {
  const found = async (path: string) => (await get(path)).json;
  expect(await found('/v1/bets/b9?provider=dice')).toMatchObject({
    status: 404,
    code: 'BET_UNKNOWN',
  });
  expect(await found(`/v1/players/0x${'99'.repeat(20)}`)).toMatchObject({
    status: 404,
    code: 'PLAYER_UNKNOWN',
  });
  expect(await found('/v1/banks/2')).toMatchObject({ status: 404, code: 'BANK_UNKNOWN' });
});

test('a malformed name or query is refused', async () => {
  for (const path of [
    '/v1/bets/b1',
    '/v1/bets/b1?provider=dice&provider=dice',
    '/v1/bets/b1?provider=dice&x=1',
    '/v1/bets/b%20?provider=dice',
    '/v1/players/bob',
    '/v1/banks/-1',
    '/v1/banks/99999999999',
  ]) {
    expect((await get(path)).json).toMatchObject({ status: 400, code: 'REQUEST_MALFORMED' });
  }
});
