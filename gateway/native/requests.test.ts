import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { post, type RawAnswer } from '../test/raw.ts';
import { BALANCE, PLAYER, startGateway, type TestGateway } from '../test/startGateway.ts';

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  await gateway.close();
  expect(gateway.errors).toEqual([]);
});

const BET = { type: 'bet', txId: 'b1', stake: '100', maxPayout: '200' };

function bodyOf(action: object, change: object = {}): string {
  return JSON.stringify({
    session: gateway.session,
    game: 'dice',
    round: 'r1',
    actions: [action],
    ...change,
  });
}

function send(body: string, options: Parameters<typeof post>[2] = {}): Promise<RawAnswer> {
  return post(`${gateway.url}/v1/requests`, body, options);
}

const NOTHING = { request: 0, intent: 0, bet: 0, outbox: 0, call: 0, session: 1 };

async function expectProblem(answer: RawAnswer, status: number, code: string): Promise<void> {
  expect(answer.json).toMatchObject({ code, status });
  expect(answer.status).toBe(status);
  expect(answer.contentType).toMatch(/^application\/problem\+json/);
  for (const field of ['type', 'title', 'detail', 'errorClass']) {
    expect(answer.json[field]).toEqual(expect.any(String));
  }
}

test('a bet is accepted, and its answer says the balance after it', async () => {
  const answer = await send(bodyOf(BET));
  expect(answer.status).toBe(200);
  expect(answer.contentType).toBe('application/json; charset=utf-8');
  expect(answer.json).toEqual({
    state: 'accepted',
    provider: 'dice',
    brand: 'blue',
    round: 'r1',
    txId: 'b1',
    ref: expect.stringMatching(/^0x[0-9a-f]{32}$/),
    player: PLAYER,
    balance: `${BALANCE - 100n}`,
  });
  expect(await gateway.counts()).toMatchObject({ request: 1, intent: 1, bet: 1, outbox: 1 });
  expect(gateway.wakes.accepted).toBe(1);
});

test('a token that is written with escapes is not kept either', async () => {
  const escaped = `\\u00${gateway.session.charCodeAt(0).toString(16)}${gateway.session.slice(1)}`;
  expect((await send(bodyOf(BET).replace(gateway.session, escaped))).status).toBe(200);
  const hash = createHash('sha256').update(gateway.session).digest('hex');
  const row = await gateway.ledger.journal.read
    .selectFrom('request')
    .select('body')
    .executeTakeFirstOrThrow();
  expect(row.body).toBe(bodyOf(BET).replace(gateway.session, `sha256:${hash}`));
});

test('a win, a void and a credit are accepted', async () => {
  await send(bodyOf(BET), { idempotencyKey: 'k1' });
  const win = { type: 'win', txId: 'w1', betTxId: 'b1', payout: '150' };
  const won = await send(bodyOf(win), { idempotencyKey: 'k2' });
  expect(won.json).toMatchObject({ state: 'accepted', balance: `${BALANCE + 50n}` });
  await send(bodyOf({ ...BET, txId: 'b2' }), { idempotencyKey: 'k3' });
  const voided = await send(bodyOf({ type: 'void', txId: 'v2', betTxId: 'b2' }), {
    idempotencyKey: 'k4',
  });
  expect(voided.json).toMatchObject({ state: 'accepted', balance: `${BALANCE + 50n}` });
  const credit = { type: 'credit', txId: 'c1', amount: '7' };
  const credited = await send(bodyOf(credit), { idempotencyKey: 'k5' });
  expect(credited.status).toBe(200);
  expect(credited.json).toMatchObject({ state: 'accepted', txId: 'c1' });
});

test('the body, but for its token, and the signature are kept as they came', async () => {
  const body = bodyOf(BET).replace('"dice"', '\t"dice"');
  await send(body);
  const row = await gateway.ledger.journal.read
    .selectFrom('request')
    .select(['body', 'signature'])
    .executeTakeFirstOrThrow();
  const hash = createHash('sha256').update(gateway.session).digest('hex');
  expect(row.body).toBe(body.replace(gateway.session, `sha256:${hash}`));
  expect(row.signature).toMatch(/^sig=\("@method" .*\nsig=:[A-Za-z0-9+/=]+:$/);
});

test('a repeated request gets the same answer byte for byte and bets once', async () => {
  const first = await send(bodyOf(BET));
  const spaced = await send(JSON.stringify(JSON.parse(bodyOf(BET)), null, 2));
  expect(spaced.text).toBe(first.text);
  expect(await gateway.counts()).toMatchObject({ request: 1, intent: 1, outbox: 1 });
});

test('200 concurrent duplicates make one intent and get one answer', async () => {
  const answers = await Promise.all(Array.from({ length: 200 }, () => send(bodyOf(BET))));
  expect(new Set(answers.map((answer) => `${answer.status} ${answer.text}`)).size).toBe(1);
  expect(answers[0]?.status).toBe(200);
  expect(await gateway.counts()).toMatchObject({ request: 1, intent: 1, bet: 1, outbox: 1 });
});

test('the same key with another body is a conflict', async () => {
  await send(bodyOf(BET));
  const other = await send(bodyOf({ ...BET, stake: '101' }));
  await expectProblem(other, 409, 'IDEMPOTENCY_CONFLICT');
  expect(await gateway.counts()).toMatchObject({ request: 1, intent: 1 });
});

test('the same transaction id under another key is a conflict', async () => {
  await send(bodyOf(BET), { idempotencyKey: 'k1' });
  const other = await send(bodyOf(BET), { idempotencyKey: 'k2' });
  await expectProblem(other, 409, 'TRANSACTION_ID_TAKEN');
  expect(await gateway.counts()).toMatchObject({ request: 1, intent: 1 });
});

test('a stake above the balance is refused for good, and the refusal replayed', async () => {
  const bet = { ...BET, stake: `${BALANCE + 1n}`, maxPayout: `${BALANCE + 2n}` };
  const first = await send(bodyOf(bet));
  expect(first.status).toBe(422);
  expect(first.json).toMatchObject({ errorClass: 'final' });
  expect(['STAKE_ABOVE_LIMIT', 'STAKE_ABOVE_BALANCE']).toContain(first.json.code);
  expect((await send(bodyOf(bet))).text).toBe(first.text);
  expect(await gateway.counts()).toMatchObject({ request: 1, intent: 0, bet: 0 });
  expect(gateway.wakes.accepted).toBe(0);
});

test('a wrong signature of any kind stores nothing', async () => {
  const body = bodyOf(BET);
  const nowS = Math.floor(Date.now() / 1000);
  await expectProblem(await send(body, { secret: 'bb'.repeat(32) }), 401, 'SIGNATURE_INVALID');
  await expectProblem(await send(body, { keyId: 'nobody' }), 401, 'KEY_UNKNOWN');
  await expectProblem(await send(body, { nowS: nowS - 400 }), 401, 'SIGNATURE_EXPIRED');
  const tampered = body.replace('"100"', '"900"');
  await expectProblem(await send(body, { sentBody: tampered }), 401, 'DIGEST_MISMATCH');
  const without = (name: string) => ({
    change: (headers: Record<string, string>) =>
      Object.fromEntries(Object.entries(headers).filter(([header]) => header !== name)),
  });
  await expectProblem(await send(body, without('content-digest')), 401, 'DIGEST_MISSING');
  await expectProblem(await send(body, without('signature')), 401, 'SIGNATURE_MISSING');
  await expectProblem(await send(body, without('idempotency-key')), 400, 'IDEMPOTENCY_KEY_MISSING');
  expect(await gateway.counts()).toEqual(NOTHING);
});

test('a signature for another path or query is refused', async () => {
  const body = bodyOf(BET);
  let signed: Record<string, string> = {};
  await post(`${gateway.url}/v1/sessions`, body, {
    change: (headers) => {
      signed = headers;
      return headers;
    },
  });
  await expectProblem(await send(body, { change: () => signed }), 401, 'SIGNATURE_INVALID');
  const withQuery = await post(`${gateway.url}/v1/sessions?a=1`, body, { change: () => signed });
  await expectProblem(withQuery, 401, 'SIGNATURE_INVALID');
  expect(await gateway.counts()).toEqual(NOTHING);
});

test('a body of another form is refused and stores nothing', async () => {
  for (const body of [
    '',
    '{',
    'null',
    '[]',
    bodyOf(BET).slice(0, -1),
    bodyOf(BET, { extra: 1 }),
    bodyOf({ ...BET, extra: '1' }),
    bodyOf({ ...BET, stake: 100 }),
    bodyOf({ ...BET, stake: '0100' }),
    bodyOf({ ...BET, stake: '-1' }),
    bodyOf({ ...BET, stake: '1.5' }),
    bodyOf({ ...BET, stake: '1e3' }),
    bodyOf({ ...BET, stake: ' 1' }),
    bodyOf({ ...BET, stake: `${2n ** 96n}` }),
    bodyOf({ ...BET, stake: '9'.repeat(5_000) }),
    bodyOf({ ...BET, txId: '' }),
    bodyOf({ ...BET, txId: 'x'.repeat(129) }),
    bodyOf({ ...BET, txId: 'naïve' }),
    bodyOf({ ...BET, type: 'finish' }),
    bodyOf({ type: 'win', txId: 'w1', payout: '1' }),
    bodyOf(BET, { actions: [] }),
    bodyOf(BET, { actions: [BET, BET] }),
    bodyOf(BET, { session: undefined }),
    bodyOf(BET).replace('{', '{"__proto__":{"stake":"1"},'),
  ]) {
    await expectProblem(await send(body), 400, 'REQUEST_MALFORMED');
  }
  const notUtf8 = await post(`${gateway.url}/v1/requests`, Buffer.from([0x7b, 0xff, 0x7d]));
  await expectProblem(notUtf8, 400, 'REQUEST_MALFORMED');
  expect(await gateway.counts()).toEqual(NOTHING);
});

test('the sentence about a wrong field names it and quotes nothing', async () => {
  const answer = await send(bodyOf({ ...BET, stake: 100 }));
  expect(answer.json.detail).toContain('actions.0.stake');
  expect(answer.json.detail).toContain('expected string, received number');
});

test('a body above the limit is refused before it is read', async () => {
  const answer = await send(bodyOf({ ...BET, txId: 'x'.repeat(20_000) }));
  await expectProblem(answer, 413, 'BODY_TOO_LARGE');
  expect(await gateway.counts()).toEqual(NOTHING);
});

test('an unknown session, or one of another provider, is not found', async () => {
  await expectProblem(await send(bodyOf(BET, { session: 'nope' })), 404, 'SESSION_UNKNOWN');
  await gateway.ledger.journal.transaction(async (tx) => {
    await tx.updateTable('session').set({ provider: 'slots' }).execute();
  });
  await expectProblem(await send(bodyOf(BET)), 404, 'SESSION_UNKNOWN');
  expect(await gateway.counts()).toEqual(NOTHING);
});

test('an ended session takes no bet, but wins, voids and late retries', async () => {
  const win = { type: 'win', txId: 'w1', betTxId: 'b1', payout: '50' };
  const first = await send(bodyOf(BET), { idempotencyKey: 'k1' });
  await gateway.ledger.journal.transaction(async (tx) => {
    await tx
      .updateTable('session')
      .set({ expires_ms: Date.now() - 1 })
      .execute();
  });
  const late = await send(bodyOf({ ...BET, txId: 'b2' }), { idempotencyKey: 'k2' });
  await expectProblem(late, 401, 'SESSION_EXPIRED');
  expect((await send(bodyOf(BET), { idempotencyKey: 'k1' })).text).toBe(first.text);
  const other = await send(bodyOf({ ...BET, stake: '1' }), { idempotencyKey: 'k1' });
  await expectProblem(other, 401, 'SESSION_EXPIRED');
  expect((await send(bodyOf(win), { idempotencyKey: 'k3' })).status).toBe(200);
  expect(await gateway.counts()).toMatchObject({ request: 2, intent: 2 });
});

test('a session of a retired deployment is expired, and what it did stays answered', async () => {
  const first = await send(bodyOf(BET), { idempotencyKey: 'k1' });
  await gateway.redeploy();
  const win = { type: 'win', txId: 'w1', betTxId: 'b1', payout: '50' };
  await expectProblem(await send(bodyOf(win), { idempotencyKey: 'k2' }), 401, 'SESSION_EXPIRED');
  expect((await send(bodyOf(BET), { idempotencyKey: 'k1' })).text).toBe(first.text);
  expect(await gateway.counts()).toMatchObject({ request: 1, intent: 1 });
});

test('keys and transaction ids that differ in case are different', async () => {
  await send(bodyOf(BET), { idempotencyKey: 'k1' });
  const upper = await send(bodyOf({ ...BET, txId: 'B1' }), { idempotencyKey: 'K1' });
  expect(upper.json).toMatchObject({ state: 'accepted', txId: 'B1', balance: `${BALANCE - 200n}` });
});
