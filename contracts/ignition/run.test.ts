import hre from 'hardhat';
import { createPublicClient, createWalletClient, custom, defineChain, zeroAddress } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterEach, expect, test } from 'vitest';
import { deployContracts } from '../deploy.ts';

const NOTICE_S = 60;
const account = privateKeyToAccount(
  '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
);
const chain = defineChain({
  id: 31829,
  name: 'croupier',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [] } },
});

let close: () => Promise<void>;
afterEach(() => close());

type Request = (args: { method: string; params?: unknown[] }) => Promise<unknown>;

/** `watch` sees each request before the node does. */
async function start(
  automine: boolean,
  receiptTimeoutMs: number,
  watch: (method: string, node: Request) => Promise<void> = async () => {},
) {
  const connection = await hre.network.create({
    network: 'croupier',
    override: { mining: { auto: automine, interval: 0 } },
  });
  close = () => connection.close();
  const node: Request = (args) => connection.provider.request(args);
  const request: Request = async (args) => {
    await watch(args.method, node);
    return node(args);
  };
  const transport = custom({ request }, { retryCount: 0 });
  return {
    walletClient: createWalletClient({ chain, transport, account }),
    publicClient: createPublicClient({ chain, transport, cacheTime: 0 }),
    receiptTimeoutMs,
  };
}

test('a deployment waits for what its account sent before', async () => {
  // No block comes before the account's count was asked for often enough to have waited for one.
  let counts = 0;
  const clients = await start(false, 20_000, async (method, node) => {
    if (method === 'eth_getTransactionCount') counts += 1;
    if (counts === 10) await node({ method: 'evm_setIntervalMining', params: [100] });
  });
  const earlier = await clients.walletClient.sendTransaction({ to: zeroAddress, value: 1n });

  const deployed = await deployContracts({
    ...clients,
    noticeS: NOTICE_S,
    token: { mockDecimals: 2 },
  });

  const receipt = await clients.publicClient.getTransactionReceipt({ hash: earlier });
  expect(Number(receipt.blockNumber)).toBeLessThan(deployed.deployedBlock);
  const block = await clients.publicClient.getBlock({ blockHash: deployed.deployedBlockHash });
  expect(Number(block.number)).toBe(deployed.deployedBlock);
});

test('a token without code is refused with the reason that the contract gave', async () => {
  const clients = await start(true, 20_000);
  const token = { address: account.address };
  await expect(deployContracts({ ...clients, noticeS: NOTICE_S, token })).rejects.toMatchObject({
    code: 'DEPLOYMENT_FAILED',
    errorClass: 'final',
    message: expect.stringContaining('TokenWithoutCode'),
  });
});

test('a deployment on a chain that makes no block gives up in time', async () => {
  const clients = await start(false, 300);
  const token = { mockDecimals: 2 };
  await expect(deployContracts({ ...clients, noticeS: NOTICE_S, token })).rejects.toMatchObject({
    code: 'DEPLOYMENT_TIMEOUT',
    errorClass: 'retryable',
  });
});
