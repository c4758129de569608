import { type Hex, numberToHex } from 'viem';
import type { Rpc } from '../platform/chain/rpc.ts';
import { CroupierError } from '../platform/errors.ts';

export interface Header {
  readonly number: number;
  readonly hash: Hex;
  readonly parentHash: Hex;
  /** Seconds since the Unix epoch. */
  readonly timestampS: number;
  readonly logsBloom: Hex;
}

/** Headers asked for in one JSON-RPC batch. */
const HEADERS_PER_BATCH = 100;
const BATCHES_AT_ONCE = 4;

interface RpcHeader {
  readonly number: Hex | null;
  readonly hash: Hex | null;
  readonly parentHash: Hex;
  readonly timestamp: Hex;
  readonly logsBloom: Hex;
}

/** One header; null where the node has no such block. */
export async function fetchHeader(
  rpc: Rpc,
  block: number | 'latest' | 'finalized' | 'safe',
): Promise<Header | null> {
  const tag = typeof block === 'number' ? numberToHex(block) : block;
  return readHeader(await rpc.call<RpcHeader | null>('eth_getBlockByNumber', [tag, false]));
}

/** The headers of blocks `from` to `to`, null where the node has no such block. */
export async function fetchHeaders(rpc: Rpc, from: number, to: number): Promise<(Header | null)[]> {
  const starts: number[] = [];
  for (let start = from; start <= to; start += HEADERS_PER_BATCH) starts.push(start);
  const batches = await mapSome(starts, BATCHES_AT_ONCE, async (start) => {
    const end = Math.min(start + HEADERS_PER_BATCH - 1, to);
    if (start === end) return [await fetchHeader(rpc, start)];
    const calls = Array.from({ length: end - start + 1 }, (_, index) => ({
      method: 'eth_getBlockByNumber',
      params: [numberToHex(start + index), false],
    }));
    const answers = await rpc.batch(calls);
    return answers.map((answer) => readHeader(answer as RpcHeader | null));
  });
  return batches.flat();
}

/** Maps in order, with at most `atOnce` calls under way. */
export async function mapSome<In, Out>(
  items: readonly In[],
  atOnce: number,
  map: (item: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  async function work(): Promise<void> {
    while (next < items.length) {
      const index = next++;
      results[index] = await map(items[index] as In);
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
}

function readHeader(header: RpcHeader | null): Header | null {
  if (header === null) return null;
  if (header.number === null || header.hash === null || !header.timestamp) {
    throw new CroupierError({
      code: 'INDEXER_HEADER_MALFORMED',
      errorClass: 'retryable',
      message: `got a header without number, hash or timestamp, expected a mined block`,
    });
  }
  return {
    number: Number(header.number),
    hash: header.hash.toLowerCase() as Hex,
    parentHash: header.parentHash.toLowerCase() as Hex,
    timestampS: Number(header.timestamp),
    logsBloom: header.logsBloom,
  };
}
