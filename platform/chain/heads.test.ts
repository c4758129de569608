import { once } from 'node:events';
import net from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clock, systemClock } from '../clock.ts';
import { type DevNode, startDevNode } from './devNode.ts';
import { watchHeads } from './heads.ts';
import { createRpc, type Rpc } from './rpc.ts';

const NEVER_MS = 3_600_000;

let node: DevNode;
let rpc: Rpc;

beforeAll(async () => {
  node = await startDevNode({ port: 0 });
  rpc = createRpc({ url: node.rpcUrl, timeoutMs: 5_000 });
  // The tests mine, so that each knows what it waits for.
  await rpc.call('evm_setIntervalMining', [0]);
});

afterAll(() => node.close());

/** Counts notices in the background until it is stopped. */
function follow(args: { rpc?: Rpc; wsUrl?: string; pollMs: number; clock?: Clock }) {
  const stop = new AbortController();
  let notices = 0;
  const run = async () => {
    const heads = watchHeads({ rpc, clock: systemClock, signal: stop.signal, ...args });
    for await (const _ of heads) notices += 1;
  };
  const ended = run();
  return {
    notices: () => notices,
    async end() {
      stop.abort();
      await ended;
    },
  };
}

/** Resolves to the number of notices once none came for a while. */
async function settled(watch: { notices(): number }): Promise<number> {
  let last = -1;
  await expect
    .poll(
      () => {
        const same = watch.notices() === last && last > 0;
        last = watch.notices();
        return same;
      },
      { interval: 300, timeout: 10_000 },
    )
    .toBe(true);
  return last;
}

/** Runs `durationMs` in a fiftieth of the time. */
const fastClock: Clock = {
  nowMs: () => Date.now() * 50,
  sleep: (durationMs, signal) => systemClock.sleep(durationMs / 50, signal),
};

/** A relay to the node that can cut its connections, refuse new ones, or swallow what passes. */
async function startRelay() {
  const target = Number(new URL(node.rpcUrl).port);
  const open = new Set<net.Socket>();
  let swallows = false;
  let opened = 0;
  const server = net.createServer((inner) => {
    opened += 1;
    const outer = net.connect(target, '127.0.0.1');
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => swallows || to.write(chunk));
      from.on('close', () => to.destroy());
      from.on('error', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    wsUrl: `ws://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    opened: () => opened,
    cut,
    swallow(on: boolean) {
      swallows = on;
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

test('watchHeads() notices a block by WebSocket, without the poll', async () => {
  const watch = follow({ wsUrl: node.wsUrl, pollMs: NEVER_MS });
  const before = await settled(watch);
  await rpc.call('evm_mine', []);
  await expect.poll(watch.notices).toBeGreaterThan(before);
  await watch.end();
});

test('watchHeads() notices a block by the poll alone', async () => {
  const watch = follow({ pollMs: 50 });
  const before = await settled(watch);
  await rpc.call('evm_mine', []);
  await expect.poll(watch.notices).toBeGreaterThan(before);
  await watch.end();
});

test('watchHeads() notices a revert to another block of the same height', async () => {
  const snapshot = await rpc.call('evm_snapshot', []);
  await rpc.call('evm_mine', []);
  const watch = follow({ pollMs: 50 });
  const before = await settled(watch);
  expect(before).toBe(1);
  await rpc.batch([
    { method: 'evm_revert', params: [snapshot] },
    { method: 'evm_increaseTime', params: [1000] },
    { method: 'evm_mine', params: [] },
  ]);
  await expect.poll(watch.notices).toBeGreaterThan(before);
  await watch.end();
});

test('watchHeads() yields when the poll fails, so that the caller meets the failure', async () => {
  const failing: Rpc = {
    call: () => Promise.reject(new Error('endpoint down')),
    batch: () => Promise.reject(new Error('endpoint down')),
  };
  const watch = follow({ rpc: failing, pollMs: 20 });
  await expect.poll(watch.notices).toBeGreaterThan(2);
  await watch.end();
});

test('watchHeads() merges what happens while its caller is busy', async () => {
  const stop = new AbortController();
  const heads = watchHeads({
    rpc,
    wsUrl: node.wsUrl,
    pollMs: 20,
    clock: systemClock,
    signal: stop.signal,
  });
  await heads.next();
  const heightBefore = Number(await rpc.call('eth_blockNumber', []));
  for (let i = 0; i < 20; i++) await rpc.call('evm_mine', []);
  expect(Number(await rpc.call('eth_blockNumber', []))).toBe(heightBefore + 20);
  let notices = 0;
  const drained = (async () => {
    for await (const _ of heads) notices += 1;
  })();
  await settled({ notices: () => notices });
  expect(notices).toBeLessThan(10);
  stop.abort();
  await drained;
});

test('watchHeads() subscribes anew after its connection was cut', async () => {
  const relay = await startRelay();
  const watch = follow({ wsUrl: relay.wsUrl, pollMs: NEVER_MS });
  await settled(watch);
  relay.cut();
  await expect.poll(relay.opened).toBe(2);
  const before = await settled(watch);
  await rpc.call('evm_mine', []);
  await expect.poll(watch.notices).toBeGreaterThan(before);
  await watch.end();
  await relay.close();
});

test('watchHeads() drops a subscription that is silent while the chain goes on', async () => {
  const relay = await startRelay();
  const watch = follow({ wsUrl: relay.wsUrl, pollMs: 1_000, clock: fastClock });
  await settled(watch);
  relay.swallow(true);
  await expect
    .poll(
      async () => {
        await rpc.call('evm_mine', []);
        return relay.opened();
      },
      { timeout: 10_000 },
    )
    .toBeGreaterThan(1);
  await watch.end();
  await relay.close();
});

test('watchHeads() backs off from an endpoint that refuses, and ends at once', async () => {
  const server = net.createServer((socket) => void socket.destroy());
  let attempts = 0;
  server.on('connection', () => {
    attempts += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const watch = follow({ wsUrl: `ws://127.0.0.1:${port}`, pollMs: NEVER_MS, clock: fastClock });
  // 0.5 + 1 + 2 + 4 + 8 + 16 s of back-off pass in 0.63 s.
  await expect.poll(() => attempts, { timeout: 5_000 }).toBeGreaterThanOrEqual(6);
  const startedMs = performance.now();
  await watch.end();
  expect(performance.now() - startedMs).toBeLessThan(500);
  server.close();
});

test.each(['nonsense', 'ftp://127.0.0.1:1'])('watchHeads() refuses the URL %s', async (wsUrl) => {
  await expect(follow({ wsUrl, pollMs: NEVER_MS }).end()).rejects.toMatchObject({
    code: 'CHAIN_WS_URL_INVALID',
    errorClass: 'final',
  });
});
