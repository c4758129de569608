import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clock, systemClock } from '../platform/clock.ts';
import { createProviderClient, type ProviderClient } from './client.ts';
import { KEY } from './test/startGateway.ts';

/** A gateway that answers from a list, and hangs up where it says so. */
interface Seen {
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
}

const PROBLEM = (status: number, errorClass: string) => ({
  status,
  body: JSON.stringify({ code: 'X', errorClass }),
});

let answers: ({ status: number; body: string } | 'hang up')[];
let seen: Seen[];
let server: http.Server;
let client: ProviderClient;
let pausesMs: number[];

const clock: Clock = {
  nowMs: systemClock.nowMs,
  sleep: async (durationMs) => {
    pausesMs.push(durationMs);
  },
};

beforeEach(async () => {
  answers = [];
  seen = [];
  pausesMs = [];
  server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    seen.push({ body, headers: request.headers });
    const answer = answers.shift() ?? { status: 200, body: '{"state":"accepted"}' };
    if (answer === 'hang up') request.socket.destroy();
    else response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  client = createProviderClient({ baseUrl: `http://127.0.0.1:${port}`, ...KEY, clock });
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

test('retryable answers and lost ones are repeated with the same bytes and key', async () => {
  answers = [
    PROBLEM(503, 'retryable'),
    'hang up',
    PROBLEM(404, 'retryable'),
    { status: 502, body: '<html>' },
  ];
  const answer = await client.request('{"a":1}', 'key-1');
  expect(answer).toEqual({ status: 200, text: '{"state":"accepted"}' });
  expect(seen.map(({ body }) => body)).toEqual(Array(5).fill('{"a":1}'));
  expect(new Set(seen.map(({ headers }) => headers['idempotency-key']))).toEqual(
    new Set(['key-1']),
  );
  expect(new Set(seen.map(({ headers }) => headers.signature)).size).toBe(5);
  expect(pausesMs).toEqual([50, 100, 200, 400]);
});

test('final answers are not repeated', async () => {
  answers = [PROBLEM(422, 'final')];
  expect((await client.request('{}', 'key-1')).status).toBe(422);
  answers = [PROBLEM(500, 'fatal')];
  expect((await client.request('{}', 'key-2')).status).toBe(500);
  expect(seen).toHaveLength(2);
});

test('repetition ends: with the last answer, or by saying that there was none', async () => {
  answers = Array(12).fill(PROBLEM(503, 'retryable'));
  expect((await client.request('{}', 'key-1')).status).toBe(503);
  expect(seen).toHaveLength(12);
  answers = Array(12).fill('hang up');
  await expect(client.request('{}', 'key-2')).rejects.toMatchObject({
    code: 'GATEWAY_UNREACHABLE',
    errorClass: 'retryable',
  });
});
