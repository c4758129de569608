import { once } from 'node:events';
import net from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CroupierError } from '../platform/errors.ts';
import { createGateway } from './server.ts';
import { post, send } from './test/raw.ts';
import { OPERATOR_TOKEN, PLAYER, startGateway, type TestGateway } from './test/startGateway.ts';

let gateway: TestGateway;
let adminFailure: unknown;

beforeEach(async () => {
  adminFailure = undefined;
  gateway = await startGateway({
    admin: {
      trace: async (id) => ({ id }),
      status: async () => {
        if (adminFailure) throw adminFailure;
        return { accepted: '1' };
      },
      session: async (args) => args,
      sql: async (sql) => ({ sql }),
    },
  });
});

afterEach(async () => {
  await gateway.close();
});

/** Writes bytes to the socket and reads until the server closes it. */
async function talk(bytes: string): Promise<string> {
  const { port, hostname } = new URL(gateway.url);
  const socket = net.connect(Number(port), hostname);
  socket.end(bytes);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

test('an unknown path, another method and another media type are problems', async () => {
  expect((await send(`${gateway.url}/v2`)).json).toMatchObject({
    status: 404,
    code: 'RESOURCE_UNKNOWN',
  });
  const other = await send(`${gateway.url}/v1/requests`);
  expect(other.json).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
  expect(other.headers.get('allow')).toBe('POST');
  const del = await send(`${gateway.url}/livez`, { method: 'DELETE' });
  expect(del.json).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
  const form = await post(`${gateway.url}/v1/requests`, '{}', {
    change: (headers) => ({ ...headers, 'content-type': 'text/plain' }),
  });
  expect(form.json).toMatchObject({ status: 415, code: 'MEDIA_TYPE_UNSUPPORTED' });
  const badPath = await send(`${gateway.url}/v1/banks/%ff`);
  expect(badPath.json).toMatchObject({ status: 400, code: 'PATH_MALFORMED' });
  const longName = await send(`${gateway.url}/v1/banks/${'1'.repeat(500)}`);
  expect(longName.contentType).toMatch(/^application\/problem\+json/);
  expect(longName.status).toBeGreaterThanOrEqual(400);
  expect(longName.status).toBeLessThan(500);
  expect(gateway.errors).toEqual([]);
});

test('bytes that are not HTTP get a problem too', async () => {
  const text = await talk('BOO\r\n\r\n');
  expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json/);
  expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toMatchObject({
    code: 'HTTP_MALFORMED',
    errorClass: 'final',
  });
});

test('livez and readyz', async () => {
  expect((await send(`${gateway.url}/livez`)).json).toEqual({ live: true });
  const ready = await send(`${gateway.url}/readyz`);
  expect(ready.status).toBe(200);
  expect(ready.json).toEqual({
    ready: true,
    deployment: gateway.deployments[0],
    ledger: 'active',
    mirrorLag: 0,
  });
  gateway.health = { ready: false, details: { mirrorLag: 90 } };
  const lagging = await send(`${gateway.url}/readyz`);
  expect(lagging.status).toBe(503);
  expect(lagging.json).toMatchObject({ ready: false, mirrorLag: 90 });
});

test('administration needs the operator token', async () => {
  const url = `${gateway.url}/admin/status`;
  for (const authorization of ['', 'Bearer', 'Bearer wrong', OPERATOR_TOKEN]) {
    const answer = await send(url, { headers: { authorization } });
    expect(answer.json).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
    expect(answer.text).not.toContain(OPERATOR_TOKEN);
  }
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json' };
  expect((await send(url, { headers })).json).toEqual({ accepted: '1' });
  expect((await send(`${gateway.url}/admin/trace/b%2F1`, { headers })).json).toEqual({ id: 'b/1' });
  const session = { provider: 'dice', brand: '', player: PLAYER, ttlS: 60 };
  const opened = await send(`${gateway.url}/admin/sessions`, {
    method: 'POST',
    headers,
    body: JSON.stringify(session),
  });
  expect(opened.status).toBe(201);
  expect(opened.json).toEqual(session);
  const sql = await send(`${gateway.url}/admin/sql`, {
    method: 'POST',
    headers,
    body: '{"sql":"SELECT 1"}',
  });
  expect(sql.json).toEqual({ sql: 'SELECT 1' });
  const signed = await post(`${gateway.url}/admin/sql`, '{"sql":"SELECT 1"}');
  expect(signed.json).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
});

test('an unexpected failure is reported to the operator and hidden from the caller', async () => {
  adminFailure = new Error('the secret is 42');
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
  const answer = await send(`${gateway.url}/admin/status`, { headers });
  expect(answer.json).toMatchObject({ status: 500, code: 'INTERNAL', errorClass: 'retryable' });
  expect(answer.text).not.toContain('42');
  expect(gateway.errors).toEqual([adminFailure]);
});

test('an error of another service is answered by its class and code', async () => {
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
  for (const [errorClass, status] of [
    ['retryable', 503],
    ['final', 422],
    ['fatal', 500],
  ] as const) {
    adminFailure = new CroupierError({
      code: 'SOME_CODE',
      errorClass,
      message: 'got this, expected that',
      details: { partition: 3 },
    });
    const answer = await send(`${gateway.url}/admin/status`, { headers });
    expect(answer.json).toMatchObject({
      type: 'urn:croupier:problem:some_code',
      status,
      code: 'SOME_CODE',
      errorClass,
      detail: 'got this, expected that',
      partition: 3,
    });
  }
  expect(gateway.errors).toHaveLength(1);
});

test('a busy port is named', async () => {
  const { port } = new URL(gateway.url);
  const second = createGateway({
    ledger: gateway.ledger,
    accounts: { keep: async () => {}, find: async () => undefined },
    currentDeployment: () => '',
    host: '127.0.0.1',
    port: Number(port),
    operatorToken: OPERATOR_TOKEN,
    admin: {
      trace: async () => ({}),
      status: async () => ({}),
      session: async () => ({}),
      sql: async () => ({}),
    },
    health: async () => gateway.health,
    randomBytes: (size) => new Uint8Array(size),
    onAccepted: () => {},
    onCall: () => {},
    onError: () => {},
  });
  await expect(second.listen()).rejects.toMatchObject({
    code: 'PORT_BUSY',
    message: expect.stringContaining(port),
  });
  await second.close();
});

test('close answers what is in flight and does not wait for silent connections', async () => {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const own = await startGateway({
    admin: {
      trace: async (id) => ({ id }),
      status: async () => {
        asked.resolve();
        await held.promise;
        return { accepted: '1' };
      },
      session: async (args) => args,
      sql: async (sql) => ({ sql }),
    },
  });
  const answer = send(`${own.url}/admin/status`, {
    headers: { authorization: `Bearer ${OPERATOR_TOKEN}` },
  });
  await asked.promise;
  const { port, hostname } = new URL(own.url);
  const silent = net.connect(Number(port), hostname);
  await once(silent, 'connect');
  const closed = own.close();
  held.resolve();
  expect((await answer).json).toEqual({ accepted: '1' });
  // The limit of a test is below the time that a connection may be silent.
  await closed;
});
