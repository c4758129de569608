import { type Hex, numberToHex } from 'viem';
import type { Rpc } from '../platform/chain/rpc.ts';
import type { Clock } from '../platform/clock.ts';
import { CroupierError } from '../platform/errors.ts';
import { createBloomTest } from './bloom.ts';
import { type Continuity, followContinuity } from './continuity.ts';
import type { Decoder, LogSource, RpcLog } from './decode.ts';
import type { IndexedEvent } from './events.ts';
import { fetchHeaders, type Header, mapSome } from './headers.ts';

/** Blocks in one `eth_getLogs`: several small answers cost a node less than one large one. */
const BLOCKS_PER_CALL = 100;
const CALLS_AT_ONCE = 4;
/** Waits between attempts to get logs that must be there; a node may have a head before its logs. */
const GAP_WAITS_MS = [50, 250, 1_000];
/** Waits before a block is asked again whose bloom alone says that it has logs: a bloom may err. */
const SILENCE_WAITS_MS = [50, 250];

export interface FetchContext {
  readonly rpc: Rpc;
  readonly clock: Clock;
  readonly decoder: Decoder;
}

/** Consecutive blocks with all events of the configured contracts. */
export interface FetchedRange {
  readonly headers: readonly Header[];
  /** By block and log index. */
  readonly events: readonly IndexedEvent[];
  readonly continuity: Continuity;
}

/**
 * Fetches blocks `from` to `to` and proves what can be proved: the headers are linked (to
 * `parentHash` too, unless null), every log belongs to one of them and to a configured event, and by
 * bloom and by the contracts' own numbers none is missing. Asks again a bounded number of times.
 *
 * @throws CroupierError `INDEXER_CHAIN_MOVED` (retryable) when the blocks do not fit together,
 * `INDEXER_LOG_MALFORMED` (retryable), `INDEXER_LOGS_MISSING` (fatal)
 */
export async function fetchRange(
  context: FetchContext,
  args: { from: number; to: number; parentHash: string | null; continuity: Continuity },
): Promise<FetchedRange> {
  for (let attempt = 0; ; attempt += 1) {
    const [headers, logs] = await Promise.all([
      fetchLinkedHeaders(context.rpc, args),
      fetchLogs(context, args.from, args.to),
    ]);
    const unsilenced = await askSilentBlocks(context, headers, logs);
    const events = readEvents(context.decoder, headers, logs.concat(unsilenced));
    const followed = followContinuity(args.continuity, events);
    if ('next' in followed) return { headers, events, continuity: followed.next };
    const waitMs = GAP_WAITS_MS[attempt];
    if (waitMs === undefined) {
      throw new CroupierError({
        code: 'INDEXER_LOGS_MISSING',
        errorClass: 'fatal',
        message: `${followed.gap} (blocks ${args.from} to ${args.to}, asked ${attempt + 1} times): the node keeps logs back`,
        details: { from: args.from, to: args.to },
      });
    }
    await context.clock.sleep(waitMs);
  }
}

async function fetchLinkedHeaders(
  rpc: Rpc,
  args: { from: number; to: number; parentHash: string | null },
): Promise<Header[]> {
  const headers: Header[] = [];
  let parentHash = args.parentHash;
  for (const [index, header] of (await fetchHeaders(rpc, args.from, args.to)).entries()) {
    const number = args.from + index;
    if (header === null) throw moved(`no block ${number}`, 'one');
    if (header.number !== number) throw moved(`block ${header.number}`, `${number}`);
    if (parentHash !== null && header.parentHash !== parentHash) {
      throw moved(`block ${number} on ${header.parentHash}`, `it on ${parentHash}`);
    }
    parentHash = header.hash;
    headers.push(header);
  }
  return headers;
}

async function fetchLogs(context: FetchContext, from: number, to: number): Promise<RpcLog[]> {
  const starts: number[] = [];
  for (let start = from; start <= to; start += BLOCKS_PER_CALL) starts.push(start);
  const answers = await mapSome(starts, CALLS_AT_ONCE, (start) =>
    fetchSpan(context, start, Math.min(start + BLOCKS_PER_CALL - 1, to)),
  );
  return answers.flat();
}

/** Halves the span where the node refuses it: its limits are not known, and its words for them vary. */
async function fetchSpan(context: FetchContext, from: number, to: number): Promise<RpcLog[]> {
  try {
    return await getLogs(context, context.decoder.sources, {
      fromBlock: numberToHex(from),
      toBlock: numberToHex(to),
    });
  } catch (error) {
    const refused = error instanceof CroupierError && error.errorClass === 'final';
    if (!refused || from === to) throw error;
    const middle = Math.floor((from + to) / 2);
    const first = await fetchSpan(context, from, middle);
    return first.concat(await fetchSpan(context, middle + 1, to));
  }
}

function readEvents(
  decoder: Decoder,
  headers: readonly Header[],
  logs: readonly RpcLog[],
): IndexedEvent[] {
  const first = headers[0]?.number ?? 0;
  const events = logs.map((log) => {
    const block = log.blockNumber === null ? undefined : headers[Number(log.blockNumber) - first];
    if (!block || log.blockHash?.toLowerCase() !== block.hash || log.removed) {
      throw moved(`a log of block ${log.blockNumber} ${log.blockHash}`, block?.hash ?? 'none');
    }
    return decoder.decode(log, block);
  });
  events.sort((a, b) => a.blockNumber - b.blockNumber || a.logIndex - b.logIndex);
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    if (before?.blockNumber === event.blockNumber && before.logIndex === event.logIndex) {
      throw moved(`log ${event.logIndex} of block ${event.blockNumber} twice`, 'it once');
    }
  }
  return events;
}

/** Asks again for the logs that blocks must have by their bloom, and of which none came. */
async function askSilentBlocks(
  context: FetchContext,
  headers: readonly Header[],
  logs: readonly RpcLog[],
): Promise<RpcLog[]> {
  let silent = silentBlocks(context.decoder.sources, headers, logs);
  const found: RpcLog[] = [];
  for (const waitMs of SILENCE_WAITS_MS) {
    if (silent.length === 0) break;
    await context.clock.sleep(waitMs);
    const answers = await mapSome(silent, CALLS_AT_ONCE, ({ source, header }) =>
      getLogs(context, [source], { blockHash: header.hash }),
    );
    found.push(...answers.flat());
    silent = silent.filter((_, index) => answers[index]?.length === 0);
  }
  return found;
}

function silentBlocks(
  sources: readonly LogSource[],
  headers: readonly Header[],
  logs: readonly RpcLog[],
): { readonly source: LogSource; readonly header: Header }[] {
  const seen = new Set(
    logs.map((log) => `${Number(log.blockNumber)}:${log.address.toLowerCase()}`),
  );
  return sources.flatMap((source) => {
    const holdsAddress = createBloomTest(source.address);
    const topicTests = source.topics.map(createBloomTest);
    return headers
      .filter(
        ({ number, logsBloom }) =>
          !seen.has(`${number}:${source.address}`) &&
          holdsAddress(logsBloom) &&
          topicTests.some((holdsTopic) => holdsTopic(logsBloom)),
      )
      .map((header) => ({ source, header }));
  });
}

async function getLogs(
  context: FetchContext,
  sources: readonly LogSource[],
  blocks: { fromBlock: Hex; toBlock: Hex } | { blockHash: Hex },
): Promise<RpcLog[]> {
  const logs = await context.rpc.call<RpcLog[]>('eth_getLogs', [
    {
      ...blocks,
      address: sources.map((source) => source.address),
      topics: [[...new Set(sources.flatMap((source) => source.topics))]],
    },
  ]);
  if (!Array.isArray(logs)) throw moved('no list of logs', 'one');
  return logs;
}

function moved(got: string, expected: string): CroupierError {
  return new CroupierError({
    code: 'INDEXER_CHAIN_MOVED',
    errorClass: 'retryable',
    message: `got ${got}, expected ${expected}: the chain moved while it was read`,
  });
}
