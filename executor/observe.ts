import { decodeFunctionResult, encodeFunctionData, type Hex, numberToHex } from 'viem';
import { laneOf } from '../contracts/encoding/message.ts';
import { betBookAbi } from '../contracts/generated/betBook.ts';
import { CroupierError } from '../platform/errors.ts';
import type { ExecutorContext, Observation } from './state.ts';

interface BlockHeader {
  readonly number: Hex;
  readonly hash: Hex;
  readonly baseFeePerGas?: Hex;
}

/**
 * The chain at its head: everything is read at one block, so that a used nonce and a lane that did
 * not move mean a batch that did nothing. `previous` is answered again while the head is the same.
 *
 * @throws CroupierError `EXECUTOR_NO_HEAD` (retryable), or what the endpoint failed with
 */
export async function observe(
  context: ExecutorContext,
  previous: Observation | null,
): Promise<Observation> {
  const { rpc, facts, signer } = context;
  const header = await rpc.call<BlockHeader | null>('eth_getBlockByNumber', ['latest', false]);
  if (header === null) {
    throw new CroupierError({
      code: 'EXECUTOR_NO_HEAD',
      errorClass: 'retryable',
      message: 'the endpoint has no latest block: got null, expected a header',
    });
  }
  if (previous?.blockHash === header.hash) return previous;
  const account = [signer.address, header.number];
  const lanes = Array.from({ length: facts.shards }, (_, shard) => ({
    method: 'eth_call',
    params: [{ to: facts.betBook, data: laneCall(facts.operatorNo, shard) }, header.number],
  }));
  const [nonce, balance, ...next] = await rpc.batch<[Hex, Hex, ...Hex[]]>([
    { method: 'eth_getTransactionCount', params: account },
    { method: 'eth_getBalance', params: account },
    ...lanes,
  ]);
  return {
    blockNumber: Number(header.number),
    blockHash: header.hash,
    baseFeeWei: BigInt(header.baseFeePerGas ?? '0x0'),
    nonce: Number(nonce),
    balanceWei: BigInt(balance),
    laneNext: next.map((data) =>
      Number(decodeFunctionResult({ abi: betBookAbi, functionName: 'lane', data })),
    ),
  };
}

/** The signer's nonce at a block that is final. */
export async function nonceAt(context: ExecutorContext, blockNumber: number): Promise<number> {
  const nonce = await context.rpc.call<Hex>('eth_getTransactionCount', [
    context.signer.address,
    numberToHex(Math.max(0, blockNumber)),
  ]);
  return Number(nonce);
}

function laneCall(operatorNo: number, shard: number): Hex {
  return encodeFunctionData({
    abi: betBookAbi,
    functionName: 'lane',
    args: [Number(laneOf(operatorNo, shard))],
  });
}
