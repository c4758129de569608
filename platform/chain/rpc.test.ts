import { afterAll, beforeAll, expect, test } from 'vitest';
import { CroupierError } from '../errors.ts';
import { type DevNode, startDevNode } from './devNode.ts';
import { type HostileEndpoint, startHostileEndpoint } from './hostileEndpoint.ts';
import { createRpc } from './rpc.ts';

const TIMEOUT_MS = 5_000;
/** Init code that reverts with the four bytes 0xdeadbeef. */
const REVERTING_CODE = '0x63deadbeef60e01b60005260046000fd';

let node: DevNode;
let hostile: HostileEndpoint;

beforeAll(async () => {
  [node, hostile] = await Promise.all([startDevNode({ port: 0 }), startHostileEndpoint()]);
});

afterAll(async () => {
  await Promise.all([node.close(), hostile.close()]);
});

/** The error of a call to the hostile endpoint, which answers like this. */
async function errorFor(answer: Parameters<HostileEndpoint['behave']>[0], timeoutMs = TIMEOUT_MS) {
  hostile.behave(answer);
  return failure(createRpc({ url: hostile.url, timeoutMs }).call('eth_blockNumber', []));
}

async function failure(result: Promise<unknown>): Promise<CroupierError> {
  const error = await result.then(
    (value) => new Error(`got ${JSON.stringify(value)}, expected a failure`),
    (reason: unknown) => reason,
  );
  if (error instanceof CroupierError) return error;
  throw error;
}

/** An answer with this text under this status. */
function text(status: number, body: string) {
  return (response: { writeHead(status: number): { end(body: string): void } }) =>
    response.writeHead(status).end(body);
}

function rpcError(error: unknown, status = 200) {
  return text(status, JSON.stringify({ jsonrpc: '2.0', id: null, error }));
}

test('call() answers the result of a real node', async () => {
  const rpc = createRpc({ url: node.rpcUrl, timeoutMs: TIMEOUT_MS });
  expect(await rpc.call('eth_chainId', [])).toBe('0x7c55');
});

test('call() keeps null as a result', async () => {
  const rpc = createRpc({ url: node.rpcUrl, timeoutMs: TIMEOUT_MS });
  expect(await rpc.call('eth_getBlockByNumber', ['0xfffffff', false])).toBe(null);
});

test('batch() answers in the order of the calls', async () => {
  const rpc = createRpc({ url: node.rpcUrl, timeoutMs: TIMEOUT_MS });
  const [chainId, block] = await rpc.batch<[string, { number: string }]>([
    { method: 'eth_chainId', params: [] },
    { method: 'eth_getBlockByNumber', params: ['0x0', false] },
  ]);
  expect([chainId, block.number]).toEqual(['0x7c55', '0x0']);
});

test('batch() pairs answers with calls by id, not by place', async () => {
  hostile.behave((response, { body }) => {
    const requests = JSON.parse(body) as { id: number; method: string }[];
    const answers = requests.map(({ id, method }) => ({ jsonrpc: '2.0', id, result: method }));
    response.end(JSON.stringify(answers.toReversed()));
  });
  const rpc = createRpc({ url: hostile.url, timeoutMs: TIMEOUT_MS });
  const calls = ['a', 'b', 'c'].map((method) => ({ method, params: [] }));
  expect(await rpc.batch(calls)).toEqual(['a', 'b', 'c']);
});

test('batch() of nothing asks nothing', async () => {
  hostile.behave((response) => response.destroy());
  expect(await createRpc({ url: hostile.url, timeoutMs: TIMEOUT_MS }).batch([])).toEqual([]);
});

test('batch() is retryable when an answer is missing, final when one is an error', async () => {
  const rpc = createRpc({ url: hostile.url, timeoutMs: TIMEOUT_MS });
  const calls = ['a', 'b'].map((method) => ({ method, params: [] }));
  hostile.behave((response, { body }) => {
    const [first] = JSON.parse(body) as { id: number }[];
    response.end(JSON.stringify([{ jsonrpc: '2.0', id: first?.id, result: 1 }]));
  });
  expect(await failure(rpc.batch(calls))).toMatchObject({
    code: 'RPC_UNREADABLE',
    errorClass: 'retryable',
  });
  hostile.behave(rpcError({ code: -32600, message: 'batches are not supported' }));
  expect(await failure(rpc.batch(calls))).toMatchObject({ code: 'RPC_ERROR', errorClass: 'final' });
});

test('a revert of a real node is final and keeps its data', async () => {
  const rpc = createRpc({ url: node.rpcUrl, timeoutMs: TIMEOUT_MS });
  const error = await failure(rpc.call('eth_call', [{ data: REVERTING_CODE }, 'latest']));
  expect(error).toMatchObject({ code: 'RPC_ERROR', errorClass: 'final', details: { rpcCode: 3 } });
  expect(error.cause).toMatchObject({ code: 3, data: '0xdeadbeef' });
});

test('an unknown method of a real node is final', async () => {
  const rpc = createRpc({ url: node.rpcUrl, timeoutMs: TIMEOUT_MS });
  const error = await failure(rpc.call('eth_nonsense', []));
  expect(error).toMatchObject({ code: 'RPC_ERROR', errorClass: 'final' });
});

test('an endpoint where nobody listens is retryable', async () => {
  const gone = await startHostileEndpoint();
  await gone.close();
  const error = await failure(createRpc({ url: gone.url, timeoutMs: TIMEOUT_MS }).call('a', []));
  expect(error).toMatchObject({ code: 'RPC_UNREACHABLE', errorClass: 'retryable' });
});

test('a connection that is reset before or within the answer is retryable', async () => {
  const reset = { code: 'RPC_UNREACHABLE', errorClass: 'retryable' };
  expect(await errorFor((response) => response.destroy())).toMatchObject(reset);
  const cut = await errorFor((response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{"jsonrpc":', () => response.destroy());
  });
  expect(cut).toMatchObject(reset);
});

test('silence is retryable, before the answer and in the middle of it', async () => {
  const timeout = { code: 'RPC_TIMEOUT', errorClass: 'retryable' };
  expect(await errorFor(() => {}, 100)).toMatchObject(timeout);
  expect(await errorFor((response) => void response.write('{"json'), 100)).toMatchObject(timeout);
});

test.each([
  ['HTTP 429', text(429, 'slow down'), 'RPC_RATE_LIMITED', 'retryable'],
  ['code 429', rpcError({ code: 429, message: 'compute units' }), 'RPC_RATE_LIMITED', 'retryable'],
  ['-32005', rpcError({ code: -32005, message: 'daily limit' }), 'RPC_RATE_LIMITED', 'retryable'],
  ['HTTP 502', text(502, '<html>bad gateway</html>'), 'RPC_UNAVAILABLE', 'retryable'],
  ['HTML', text(200, '<html>welcome</html>'), 'RPC_UNREADABLE', 'retryable'],
  ['nothing', text(200, ''), 'RPC_UNREADABLE', 'retryable'],
  ['a cut JSON', text(200, '{"jsonrpc":"2.0","id":1,"resu'), 'RPC_UNREADABLE', 'retryable'],
  ['a list', text(200, '[]'), 'RPC_UNREADABLE', 'retryable'],
  ['no result', text(200, '{"jsonrpc":"2.0","id":1}'), 'RPC_UNREADABLE', 'retryable'],
  ['a foreign id', text(200, '{"id":99,"result":"0x1"}'), 'RPC_UNREADABLE', 'retryable'],
  ['a bare error', rpcError('broken'), 'RPC_UNREADABLE', 'retryable'],
  ['an own failure', rpcError({ code: -32603, message: 'oops' }), 'RPC_INTERNAL', 'retryable'],
  ['HTTP 401', text(401, 'who are you'), 'RPC_REFUSED', 'final'],
  ['an error in HTTP 400', rpcError({ code: -32602, message: 'bad' }, 400), 'RPC_ERROR', 'final'],
  [
    'too many logs',
    rpcError({ code: -32005, message: 'query returned more than 10000 results' }),
    'RPC_ERROR',
    'final',
  ],
  [
    'an old revert',
    rpcError({ code: -32603, message: 'failed', data: { data: '0x08c379a0' } }),
    'RPC_ERROR',
    'final',
  ],
])('%s is classified', async (_name, answer, code, errorClass) => {
  expect(await errorFor(answer)).toMatchObject({ code, errorClass });
});

test('an answer beyond the limit is cut off, not read to its end', async () => {
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  let sentChunks = 0;
  const error = await errorFor((response) => {
    const pour = () => {
      while (!response.destroyed && sentChunks < 1000) {
        sentChunks += 1;
        if (!response.write(chunk)) return void response.once('drain', pour);
      }
    };
    pour();
  }, 30_000);
  expect(error).toMatchObject({ code: 'RPC_TOO_LARGE', errorClass: 'final' });
  expect(sentChunks).toBeLessThan(500);
});

test('errors hold neither the URL nor control characters of the endpoint', async () => {
  const secret = 'SECRETKEY';
  const url = `${hostile.url}/v3/${secret}?key=${secret}`;
  const rpc = createRpc({ url, timeoutMs: 200 });
  const answers = [
    rpcError({ code: 1, message: 'line one\n\u001b[31mERROR line two' }),
    text(200, 'garbage'),
    text(403, 'no'),
    () => {},
    (response: { destroy(): void }) => response.destroy(),
  ];
  for (const answer of answers) {
    hostile.behave(answer);
    const { message, details, stack } = await failure(rpc.call('eth_blockNumber', []));
    expect(JSON.stringify([message, details, stack])).not.toContain(secret);
    expect(message).toMatch(/^[\x20-\x7e]+$/);
  }
});

test('calls one after the other reuse connections', async () => {
  const echo = await startHostileEndpoint();
  echo.behave((response, { body }) => {
    const { id } = JSON.parse(body) as { id: number };
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: true }));
  });
  const rpc = createRpc({ url: echo.url, timeoutMs: TIMEOUT_MS });
  for (let i = 0; i < 20; i++) await rpc.call('a', []);
  // A next call may start a moment before the last connection is free again.
  expect(echo.connections()).toBeLessThan(5);
  await echo.close();
});
