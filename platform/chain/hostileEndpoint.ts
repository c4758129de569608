import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a request is answered: the test writes, delays or destroys as it likes. */
export type HostileAnswer = (
  response: http.ServerResponse,
  request: { readonly body: string; readonly headers: http.IncomingHttpHeaders },
) => void;

export interface HostileEndpoint {
  readonly url: string;
  /** How many connections were opened so far. */
  connections(): number;
  /** What it answers from now on. */
  behave(answer: HostileAnswer): void;
  close(): Promise<void>;
}

/** For tests only: an HTTP endpoint that misbehaves in whatever way the test asks for. */
export async function startHostileEndpoint(): Promise<HostileEndpoint> {
  let answer: HostileAnswer = (response) => response.destroy();
  let connections = 0;
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    answer(response, { body, headers: request.headers });
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    behave(next) {
      answer = next;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
