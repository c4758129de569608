import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What happens to one request. In `lostReply` the node does what it was asked; nobody hears of it. */
export type Fault =
  | 'none'
  | 'lostRequest'
  | 'lostReply'
  | 'tooManyRequests'
  | 'serverError'
  | 'slow'
  | 'garbage';

/** A hostile HTTP server between an executor and a real node. */
export interface FaultyRpcProxy {
  readonly url: string;
  /** How often each fault was met. */
  readonly faults: Readonly<Record<Fault, number>>;
  close(): Promise<void>;
}

const SLOW_MS = 150;

/**
 * Starts the proxy on a free port. `faultOf` decides about each request by its JSON text, such as by
 * the method in it.
 */
export async function startFaultyRpcProxy(args: {
  target: string;
  faultOf: (requestJson: string) => Fault;
}): Promise<FaultyRpcProxy> {
  const faults: Record<Fault, number> = {
    none: 0,
    lostRequest: 0,
    lostReply: 0,
    tooManyRequests: 0,
    serverError: 0,
    slow: 0,
    garbage: 0,
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const fault = args.faultOf(body.toString());
    faults[fault] += 1;
    if (fault === 'lostRequest') return void request.socket.destroy();
    if (fault === 'tooManyRequests') return void response.writeHead(429).end('slow down');
    if (fault === 'serverError') return void response.writeHead(500).end('oops');
    if (fault === 'slow') await delay(SLOW_MS);
    const reply = await fetch(args.target, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const text = await reply.text();
    if (fault === 'lostReply') return void request.socket.destroy();
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(fault === 'garbage' ? `${text.slice(0, 10)}<html>` : text);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
