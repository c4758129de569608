import { decodeFunctionData } from 'viem';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { betBookAbi } from '../../contracts/generated/betBook.ts';
import { treasuryAbi } from '../../contracts/generated/treasury.ts';
import type { NativeGrant } from '../client.ts';
import { post, send } from '../test/raw.ts';
import { PLAYER, startGateway, type TestGateway } from '../test/startGateway.ts';

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  await gateway.close();
  expect(gateway.errors).toEqual([]);
});

const GRANT = {
  player: PLAYER,
  deposit: { amount: '500', deadline: 2_000_000_000, signature: `0x${'ab'.repeat(65)}` },
  grant: { buyIn: '400', topUp: '100', maxStake: '50', expiry: 1_900_000_000, grantNo: 1 },
  allow: { nonce: 0, expiry: 1_900_000_001, deadline: 1_900_000_002 },
  signature: `0x${'cd'.repeat(65)}`,
} satisfies NativeGrant;

const relay = (body: object) => post(`${gateway.url}/v1/grants`, JSON.stringify(body));

const calls = () =>
  gateway.ledger.journal.read.selectFrom('call').selectAll().orderBy('call').execute();

test('a grant with a permit becomes a deposit and then a seat', async () => {
  const answer = await relay(GRANT);
  expect(answer.status).toBe(202);
  const [deposit, sit, ...others] = await calls();
  expect(others).toEqual([]);
  expect(answer.json).toEqual({ call: sit?.call, state: 'pending' });
  expect(deposit).toMatchObject({ to: `0x${'7e'.repeat(20)}`, after_call: null });
  expect(decodeFunctionData({ abi: treasuryAbi, data: deposit?.data as `0x${string}` })).toEqual({
    functionName: 'depositWithPermit',
    args: [PLAYER, 500n, 2_000_000_000n, GRANT.deposit.signature],
  });
  expect(sit).toMatchObject({ to: `0x${'b0'.repeat(20)}`, after_call: deposit?.call });
  expect(decodeFunctionData({ abi: betBookAbi, data: sit?.data as `0x${string}` })).toEqual({
    functionName: 'sit',
    args: [
      PLAYER,
      {
        operator: expect.stringMatching(/^0x(0e){20}$/i),
        buyIn: 400n,
        topUp: 100n,
        maxStake: 50n,
        expiry: 1_900_000_000,
        grantNo: 1,
      },
      GRANT.allow,
      GRANT.signature,
    ],
  });
  expect(gateway.wakes.call).toBe(1);
});

test('the same grant again is the same call, however it is written', async () => {
  const first = await relay(GRANT);
  const { player, ...rest } = GRANT;
  const again = await relay({ ...rest, signature: `0x${'CD'.repeat(65)}`, player });
  expect(again.text).toBe(first.text);
  expect(await calls()).toHaveLength(2);
});

test('a grant without a deposit is one call', async () => {
  const { deposit: _, ...grant } = GRANT;
  const answer = await relay(grant);
  const rows = await calls();
  expect(rows).toHaveLength(1);
  expect(rows[0]?.after_call).toBeNull();
  const state = await send(`${gateway.url}/v1/grants/${answer.json.call}`);
  expect(state.json).toEqual({ call: answer.json.call, state: 'pending' });
});

test('a failed call says why', async () => {
  const { json } = await relay(GRANT);
  await gateway.ledger.journal.transaction(async (tx) => {
    await tx.updateTable('call').set({ state: 'failed', error: 'SignatureExpired' }).execute();
  });
  const state = await send(`${gateway.url}/v1/grants/${json.call}`);
  expect(state.json).toEqual({ call: json.call, state: 'failed', error: 'SignatureExpired' });
  expect((await relay(GRANT)).json).toEqual({ call: json.call, state: 'failed' });
});

test('an unknown call is not found', async () => {
  const answer = await send(`${gateway.url}/v1/grants/77`);
  expect(answer.json).toMatchObject({ status: 404, code: 'CALL_UNKNOWN' });
  const malformed = await send(`${gateway.url}/v1/grants/0x1`);
  expect(malformed.json).toMatchObject({ status: 400, code: 'REQUEST_MALFORMED' });
});

test('a malformed grant makes no call', async () => {
  for (const body of [
    { ...GRANT, signature: '0x' },
    { ...GRANT, signature: 'cd' },
    { ...GRANT, grant: { ...GRANT.grant, buyIn: 400 } },
    { ...GRANT, grant: { ...GRANT.grant, grantNo: 0 } },
    { ...GRANT, grant: { ...GRANT.grant, grantNo: 2 ** 32 } },
    { ...GRANT, grant: { ...GRANT.grant, operator: PLAYER } },
    { ...GRANT, grant: { ...GRANT.grant, expiry: 1_900_000_000_000 } },
    { ...GRANT, allow: { ...GRANT.allow, deadline: 1_900_000_000_000 } },
    { ...GRANT, deposit: null },
  ]) {
    const answer = await relay(body);
    expect(answer.json).toMatchObject({ status: 400, code: 'REQUEST_MALFORMED' });
  }
  expect(await calls()).toEqual([]);
});
