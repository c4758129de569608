import hre from 'hardhat';
import {
  type Account,
  type Address,
  type Chain,
  ContractFunctionRevertedError,
  createPublicClient,
  createTestClient,
  createWalletClient,
  custom,
  decodeErrorResult,
  defineChain,
  type Hex,
  type Log,
  type PublicClient,
  parseEventLogs,
  type Transport,
  type WalletClient,
} from 'viem';
import { type HDAccount, mnemonicToAccount } from 'viem/accounts';
import { compileContracts } from '../compile.ts';
import { encodeBatch } from '../encoding/batch.ts';
import { laneOf } from '../encoding/message.ts';
import type { Unit } from '../encoding/unit.ts';

const MNEMONIC = 'test test test test test test test test test test test junk';
const NOTICE_S = 60;
/** What a transaction may use at most (EIP-7825). */
const GAS_MAX = 16_777_216n;
const BANKROLL = 1_000_000n;

export const ZERO_HASH: Hex = `0x${'0'.repeat(64)}`;
export const account = (index: number): HDAccount =>
  mnemonicToAccount(MNEMONIC, { addressIndex: index });
export const lower = (address: Address): Address => address.toLowerCase() as Address;

export type TestChain = Awaited<ReturnType<typeof startChain>>;

/** An in-process Hardhat network that mines on demand, with everything deployed and bank 1 funded. */
export async function startChain() {
  await compileContracts();
  const { deployContracts, registerAndFund } = await import('../deploy.ts');
  const { betBookAbi } = await import('../generated/betBook.ts');
  const { treasuryAbi } = await import('../generated/treasury.ts');
  const { mockTokenAbi } = await import('../generated/mockToken.ts');
  const connection = await hre.network.create({
    network: 'croupier',
    override: { mining: { auto: true, interval: 0 } },
  });
  const chain = defineChain({
    id: 31829,
    name: 'croupier',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [] } },
  });
  const transport = custom(connection.provider, { retryCount: 0 });
  const publicClient: PublicClient<Transport, Chain> = createPublicClient({
    chain,
    transport,
    pollingInterval: 20,
    cacheTime: 0,
  });
  const test = createTestClient({ chain, transport, mode: 'hardhat' });
  const walletOf = (owner: Account): WalletClient<Transport, Chain, Account> =>
    createWalletClient({ chain, transport, account: owner });
  const admin = account(0);
  const executor = account(1);
  const clients = { walletClient: walletOf(admin), publicClient, receiptTimeoutMs: 10_000 };
  const contracts = await deployContracts({
    ...clients,
    noticeS: NOTICE_S,
    token: { mockDecimals: 2 },
  });
  const registered = await registerAndFund({
    ...clients,
    contracts,
    shards: 4,
    executors: [executor.address],
    guardian: account(2).address,
    bankrollUnits: BANKROLL,
    maxPayoutUnits: 100_000n,
    maxHorizonS: 3_600,
  });

  const betBook = { address: contracts.betBook, abi: betBookAbi } as const;
  const treasury = { address: contracts.treasury, abi: treasuryAbi } as const;
  const token = { address: contracts.token, abi: mockTokenAbi } as const;

  const nowS = async () => Number((await publicClient.getBlock()).timestamp);
  const lane = (shard: number) => Number(laneOf(registered.operatorNo, shard));

  /** Mints, deposits and allows `amount` of the player's to the BetBook. */
  const provide = async (owner: Account, amount: bigint) => {
    const wallet = walletOf(owner);
    await wallet.writeContract({ ...token, functionName: 'mint', args: [owner.address, amount] });
    await wallet.writeContract({
      ...token,
      functionName: 'approve',
      args: [treasury.address, amount],
    });
    await wallet.writeContract({
      ...treasury,
      functionName: 'deposit',
      args: [owner.address, amount],
    });
    await wallet.writeContract({
      ...treasury,
      functionName: 'allow',
      args: [betBook.address, amount, (await nowS()) + 3_600],
    });
  };

  const seatOf = (player: Address) =>
    publicClient.readContract({
      ...betBook,
      functionName: 'seat',
      args: [player, registered.operator],
    });

  /** A seat by the player's own transactions. */
  const sit = async (owner: Account, buyIn: bigint, maxStake: bigint) => {
    await provide(owner, buyIn);
    const { grantNo } = await seatOf(owner.address);
    await walletOf(owner).writeContract({
      ...betBook,
      functionName: 'sit',
      args: [
        {
          operator: registered.operator,
          buyIn,
          topUp: 0n,
          maxStake,
          expiry: (await nowS()) + 86_400,
          grantNo: grantNo + 1,
        },
      ],
    });
  };

  /** Sends a batch. Its gas is never estimated: an estimate would stop after the first unit. */
  const apply = async (
    shard: number,
    first: number,
    units: readonly Unit[],
    options: { gas?: bigint; ops?: Hex; as?: Account } = {},
  ) => {
    const hash = await walletOf(options.as ?? executor).writeContract({
      ...betBook,
      functionName: 'applyBatch',
      args: [lane(shard), first, ZERO_HASH, options.ops ?? encodeBatch(units)],
      gas: options.gas ?? GAS_MAX,
    });
    const receipt = await publicClient.waitForTransactionReceipt({ hash, pollingInterval: 20 });
    return { receipt, gasUsed: receipt.gasUsed, events: events(receipt.logs) };
  };

  const events = (logs: Log[]) =>
    parseEventLogs({ abi: [...betBookAbi, ...treasuryAbi], logs }).map((log) => ({
      name: log.eventName,
      args: log.args as Record<string, unknown>,
    }));

  return {
    chain,
    publicClient,
    test,
    walletOf,
    admin,
    executor,
    clients,
    contracts,
    registered,
    betBook,
    treasury,
    token,
    nowS,
    lane,
    provide,
    sit,
    seatOf,
    apply,
    events,
    /** The number that the lane expects next. */
    next: (shard: number) =>
      publicClient.readContract({ ...betBook, functionName: 'lane', args: [lane(shard)] }),
    /** Every event of both contracts from a block on. */
    allEvents: async (fromBlock: bigint) =>
      events(
        await publicClient.getLogs({
          address: [betBook.address, treasury.address],
          fromBlock,
          toBlock: 'latest',
        }),
      ),
    passTime: async (seconds: number) => {
      await test.increaseTime({ seconds });
      await test.mine({ blocks: 1 });
    },
    close: () => connection.close(),
  };
}

/** The name of the custom error that a call reverts with, whichever contract it is from. */
export async function errorOf(call: Promise<unknown>): Promise<string> {
  const abi = [
    ...(await import('../generated/betBook.ts')).betBookAbi,
    ...(await import('../generated/treasury.ts')).treasuryAbi,
    ...(await import('../generated/mockToken.ts')).mockTokenAbi,
  ];
  try {
    await call;
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      if (cause instanceof ContractFunctionRevertedError && cause.raw) {
        return decodeErrorResult({ abi, data: cause.raw }).errorName;
      }
    }
    return String(error);
  }
  return 'no error';
}
