import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NativeRequest } from '../../../gateway/client.ts';
import { BUY_IN_UNITS } from '../plan.ts';

/** What the double does wrong to a request; `n` counts the requests that it decided anew, from 1. */
export interface HouseFaults {
  /** Decides, and closes the connection instead of answering. */
  drop?: (n: number) => boolean;
  /** Answers "later" without deciding. */
  busy?: (attempt: number) => boolean;
  /** States a balance that is one too high. */
  lie?: (n: number) => boolean;
  /** Ends all sessions before it decides. */
  expire?: (n: number) => boolean;
}

/**
 * A test double of the house: the native API over real HTTP, decided in memory; signatures are not
 * looked at. The demo's tests against the real gateway are in `tests/`.
 */
export interface HouseDouble {
  readonly url: string;
  /** Answers by idempotency key: what was decided, once each. */
  readonly decided: ReadonlyMap<string, { status: number; body: string }>;
  /** Requests that came in, repetitions too. */
  received(): number;
  balanceOf(player: string): bigint;
  /** Bets that were accepted and neither settled nor voided. */
  openBets(): number;
  close(): Promise<void>;
}

export async function createHouseDouble(faults: HouseFaults = {}): Promise<HouseDouble> {
  const balances = new Map<string, bigint>();
  const sessions = new Map<string, string>();
  const bets = new Map<string, bigint>();
  const decided = new Map<string, { status: number; body: string }>();
  let received = 0;
  let opened = 0;
  let expiredAt = 0;

  function decide(request: NativeRequest, player: string): { status: number; body: string } {
    const [action] = request.actions;
    if (!action) return refusal(400, 'REQUEST_MALFORMED');
    const balance = balances.get(player) ?? 0n;
    let after = balance;
    if (action.type === 'bet') {
      after -= BigInt(action.stake);
      if (after < 0n) return refusal(422, 'STAKE_ABOVE_BALANCE');
      bets.set(action.txId, BigInt(action.stake));
    } else if (action.type === 'credit') {
      after += BigInt(action.amount);
    } else {
      const stake = bets.get(action.betTxId);
      if (stake === undefined) return refusal(422, 'BET_ALREADY_SETTLED');
      bets.delete(action.betTxId);
      after += action.type === 'void' ? stake : BigInt(action.payout);
    }
    balances.set(player, after);
    const stated = faults.lie?.(decided.size + 1) ? after + 1n : after;
    const { txId } = action;
    const body = { state: 'accepted', txId, player, balance: `${stated}` };
    return { status: 200, body: JSON.stringify(body) };
  }

  /** Nothing when the answer is to get lost. */
  function decideOnce(key: string, request: NativeRequest) {
    const n = decided.size + 1;
    if (n > expiredAt && faults.expire?.(n)) {
      expiredAt = n;
      sessions.clear();
    }
    const player = sessions.get(request.session);
    if (!player) return refusal(401, 'SESSION_EXPIRED');
    const answer = decide(request, player);
    decided.set(key, answer);
    return faults.drop?.(n) ? undefined : answer;
  }

  function answerRequest(key: string, body: string, response: ServerResponse): void {
    received += 1;
    const answer = faults.busy?.(received)
      ? refusal(503, 'QUEUE_FULL')
      : (decided.get(key) ?? decideOnce(key, JSON.parse(body)));
    if (answer) send(response, answer);
    else response.destroy();
  }

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part);
    const body = Buffer.concat(parts).toString();
    const { url = '' } = incoming;
    if (url === '/v1/requests') {
      answerRequest(String(incoming.headers['idempotency-key']), body, response);
    } else if (url === '/v1/grants') {
      const { player } = JSON.parse(body);
      if (!balances.has(player)) balances.set(player, BUY_IN_UNITS);
      send(response, { status: 202, body: JSON.stringify({ call: 1, state: 'pending' }) });
    } else if (url.startsWith('/v1/grants/')) {
      send(response, { status: 200, body: JSON.stringify({ call: 1, state: 'done' }) });
    } else if (url.startsWith('/v1/players/')) {
      const balance = `${balances.get(url.slice('/v1/players/'.length))}`;
      send(response, { status: 200, body: JSON.stringify({ balance }) });
    } else {
      const { player } = JSON.parse(body);
      opened += 1;
      const session = `session-${opened}`;
      sessions.set(session, player);
      send(response, { status: 201, body: JSON.stringify({ session }) });
    }
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    decided,
    received: () => received,
    balanceOf: (player) => balances.get(player) ?? 0n,
    openBets: () => bets.size,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function refusal(status: number, code: string): { status: number; body: string } {
  const errorClass = status === 503 ? 'retryable' : 'final';
  return { status, body: JSON.stringify({ code, errorClass, status }) };
}

function send(response: ServerResponse, answer: { status: number; body: string }): void {
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
}
