import { afterEach, beforeEach, expect, test } from 'vitest';
import { post } from '../test/raw.ts';
import { BALANCE, PLAYER, startGateway, type TestGateway } from '../test/startGateway.ts';

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  await gateway.close();
  expect(gateway.errors).toEqual([]);
});

const open = (body: object) => post(`${gateway.url}/v1/sessions`, JSON.stringify(body));

test('a session of a seated player is opened with its balance', async () => {
  const nowMs = Date.now();
  const answer = await open({ player: PLAYER, brand: 'blue', ttlS: 60 });
  expect(answer.status).toBe(201);
  expect(answer.json).toMatchObject({ player: PLAYER, balance: `${BALANCE}` });
  expect(answer.json.session).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const expiresMs = Date.parse(String(answer.json.expiresAt));
  expect(expiresMs).toBeGreaterThanOrEqual(nowMs + 60_000);
  expect(expiresMs).toBeLessThan(Date.now() + 61_000);
});

test('the token itself is not stored', async () => {
  const rows = await gateway.ledger.journal.read.selectFrom('session').selectAll().execute();
  expect(JSON.stringify(rows)).not.toContain(gateway.session);
  expect(rows[0]?.token_hash).toHaveLength(32);
});

test('a player without a seat is unknown', async () => {
  const answer = await open({ player: `0x${'99'.repeat(20)}` });
  expect(answer.status).toBe(404);
  expect(answer.json).toMatchObject({ code: 'PLAYER_UNKNOWN', errorClass: 'final' });
  expect(await gateway.counts()).toMatchObject({ session: 1 });
});

test("a brand that is not the key's is refused", async () => {
  const answer = await open({ player: PLAYER, brand: 'red' });
  expect(answer.status).toBe(422);
  expect(answer.json).toMatchObject({ code: 'BRAND_OF_OTHER_KEY' });
});

test('a malformed player or duration is refused', async () => {
  for (const body of [
    { player: 'bob' },
    { player: PLAYER.slice(0, -1) },
    { player: '0x52908400098527886E0F7030069857D2E4169Ee7' },
    { player: PLAYER, ttlS: 0 },
    { player: PLAYER, ttlS: '60' },
    { player: PLAYER, ttlS: 1.5 },
    {},
  ]) {
    const answer = await open(body);
    expect(answer.json).toMatchObject({ code: 'REQUEST_MALFORMED', status: 400 });
  }
  expect(await gateway.counts()).toMatchObject({ session: 1 });
});

test('an address with its checksum is the same player', async () => {
  const player = '0x52908400098527886E0F7030069857D2E4169EE7';
  await gateway.seat(`0x${player.slice(2).toLowerCase()}`, 5n);
  const answer = await open({ player });
  expect(answer.json).toMatchObject({ player: player.toLowerCase(), balance: '5' });
});
