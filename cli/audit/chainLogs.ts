import {
  type Abi,
  type Address,
  decodeEventLog,
  type Hex,
  type PublicClient,
  type RpcLog,
} from 'viem';
import { betBookAbi } from '../../contracts/generated/betBook.ts';
import { treasuryAbi } from '../../contracts/generated/treasury.ts';

/** Blocks per question for logs: nodes limit the range or the size of an answer. */
const RANGE_BLOCKS = 1_000;
const HEADERS_AT_ONCE = 100;

/** The contracts of a deployment, and whose they are. */
export interface AuditedDeployment {
  readonly deployment: string;
  readonly chainId: number;
  readonly treasury: Address;
  readonly betBook: Address;
  readonly operator: Address;
  readonly operatorNo: number;
  readonly deployedBlock: number;
}

/** An event as the node has it, in the words in which every store must have it. */
export interface ChainLog {
  /** `chainId:blockHash:logIndex`. */
  readonly id: string;
  readonly contract: 'treasury' | 'bet_book';
  readonly event: string;
  /** In the order of the ABI. Integers as decimal strings, bytes and addresses as lower-case hex. */
  readonly args: Readonly<Record<string, string | boolean>>;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  /** Seconds since the Unix epoch. */
  readonly blockTime: number;
  readonly txHash: Hex;
  readonly logIndex: number;
}

/** All events of the deployment's contracts up to and with block `to`, in order, straight from the node. */
export async function readChainLogs(
  client: PublicClient,
  deployment: AuditedDeployment,
  to: number,
): Promise<ChainLog[]> {
  const { treasury, betBook, chainId } = deployment;
  const raw: RpcLog[] = [];
  for (let from = deployment.deployedBlock; from <= to; from += RANGE_BLOCKS) {
    raw.push(
      ...(await client.request({
        method: 'eth_getLogs',
        params: [
          {
            address: [treasury, betBook],
            fromBlock: `0x${from.toString(16)}`,
            toBlock: `0x${Math.min(from + RANGE_BLOCKS - 1, to).toString(16)}`,
          },
        ],
      })),
    );
  }
  const times = await readBlockTimes(client, [...new Set(raw.map((log) => log.blockHash))]);
  return raw.map((log) => {
    const isTreasury = log.address.toLowerCase() === treasury.toLowerCase();
    const abi: Abi = isTreasury ? treasuryAbi : betBookAbi;
    const { eventName = '', args } = decodeEventLog({ abi, data: log.data, topics: log.topics });
    const blockHash = log.blockHash ?? '0x';
    const logIndex = Number(log.logIndex);
    return {
      id: `${chainId}:${blockHash}:${logIndex}`,
      contract: isTreasury ? 'treasury' : 'bet_book',
      event: eventName,
      args: Object.fromEntries(
        Object.entries(args ?? {}).map(([name, value]) => [name, textOf(value)]),
      ),
      blockNumber: Number(log.blockNumber),
      blockHash,
      blockTime: times.get(blockHash) ?? 0,
      txHash: log.transactionHash ?? '0x',
      logIndex,
    };
  });
}

async function readBlockTimes(
  client: PublicClient,
  hashes: readonly (Hex | null)[],
): Promise<Map<Hex, number>> {
  const times = new Map<Hex, number>();
  for (let start = 0; start < hashes.length; start += HEADERS_AT_ONCE) {
    await Promise.all(
      hashes.slice(start, start + HEADERS_AT_ONCE).map(async (blockHash) => {
        if (!blockHash) return;
        const { timestamp } = await client.getBlock({ blockHash });
        times.set(blockHash, Number(timestamp));
      }),
    );
  }
  return times;
}

function textOf(value: unknown): string | boolean {
  return typeof value === 'boolean' ? value : String(value).toLowerCase();
}

/** The parts of a lane event's id: operatorNo u32 | shard u16 | bank u32 | seq u48. */
export function partsOfId(id: string) {
  const packed = BigInt(id);
  return {
    operatorNo: Number(packed >> 96n),
    lane: Number(packed >> 80n),
    bank: Number((packed >> 48n) & 0xffff_ffffn),
    seq: Number(packed & 0xffff_ffff_ffffn),
  };
}
