import { type Address, getAddress, type Hex } from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { startDevNode } from '../platform/chain/devNode.ts';
import { createRpc, type Rpc } from '../platform/chain/rpc.ts';
import { CroupierError } from '../platform/errors.ts';

/** The well-known accounts of a Hardhat or Anvil node; worth nothing anywhere else. */
const DEV_MNEMONIC = 'test test test test test test test test test test test junk';
const RPC_TIMEOUT_MS = 10_000;

/** A chain that a stack works on. */
export interface Chain {
  readonly rpc: Rpc;
  readonly rpcUrl: string;
  readonly wsUrl: string;
  readonly chainId: number;
  /** A node that can be reset and reverted: a deep reorg rebuilds instead of halting. */
  readonly devNode: boolean;
  /** The node mines on demand, so nothing becomes final while it is idle. */
  readonly automine: boolean;
  /** Stops the node if this process started it. */
  close(): Promise<void>;
}

/** Account 0 of a dev node: deploys, administers the bank, mints mock tokens. */
export const devAccount = mnemonicToAccount(DEV_MNEMONIC);

/** Starts a Hardhat node of our own on `port`. */
export async function startOwnChain(args: { port: number; logPath: string }): Promise<Chain> {
  const node = await startDevNode(args);
  return connect({ rpcUrl: node.rpcUrl, wsUrl: node.wsUrl, close: () => node.close() });
}

/**
 * Connects to a chain that runs already.
 * @throws CroupierError `CHAIN_UNREACHABLE`, `DEV_ACCOUNTS_EMPTY` (final)
 */
export async function connectChain(args: { rpcUrl: string; wsUrl?: string }): Promise<Chain> {
  return connect({
    rpcUrl: args.rpcUrl,
    wsUrl: args.wsUrl ?? args.rpcUrl.replace(/^http/, 'ws'),
    close: async () => {},
  });
}

async function connect(args: {
  rpcUrl: string;
  wsUrl: string;
  close: () => Promise<void>;
}): Promise<Chain> {
  const rpc = createRpc({ url: args.rpcUrl, timeoutMs: RPC_TIMEOUT_MS });
  let chainId: number;
  try {
    chainId = Number(await rpc.call<Hex>('eth_chainId', []));
  } catch (error) {
    throw new CroupierError({
      code: 'CHAIN_UNREACHABLE',
      errorClass: 'final',
      message: `got no answer to eth_chainId from ${args.rpcUrl}, expected a JSON-RPC endpoint.`,
      cause: error,
    });
  }
  const balance = BigInt(await rpc.call<Hex>('eth_getBalance', [devAccount.address, 'latest']));
  if (balance === 0n) {
    throw new CroupierError({
      code: 'DEV_ACCOUNTS_EMPTY',
      errorClass: 'final',
      message:
        `the dev account ${getAddress(devAccount.address as Address)} holds nothing on chain ${chainId}, ` +
        'expected the funded accounts of a Hardhat or Anvil node: nothing was deployed or played.',
    });
  }
  const client = await rpc.call<string>('web3_clientVersion', []).catch(() => '');
  const devNode = /hardhat|anvil/i.test(client);
  return {
    rpc,
    rpcUrl: args.rpcUrl,
    wsUrl: args.wsUrl,
    chainId,
    devNode,
    automine: devNode && (await isAutomine(rpc)),
    close: args.close,
  };
}

async function isAutomine(rpc: Rpc): Promise<boolean> {
  for (const method of ['hardhat_getAutomine', 'anvil_getAutomine']) {
    const answer = await rpc.call<boolean>(method, []).catch(() => undefined);
    if (answer !== undefined) return answer;
  }
  return false;
}
