import type { Clock } from '../clock.ts';
import { CroupierError } from '../errors.ts';
import type { Rpc } from './rpc.ts';

/** A subscription that does not open and confirm in this time is given up. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A subscription this long silent while the chain goes on is taken for dead. */
const SILENCE_MS = 15_000;
const BACK_OFF_MIN_MS = 250;
const BACK_OFF_MAX_MS = 30_000;
const SUBSCRIBE_ID = 1;

/**
 * Yields when the head may have changed: on a `newHeads` message of the WebSocket, and beside it on
 * a poll, because a reverted chain sends none and a connection may be dead without a sign. It also
 * yields after a poll that failed, so that the caller meets the failure in its own call. Notices
 * that come while the caller is busy become one. Yields once at the start; ends when `signal` aborts.
 *
 * @throws CroupierError `CHAIN_WS_URL_INVALID` (final) at the first step
 */
export async function* watchHeads(args: {
  rpc: Rpc;
  wsUrl?: string;
  pollMs: number;
  clock: Clock;
  signal: AbortSignal;
}): AsyncGenerator<void, void, void> {
  if (args.wsUrl !== undefined) checkWsUrl(args.wsUrl);
  const stop = new AbortController();
  const signal = AbortSignal.any([args.signal, stop.signal]);
  const notice = createNotice(signal);
  const { wsUrl, clock } = args;
  const subscription =
    wsUrl === undefined ? undefined : subscribe({ wsUrl, clock, signal, onHead: notice.raise });
  const polling = poll({
    ...args,
    signal,
    onHead: () => {
      notice.raise();
      subscription?.restartIfSilent();
    },
    onFailure: notice.raise,
  });
  try {
    while (await notice.wait()) yield;
  } finally {
    stop.abort();
    await Promise.all([polling, subscription?.ended]);
  }
}

function checkWsUrl(wsUrl: string): void {
  if (/^wss?:$/.test(URL.parse(wsUrl)?.protocol ?? '')) return;
  // The URL is not repeated: it may hold a key.
  throw new CroupierError({
    code: 'CHAIN_WS_URL_INVALID',
    errorClass: 'final',
    message: "got a WebSocket URL of the chain that is none, expected one such as 'ws://host:8545'",
  });
}

/** A flag that one reader waits for; raising it twice is raising it once. */
function createNotice(signal: AbortSignal) {
  let raised = false;
  let wake = () => {};
  signal.addEventListener('abort', () => wake(), { once: true });
  return {
    raise() {
      raised = true;
      wake();
    },
    /** Lowers the flag once it is raised; false when the signal aborts first. */
    async wait(): Promise<boolean> {
      if (!raised && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      raised = false;
      return !signal.aborted;
    },
  };
}

async function poll(args: {
  rpc: Rpc;
  pollMs: number;
  clock: Clock;
  signal: AbortSignal;
  onHead: () => void;
  onFailure: () => void;
}): Promise<void> {
  let lastHash: unknown;
  while (!args.signal.aborted) {
    try {
      const head = await args.rpc.call<{ hash?: unknown } | null>('eth_getBlockByNumber', [
        'latest',
        false,
      ]);
      // The hash and not the number: a reverted chain may be as high as it was.
      const hash = head?.hash;
      if (hash !== lastHash) args.onHead();
      lastHash = hash;
    } catch {
      args.onFailure();
    }
    await args.clock.sleep(args.pollMs, args.signal);
  }
}

/** Keeps one subscription to `newHeads` alive, with a back-off between attempts. */
function subscribe(args: { wsUrl: string; clock: Clock; signal: AbortSignal; onHead: () => void }) {
  const { clock, signal } = args;
  let restart = () => {};
  let lastMessageMs = clock.nowMs();

  async function run(): Promise<void> {
    let backOffMs = BACK_OFF_MIN_MS;
    while (!signal.aborted) {
      const current = new AbortController();
      restart = () => current.abort();
      lastMessageMs = clock.nowMs();
      const confirmed = await followOnce({
        ...args,
        signal: AbortSignal.any([signal, current.signal]),
        onHead: () => {
          lastMessageMs = clock.nowMs();
          args.onHead();
        },
      });
      backOffMs = confirmed ? BACK_OFF_MIN_MS : Math.min(backOffMs * 2, BACK_OFF_MAX_MS);
      await clock.sleep(backOffMs, signal);
    }
  }

  return {
    ended: run(),
    /** For a new head that was seen elsewhere. */
    restartIfSilent() {
      if (clock.nowMs() - lastMessageMs > SILENCE_MS) restart();
    },
  };
}

/**
 * One connection, until it closes, misbehaves or `signal` aborts. Resolves to whether the endpoint
 * ever confirmed the subscription.
 */
async function followOnce(args: {
  wsUrl: string;
  clock: Clock;
  signal: AbortSignal;
  onHead: () => void;
}): Promise<boolean> {
  const ended = new AbortController();
  const confirmed = new AbortController();
  const end = () => ended.abort();
  const socket = new WebSocket(args.wsUrl);
  let subscriptionId: unknown;
  socket.addEventListener('open', () => {
    const request = { jsonrpc: '2.0', id: SUBSCRIBE_ID, method: 'eth_subscribe' };
    socket.send(JSON.stringify({ ...request, params: ['newHeads'] }));
  });
  socket.addEventListener('close', end);
  socket.addEventListener('error', end);
  socket.addEventListener('message', ({ data }) => {
    const message = parseMessage(data);
    if (message?.id === SUBSCRIBE_ID) {
      // An error in place of a subscription: another connection may do better.
      if (typeof message.result !== 'string') return end();
      subscriptionId = message.result;
      confirmed.abort();
      // A head may have come before the subscription.
      args.onHead();
    } else if (message?.method === 'eth_subscription') {
      if (message.params?.subscription === subscriptionId) args.onHead();
    }
  });
  const stopped = AbortSignal.any([args.signal, ended.signal]);
  await args.clock.sleep(CONNECT_TIMEOUT_MS, AbortSignal.any([stopped, confirmed.signal]));
  if (confirmed.signal.aborted && !stopped.aborted) {
    await new Promise((resolve) => stopped.addEventListener('abort', resolve, { once: true }));
  }
  socket.close();
  return confirmed.signal.aborted;
}

interface SubscriptionMessage {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly method?: unknown;
  readonly params?: { readonly subscription?: unknown } | null;
}

function parseMessage(data: unknown): SubscriptionMessage | null {
  try {
    return JSON.parse(String(data)) as SubscriptionMessage | null;
  } catch {
    return null;
  }
}
