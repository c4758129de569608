import { createHash } from 'node:crypto';
import type { Address, Hex } from 'viem';
import type { Clock } from '../platform/clock.ts';
import { CroupierError } from '../platform/errors.ts';
import { signRequest } from './auth/sign.ts';

/** A call of the client gives up after so many attempts; with the pauses, after about 20 s. */
const ATTEMPTS_MAX = 12;
const ATTEMPT_TIMEOUT_MS = 5_000;
const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 4_000;

/** An action in the native API's words; amounts are decimal strings in the smallest unit. */
export type NativeAction =
  | { type: 'bet'; txId: string; stake: string; maxPayout: string }
  | { type: 'win'; txId: string; betTxId: string; payout: string }
  | { type: 'void'; txId: string; betTxId: string }
  | { type: 'credit'; txId: string; amount: string };

/** The body of `POST /v1/requests`. For now there is exactly one action in it. */
export interface NativeRequest {
  readonly session: string;
  readonly game: string;
  readonly round: string;
  readonly actions: readonly NativeAction[];
}

/** The body of `POST /v1/grants`. Moments are seconds, amounts decimal strings. */
export interface NativeGrant {
  readonly player: Address;
  /** An ERC-2612 permit of the token to the Treasury. */
  readonly deposit?: { amount: string; deadline: number; signature: Hex };
  readonly grant: {
    buyIn: string;
    topUp: string;
    maxStake: string;
    expiry: number;
    grantNo: number;
  };
  readonly allow: { nonce: number; expiry: number; deadline: number };
  readonly signature: Hex;
}

/** The body of `POST /v1/sessions`. */
export interface NativeSession {
  readonly player: Address;
  readonly brand?: string;
  readonly ttlS?: number;
}

/** The last answer of the gateway, accepted or not. */
export interface ClientAnswer {
  readonly status: number;
  /** As received, byte for byte. */
  readonly text: string;
}

/** A provider's side of the native API. */
export interface ProviderClient {
  /** Sends `body` (a `NativeRequest` as JSON text) under `idempotencyKey`. */
  request(body: string, idempotencyKey: string): Promise<ClientAnswer>;
  grant(grant: NativeGrant): Promise<ClientAnswer>;
  grantState(call: number): Promise<ClientAnswer>;
  session(session: NativeSession): Promise<ClientAnswer>;
  bet(args: { provider: string; brand: string; txId: string }): Promise<ClientAnswer>;
  player(address: Address): Promise<ClientAnswer>;
}

/**
 * A client of the gateway for one provider. Each call is signed, and repeated with the same bytes
 * and the same key while the answer is retryable or does not come; it resolves to the last answer.
 * Aborting `signal` ends the repetition.
 * Each method throws CroupierError `GATEWAY_UNREACHABLE` (retryable) when no attempt was answered.
 */
export function createProviderClient(args: {
  baseUrl: string;
  keyId: string;
  secret: string;
  clock: Clock;
  signal?: AbortSignal;
}): ProviderClient {
  const { clock, signal } = args;

  async function post(path: string, body: string, idempotencyKey: string): Promise<ClientAnswer> {
    const bytes = Buffer.from(body);
    const url = new URL(path, args.baseUrl).href;
    return repeat((attempt) =>
      send(url, {
        method: 'POST',
        body: bytes,
        headers: signRequest({
          method: 'POST',
          url,
          body: bytes,
          keyId: args.keyId,
          secret: args.secret,
          idempotencyKey,
          nowS: Math.floor(clock.nowMs() / 1000),
          nonce: nameOf(`${idempotencyKey}#${attempt}`),
        }),
      }),
    );
  }

  async function get(path: string): Promise<ClientAnswer> {
    const url = new URL(path, args.baseUrl).href;
    return repeat(() => send(url, { method: 'GET' }));
  }

  async function send(url: string, init: RequestInit): Promise<ClientAnswer> {
    const timeout = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS);
    const response = await fetch(url, {
      ...init,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    return { status: response.status, text: await response.text() };
  }

  async function repeat(work: (attempt: number) => Promise<ClientAnswer>): Promise<ClientAnswer> {
    let answer: ClientAnswer | undefined;
    let cause: unknown;
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !signal?.aborted; attempt++) {
      if (attempt > 0) {
        await clock.sleep(Math.min(PAUSE_MIN_MS * 2 ** (attempt - 1), PAUSE_MAX_MS), signal);
      }
      try {
        answer = await work(attempt);
        if (!isRetryable(answer)) return answer;
      } catch (error) {
        cause = error;
      }
    }
    if (answer) return answer;
    throw new CroupierError({
      code: 'GATEWAY_UNREACHABLE',
      errorClass: 'retryable',
      message: `got no answer from ${args.baseUrl}, expected one in ${ATTEMPTS_MAX} attempts`,
      cause,
    });
  }

  return {
    request: (body, idempotencyKey) => post('/v1/requests', body, idempotencyKey),
    grant: (grant) => {
      const body = JSON.stringify(grant);
      return post('/v1/grants', body, nameOf(body));
    },
    grantState: (call) => get(`/v1/grants/${call}`),
    session: (session) => {
      const body = JSON.stringify(session);
      return post('/v1/sessions', body, nameOf(body));
    },
    bet: ({ provider, brand, txId }) => {
      const query = new URLSearchParams({ provider, brand });
      return get(`/v1/bets/${encodeURIComponent(txId)}?${query}`);
    },
    player: (address) => get(`/v1/players/${address}`),
  };
}

/** Says whether the same request may be sent again: by the problem's class, else by its status. */
function isRetryable(answer: ClientAnswer): boolean {
  if (answer.status < 400) return false;
  try {
    const problem: unknown = JSON.parse(answer.text);
    if (typeof problem === 'object' && problem !== null && 'errorClass' in problem) {
      return problem.errorClass === 'retryable';
    }
  } catch {
    // A proxy's page instead of a problem.
  }
  return answer.status === 429 || answer.status >= 500;
}

/** A name of fixed length for a content, so that the same content gets the same name. */
function nameOf(content: string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}
