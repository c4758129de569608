import { CroupierError } from '../errors.ts';

/** The largest answer that is read: a block range that has more logs than fit must be asked in parts. */
const RESPONSE_BYTES_MAX = 128 * 1024 * 1024;
/** How much of an endpoint's own sentence goes into ours. */
const FOREIGN_TEXT_MAX = 300;

export interface RpcCall {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** JSON-RPC over HTTP. It never repeats a call: the caller knows which ones may be. */
export interface Rpc {
  /**
   * The result of one call, whose shape is only claimed: nothing that an endpoint says is trusted.
   *
   * @throws CroupierError retryable, where the call may or may not have had its effect:
   * `RPC_TIMEOUT`, `RPC_UNREACHABLE` (refused, reset), `RPC_UNAVAILABLE` (HTTP 5xx),
   * `RPC_RATE_LIMITED`, `RPC_INTERNAL` (the endpoint's own failure), `RPC_UNREADABLE` (not JSON-RPC);
   * final: `RPC_ERROR` (its JSON-RPC error is `cause`, its code `details.rpcCode`),
   * `RPC_REFUSED` (another HTTP status), `RPC_TOO_LARGE` (ask for less)
   */
  call<Result>(method: string, params: readonly unknown[]): Promise<Result>;
  /**
   * The results of several calls in one HTTP request, in the order of the calls, or the first error.
   * @throws CroupierError as `call`
   */
  batch<Results extends readonly unknown[]>(
    calls: readonly RpcCall[],
  ): Promise<{ -readonly [Index in keyof Results]: Results[Index] }>;
}

/** The error of a JSON-RPC answer, as the endpoint sent it. */
export interface RpcErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/**
 * A client of one endpoint on kept-alive connections. `timeoutMs` bounds a request as a whole, until
 * the last byte of its answer. The URL may hold a key, so no error repeats it.
 */
export function createRpc(args: { url: string; timeoutMs: number; fetch?: typeof fetch }): Rpc {
  const send = args.fetch ?? fetch;
  let lastId = 0;

  async function post(what: string, body: unknown): Promise<unknown> {
    let response: Response;
    let text: string;
    try {
      response = await send(args.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        // A redirected POST may lose its body on the way.
        redirect: 'manual',
        signal: AbortSignal.timeout(args.timeoutMs),
      });
      text = await readText(what, response);
    } catch (error) {
      throw transportError(what, args.timeoutMs, error);
    }
    return parseAnswer(what, response.status, text);
  }

  async function call<Result>(method: string, params: readonly unknown[]): Promise<Result> {
    const id = ++lastId;
    const answer = await post(method, { jsonrpc: '2.0', id, method, params });
    // An endpoint that fails before it has read the id answers null.
    if (!isObject(answer) || (answer.id !== id && !answer.error)) {
      throw unreadable(method, 'an answer to another request');
    }
    return resultOf(method, answer) as Result;
  }

  async function batch<Results extends readonly unknown[]>(calls: readonly RpcCall[]) {
    type Answers = { -readonly [Index in keyof Results]: Results[Index] };
    if (calls.length === 0) return [] as unknown as Answers;
    const requests = calls.map(({ method, params }) => ({
      jsonrpc: '2.0',
      id: ++lastId,
      method,
      params,
    }));
    const what = `a batch of ${calls.length} (first ${requests[0]?.method})`;
    const answers = await post(what, requests);
    if (!Array.isArray(answers)) {
      if (isObject(answers) && 'error' in answers) resultOf(what, answers);
      throw unreadable(what, 'one answer, not a list');
    }
    // The order of the answers is the endpoint's choice.
    const byId = new Map<unknown, Record<string, unknown>>();
    for (const answer of answers) if (isObject(answer)) byId.set(answer.id, answer);
    return requests.map(({ id, method }) => {
      const answer = byId.get(id);
      if (answer === undefined) throw unreadable(what, `no answer to its ${method}`);
      return resultOf(method, answer);
    }) as unknown as Answers;
  }

  return { call, batch };
}

async function readText(what: string, response: Response): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest of the body.
    if (bytes > RESPONSE_BYTES_MAX) throw tooLarge(what);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseAnswer(what: string, status: number, text: string): unknown {
  if (status === 429) throw rateLimited(what, 'HTTP 429');
  if (status >= 500 || status === 408) {
    throw new CroupierError({
      code: 'RPC_UNAVAILABLE',
      errorClass: 'retryable',
      message: `got HTTP ${status} for ${what}, expected 200`,
      details: { status },
    });
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    if (status === 200) throw unreadable(what, `${text.length} characters that are not JSON`);
  }
  // Some endpoints answer a JSON-RPC error under another status than 200.
  if (status !== 200 && !(isObject(answer) && isRpcError(answer.error))) {
    throw new CroupierError({
      code: 'RPC_REFUSED',
      errorClass: 'final',
      message: `got HTTP ${status} for ${what}, expected 200: is the URL or its key wrong?`,
      details: { status },
    });
  }
  return answer;
}

function resultOf(what: string, answer: Record<string, unknown>): unknown {
  const { error, result } = answer;
  if (error !== undefined && error !== null) {
    if (!isRpcError(error)) throw unreadable(what, 'an error without code and message');
    throw answeredError(what, error);
  }
  if (result === undefined) throw unreadable(what, 'neither a result nor an error');
  return result;
}

function answeredError(what: string, error: RpcErrorObject): CroupierError {
  const sentence = foreignText(error.message);
  const isResultLimit = /result|range|response size|too many logs/i.test(error.message);
  if (error.code === 429 || (error.code === -32005 && !isResultLimit)) {
    return rateLimited(what, sentence, error);
  }
  const isInternal = error.code === -32603 && !/revert/i.test(error.message) && !hasHexData(error);
  return new CroupierError({
    code: isInternal ? 'RPC_INTERNAL' : 'RPC_ERROR',
    errorClass: isInternal ? 'retryable' : 'final',
    message: `got error ${error.code} for ${what}, expected a result: ${sentence}`,
    details: { rpcCode: error.code },
    cause: error,
  });
}

/** Older nodes report a revert as an internal error, whose data is the revert's. */
function hasHexData({ data }: RpcErrorObject): boolean {
  const inner = isObject(data) ? data.data : data;
  return typeof inner === 'string' && /^0x[0-9a-f]*$/i.test(inner);
}

function transportError(what: string, timeoutMs: number, error: unknown): unknown {
  if (error instanceof CroupierError) return error;
  if (!(error instanceof Error)) return error;
  if (error.name === 'TimeoutError') {
    return new CroupierError({
      code: 'RPC_TIMEOUT',
      errorClass: 'retryable',
      message: `got no whole answer to ${what} in time, expected one within ${timeoutMs} ms`,
      details: { timeoutMs },
    });
  }
  // The cause is not kept: its text may hold the URL. The system's code says enough.
  const { cause } = error;
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
  return new CroupierError({
    code: 'RPC_UNREACHABLE',
    errorClass: 'retryable',
    message: `got no answer to ${what} (${reason}), expected one from the endpoint`,
    details: { reason },
  });
}

function rateLimited(what: string, sentence: string, error?: RpcErrorObject): CroupierError {
  return new CroupierError({
    code: 'RPC_RATE_LIMITED',
    errorClass: 'retryable',
    message: `got a rate limit for ${what}, expected a result: ${sentence}`,
    ...(error ? { details: { rpcCode: error.code }, cause: error } : {}),
  });
}

function unreadable(what: string, got: string): CroupierError {
  return new CroupierError({
    code: 'RPC_UNREADABLE',
    errorClass: 'retryable',
    message: `got ${got} for ${what}, expected a JSON-RPC answer`,
  });
}

function tooLarge(what: string): CroupierError {
  return new CroupierError({
    code: 'RPC_TOO_LARGE',
    errorClass: 'final',
    message: `got more than ${RESPONSE_BYTES_MAX} bytes for ${what}, expected fewer: ask for less`,
  });
}

/** One line of printable text: an endpoint must not write into a log as it likes. */
function foreignText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, FOREIGN_TEXT_MAX);
}

function isRpcError(value: unknown): value is RpcErrorObject {
  return isObject(value) && typeof value.code === 'number' && typeof value.message === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
