import type { Address, Hex } from 'viem';
import { CroupierError } from '../platform/errors.ts';
import type { EventInput, EventSpec, IndexedEvent } from './events.ts';

/** A log as `eth_getLogs` answers it. */
export interface RpcLog {
  readonly address: Hex;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly blockNumber: Hex | null;
  readonly blockHash: Hex | null;
  readonly transactionHash: Hex | null;
  readonly logIndex: Hex | null;
  readonly removed?: boolean;
}

/** A configured contract, and the first topics of its events. */
export interface LogSource {
  readonly address: Address;
  readonly topics: readonly Hex[];
}

export interface Decoder {
  readonly sources: readonly LogSource[];
  /**
   * @throws CroupierError `INDEXER_LOG_MALFORMED` (retryable: another answer may be right) when the
   * bytes are not an event of this address
   */
  decode(log: RpcLog, block: { number: number; hash: Hex; timestampS: number }): IndexedEvent;
}

const WORD = 64;

/** Decodes logs by the ABI, strictly: whatever does not fit its type to the bit is refused. */
export function createDecoder(specs: readonly EventSpec[]): Decoder {
  const specsByKey = new Map(specs.map((spec) => [spec.address + spec.topic, spec]));
  return {
    sources: [...new Set(specs.map((spec) => spec.address))].map((address) => ({
      address,
      topics: specs.filter((spec) => spec.address === address).map((spec) => spec.topic),
    })),
    decode(log, block) {
      const spec = specsByKey.get(log.address.toLowerCase() + (log.topics[0] ?? ''));
      if (!spec) throw malformed(log, 'no configured event of its address');
      if (log.transactionHash === null || log.logIndex === null) {
        throw malformed(log, 'no transaction hash or log index');
      }
      return {
        contract: spec.contract,
        event: spec.event,
        args: decodeArgs(spec.inputs, log),
        blockNumber: block.number,
        blockHash: block.hash,
        blockTime: block.timestampS,
        txHash: log.transactionHash.toLowerCase() as Hex,
        logIndex: Number(log.logIndex),
      };
    },
  };
}

function decodeArgs(inputs: readonly EventInput[], log: RpcLog): Record<string, string | boolean> {
  const indexed = inputs.filter((input) => input.indexed).length;
  if (log.topics.length !== indexed + 1) throw malformed(log, `${log.topics.length} topics`);
  const data = log.data.slice(2).toLowerCase();
  if (data.length !== (inputs.length - indexed) * WORD) {
    throw malformed(log, `${data.length / 2} bytes of data`);
  }
  const args: Record<string, string | boolean> = {};
  const topics = log.topics.slice(1).map((topic) => topic.slice(2).toLowerCase());
  let cursor = 0;
  for (const input of inputs) {
    let word = input.indexed ? topics.shift() : undefined;
    if (word === undefined) {
      word = data.slice(cursor, cursor + WORD);
      cursor += WORD;
    }
    const value = /^[0-9a-f]{64}$/.test(word) ? decodeWord(input.type, word) : undefined;
    if (value === undefined) throw malformed(log, `${input.name} outside of ${input.type}`);
    args[input.name] = value;
  }
  return args;
}

/** `undefined`: the word is not a value of the type. */
function decodeWord(type: string, word: string): string | boolean | undefined {
  if (type === 'address')
    return word.startsWith('0'.repeat(24)) ? `0x${word.slice(24)}` : undefined;
  if (type === 'bool') {
    const value = BigInt(`0x${word}`);
    return value > 1n ? undefined : value === 1n;
  }
  const width = Number(/\d+$/.exec(type)?.[0]);
  if (type.startsWith('bytes')) {
    return /^0*$/.test(word.slice(width * 2)) ? `0x${word.slice(0, width * 2)}` : undefined;
  }
  const value = BigInt(`0x${word}`);
  if (type.startsWith('uint')) return value >> BigInt(width) === 0n ? value.toString() : undefined;
  const signed = BigInt.asIntN(256, value);
  return BigInt.asIntN(width, signed) === signed ? signed.toString() : undefined;
}

function malformed(log: RpcLog, got: string): CroupierError {
  return new CroupierError({
    code: 'INDEXER_LOG_MALFORMED',
    errorClass: 'retryable',
    message: `got a log of ${log.address} with ${got} (log ${log.logIndex} of block ${log.blockHash}), expected an event of its ABI`,
  });
}
