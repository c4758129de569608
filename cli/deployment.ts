import {
  type Account,
  type Address,
  createPublicClient,
  createWalletClient,
  defineChain,
  encodeFunctionData,
  type Hex,
  http,
  type PublicClient,
  parseEther,
  type Transport,
  type Chain as ViemChain,
  type WalletClient,
} from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { type BankLimits, deployContracts, registerAndFund } from '../contracts/deploy.ts';
import { mockTokenAbi } from '../contracts/generated/mockToken.ts';
import { activeDeployment, type Deployment, registerDeployment } from '../ledger/deployments.ts';
import type { DeploymentFacts, LedgerContext } from '../ledger/ledger.ts';
import { findProvider, putProvider } from '../ledger/providers.ts';
import { type Chain, devAccount } from './chain.ts';
import type { Keys } from './keys.ts';

const RECEIPT_TIMEOUT_MS = 30_000;
const TOKEN_DECIMALS = 2;
const NOTICE_S = 60;
const SHARDS = 4;
const BANKROLL_UNITS = 1_000_000_000_000n;
const LIMITS: BankLimits = {
  maxPayoutUnits: 10_000_000_000n,
  // A demo is not to end by what its players win in a day.
  stopLossUnits: 1_000n * BANKROLL_UNITS,
  dayWonUnits: 1_000n * BANKROLL_UNITS,
  dayCreditUnits: 1_000n * BANKROLL_UNITS,
  maxHorizonS: 30 * 86_400,
};
const PLAY_WINDOW_MS = 1_000;
const DUE_MS = 7 * 86_400_000;
const EXECUTOR_FUNDS_WEI = parseEther('100');

/** Who the demo provider is. */
export const DEMO_PROVIDER = { provider: 'dice', brand: '', keyId: 'dice-demo' } as const;

/** A deployment that a stack works on. */
export interface ActiveDeployment {
  readonly id: string;
  readonly facts: DeploymentFacts;
  readonly bank: number;
}

interface DevClients {
  readonly walletClient: WalletClient<Transport, ViemChain, Account>;
  readonly publicClient: PublicClient<Transport, ViemChain>;
  readonly receiptTimeoutMs: number;
}

/** Clients of the dev account, which may do everything on a dev chain. */
export function createDevClients(chain: Chain): DevClients {
  const viemChain = defineChain({
    id: chain.chainId,
    name: 'dev',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [chain.rpcUrl] } },
  });
  const transport = http(chain.rpcUrl);
  return {
    walletClient: createWalletClient({ account: devAccount, chain: viemChain, transport }),
    publicClient: createPublicClient({ chain: viemChain, transport }),
    receiptTimeoutMs: RECEIPT_TIMEOUT_MS,
  };
}

/**
 * The deployment of this data folder that the chain still has, or a new one. Where the chain has
 * lost the old one (it was reset), `say` gets the one sentence about it.
 */
export async function ensureDeployment(args: {
  chain: Chain;
  ledger: LedgerContext;
  keys: Keys;
  say: (sentence: string) => void;
}): Promise<ActiveDeployment> {
  const { chain, ledger, keys, say } = args;
  const known = await activeDeployment(ledger, chain.chainId);
  const provider = await findProvider(ledger, DEMO_PROVIDER.provider, DEMO_PROVIDER.brand);
  if (known && provider?.deployment === known.deployment && (await isOnChain(chain, known))) {
    return { id: known.deployment, facts: factsOf(known), bank: provider.bank };
  }
  if (known) {
    say(
      `The chain was reset: it no longer has the block that deployed ${known.bet_book}. A new deployment begins; ` +
        `the old one (${known.deployment}) stays readable, and its sessions are expired.`,
    );
  }
  const { facts, bank } = await deploy(chain, keys);
  const { deployment } = await registerDeployment(ledger, facts);
  await putProvider(ledger, {
    provider: DEMO_PROVIDER.provider,
    brand: DEMO_PROVIDER.brand,
    key_id: DEMO_PROVIDER.keyId,
    secret: keys.demoSecret,
    deployment,
    bank,
    play_window_ms: PLAY_WINDOW_MS,
    due_ms: DUE_MS,
  });
  return { id: deployment, facts, bank };
}

/** Whether the block that deployed it is still in the chain: a reset chain may have the same addresses. */
async function isOnChain(chain: Chain, known: Deployment): Promise<boolean> {
  const block = await chain.rpc.call<{ hash: Hex } | null>('eth_getBlockByNumber', [
    `0x${known.deployed_block.toString(16)}`,
    false,
  ]);
  return block?.hash.toLowerCase() === known.deployed_block_hash;
}

async function deploy(chain: Chain, keys: Keys): Promise<{ facts: DeploymentFacts; bank: number }> {
  const clients = createDevClients(chain);
  const executor = privateKeyToAddress(keys.executorKey);
  const funding = await clients.walletClient.sendTransaction({
    to: executor,
    value: EXECUTOR_FUNDS_WEI,
  });
  const contracts = await deployContracts({
    ...clients,
    noticeS: NOTICE_S,
    token: { mockDecimals: TOKEN_DECIMALS },
  });
  const { operator, operatorNo, bank } = await registerAndFund({
    ...clients,
    contracts,
    shards: SHARDS,
    executors: [executor],
    guardian: devAccount.address,
    bankrollUnits: BANKROLL_UNITS,
    limits: LIMITS,
  });
  await clients.publicClient.waitForTransactionReceipt({
    hash: funding,
    timeout: RECEIPT_TIMEOUT_MS,
  });
  return {
    facts: {
      chainId: chain.chainId,
      ...contracts,
      tokenDecimals: TOKEN_DECIMALS,
      operator,
      operatorNo,
      shards: SHARDS,
      partitions: SHARDS,
      noticeS: NOTICE_S,
    },
    bank,
  };
}

/** Mints mock tokens to players, as only a dev chain's token lets anyone do. */
export async function mintToPlayers(
  chain: Chain,
  token: Address,
  players: readonly Address[],
  amountUnits: bigint,
): Promise<void> {
  const { walletClient, publicClient } = createDevClients(chain);
  const hashes: Hex[] = [];
  for (const player of players) {
    hashes.push(
      await walletClient.sendTransaction({
        to: token,
        data: encodeFunctionData({
          abi: mockTokenAbi,
          functionName: 'mint',
          args: [player, amountUnits],
        }),
      }),
    );
  }
  for (const hash of hashes) {
    await publicClient.waitForTransactionReceipt({
      hash,
      timeout: RECEIPT_TIMEOUT_MS,
      pollingInterval: 100,
    });
  }
}

function factsOf(row: Deployment): DeploymentFacts {
  return {
    chainId: row.chain_id,
    betBook: row.bet_book as Address,
    treasury: row.treasury as Address,
    token: row.token as Address,
    tokenDecimals: row.token_decimals,
    deployedBlock: row.deployed_block,
    deployedBlockHash: row.deployed_block_hash as Hex,
    operator: row.operator as Address,
    operatorNo: row.operator_no,
    shards: row.shards,
    partitions: row.partitions,
    noticeS: row.notice_s,
  };
}
