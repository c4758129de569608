import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RpcLog } from '../decode.ts';

export interface LyingRpcProxy {
  readonly url: string;
  /** Replaces what `eth_getLogs` answers from now on. */
  lie(change: (logs: RpcLog[]) => RpcLog[]): void;
  close(): Promise<void>;
}

/** A JSON-RPC endpoint in front of a real node that does not tell the truth about logs. */
export async function startLyingRpcProxy(target: string): Promise<LyingRpcProxy> {
  let change = (logs: RpcLog[]): RpcLog[] => logs;
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const answer = await fetch(target, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const json = (await answer.json()) as { result: RpcLog[] };
    if ((JSON.parse(body) as { method?: string }).method === 'eth_getLogs') {
      json.result = change(json.result);
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(json));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lie(next) {
      change = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
