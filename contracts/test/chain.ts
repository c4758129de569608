import hre from 'hardhat';
import {
  type Abi,
  type Account,
  type Address,
  type Chain,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  createPublicClient,
  createTestClient,
  createWalletClient,
  custom,
  decodeErrorResult,
  decodeEventLog,
  defineChain,
  encodeFunctionData,
  type Hash,
  type Hex,
  keccak256,
  type Log,
  type PublicClient,
  type Transport,
  toEventSelector,
  toHex,
  type WalletClient,
} from 'viem';
import { type HDAccount, mnemonicToAccount } from 'viem/accounts';
import { compileContracts } from '../compile.ts';
import { encodeBatch } from '../encoding/batch.ts';
import { laneOf } from '../encoding/message.ts';
import type { Unit } from '../encoding/unit.ts';

const MNEMONIC = 'test test test test test test test test test test test junk';
export const CHAIN_ID = 31829;
export const NOTICE_S = 60;
/** What a transaction may use at most (EIP-7825). */
export const GAS_MAX = 16_777_216n;
export const BANKROLL = 1_000_000n;
/** Of bank 1. As the contract takes them. */
export const LIMITS = {
  maxPayout: 100_000n,
  stopLoss: 2_000_000n,
  dayWon: 2_000_000n,
  dayCredit: 2_000_000n,
  maxHorizon: 3_600,
} as const;

export const ZERO_HASH: Hex = `0x${'0'.repeat(64)}`;
export const ZERO_ADDRESS: Address = `0x${'0'.repeat(40)}`;
export const account = (index: number): HDAccount =>
  mnemonicToAccount(MNEMONIC, { addressIndex: index });
export const lower = (address: Address): Address => address.toLowerCase() as Address;
/** An address without a key, the same for the same name, in the given shard of at most 65,536. */
export const addressOf = (name: string, shard = 0): Address =>
  `0x${keccak256(toHex(name)).slice(2, 38)}${shard.toString(16).padStart(4, '0')}`;

export type TestChain = Awaited<ReturnType<typeof startChain>>;

/** An event, and the time of its block in seconds since the Unix epoch. */
export interface TestEvent {
  readonly name: string;
  readonly args: Record<string, unknown>;
  readonly timeS: number;
}

/**
 * An in-process Hardhat network that mines on demand, with everything deployed, and operator 1 with
 * bank 1, which is funded.
 */
export async function startChain(options: { shards?: number } = {}) {
  await compileContracts({ tests: true });
  const { deployContracts, registerAndFund } = await import('../deploy.ts');
  const { betBookAbi } = await import('../generated/betBook.ts');
  const { treasuryAbi } = await import('../generated/treasury.ts');
  const { mockTokenAbi } = await import('../generated/mockToken.ts');
  const connection = await hre.network.create({
    network: 'croupier',
    // Hours from midnight, so that the days of banks turn only when a test says so.
    override: {
      mining: { auto: true, interval: 0 },
      allowUnlimitedContractSize: true,
      initialDate: '2030-01-01T06:00:00Z',
    },
  });
  const { provider } = connection;
  const chain = defineChain({
    id: CHAIN_ID,
    name: 'croupier',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [] } },
  });
  const transport = custom(provider, { retryCount: 0 });
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
  const guardian = account(2);
  const clients = { walletClient: walletOf(admin), publicClient, receiptTimeoutMs: 10_000 };
  const contracts = await deployContracts({
    ...clients,
    noticeS: NOTICE_S,
    token: { mockDecimals: 2 },
  });
  const registered = await registerAndFund({
    ...clients,
    contracts,
    shards: options.shards ?? 4,
    executors: [executor.address],
    guardian: guardian.address,
    bankrollUnits: BANKROLL,
    limits: {
      maxPayoutUnits: LIMITS.maxPayout,
      stopLossUnits: LIMITS.stopLoss,
      dayWonUnits: LIMITS.dayWon,
      dayCreditUnits: LIMITS.dayCredit,
      maxHorizonS: LIMITS.maxHorizon,
    },
  });

  const nowS = async () => Number((await publicClient.getBlock()).timestamp);
  const lane = (shard: number) => Number(laneOf(registered.operatorNo, shard));
  // By topic: trying each event of both contracts on each log takes seconds for a large batch.
  const eventAbis = new Map(
    [...betBookAbi, ...treasuryAbi]
      .filter((item) => item.type === 'event')
      .map((item) => [toEventSelector(item), item] as const),
  );
  const eventsOf = (logs: readonly Log[], timeS: number): TestEvent[] =>
    logs.flatMap((log) => {
      const item = eventAbis.get(log.topics[0] ?? '0x');
      if (!item) return [];
      const { args } = decodeEventLog({ abi: [item], topics: log.topics, data: log.data });
      return [{ name: item.name, args: args as unknown as Record<string, unknown>, timeS }];
    });

  /** Sends for any account, with or without a key. The receipt may say that it reverted. */
  const sendData = async (from: Address, to: Address | undefined, data: Hex, gas = GAS_MAX) => {
    await test.impersonateAccount({ address: from });
    await test.setBalance({ address: from, value: 10n ** 24n });
    const hash: Hash = await provider.request({
      method: 'eth_sendTransaction',
      params: [{ from, ...(to && { to }), data, gas: toHex(gas) }],
    });
    const receipt = await publicClient.getTransactionReceipt({ hash });
    const { timestamp } = await publicClient.getBlock({ blockHash: receipt.blockHash });
    const timeS = Number(timestamp);
    return { receipt, gasUsed: receipt.gasUsed, timeS, events: eventsOf(receipt.logs, timeS) };
  };

  /** Typed calls of one contract. */
  const contractAt = <const ContractAbi extends Abi>(address: Address, abi: ContractAbi) => {
    type Reads = ContractFunctionName<ContractAbi, 'view' | 'pure'>;
    type Writes = ContractFunctionName<ContractAbi, 'nonpayable'>;
    return {
      address,
      abi,
      read: <Name extends Reads>(
        functionName: Name,
        args: ContractFunctionArgs<ContractAbi, 'view' | 'pure', Name>,
      ) =>
        publicClient.readContract({ address, abi, functionName, args } as never) as Promise<
          ContractFunctionReturnType<ContractAbi, 'view' | 'pure', Name>
        >,
      /** Sends a transaction from an account; throws when it reverts. */
      send: <Name extends Writes>(
        from: Address,
        functionName: Name,
        args: ContractFunctionArgs<ContractAbi, 'nonpayable', Name>,
      ) => sendData(from, address, encodeFunctionData({ abi, functionName, args } as never)),
      /** The name of the error that the call would revert with in the latest block. */
      refusal: async <Name extends Writes>(
        from: Address,
        functionName: Name,
        args: ContractFunctionArgs<ContractAbi, 'nonpayable', Name>,
      ) => {
        const call = { address, abi, functionName, args, account: from, gas: GAS_MAX };
        return errorOf(publicClient.simulateContract(call as never));
      },
    };
  };

  const betBook = contractAt(contracts.betBook, betBookAbi);
  const treasury = contractAt(contracts.treasury, treasuryAbi);
  const token = contractAt(contracts.token, mockTokenAbi);

  /** Mints `amount`, deposits it for the owner and lets the BetBook pull it for an hour. */
  const provide = async ({ address }: { address: Address }, amount: bigint) => {
    await token.send(address, 'mint', [address, amount]);
    await token.send(address, 'approve', [treasury.address, amount]);
    await treasury.send(address, 'deposit', [address, amount]);
    await treasury.send(address, 'allow', [betBook.address, amount, (await nowS()) + 3_600]);
  };

  const seatOf = (player: Address) => betBook.read('seat', [player, registered.operator]);

  /** A seat for a day by the player's own transactions; `topUp` is provided and allowed too. */
  const sit = async (
    owner: { address: Address },
    buyIn: bigint,
    maxStake: bigint,
    { topUp = 0n, operator = registered.operator } = {},
  ) => {
    await provide(owner, buyIn + topUp);
    const { grantNo } = await betBook.read('seat', [owner.address, operator]);
    const expiry = (await nowS()) + 86_400;
    const grant = { operator, buyIn, topUp, maxStake, expiry, grantNo: grantNo + 1 };
    await betBook.send(owner.address, 'sit', [grant]);
  };

  /** Another bank of operator 1, with the admin's money; limits as bank 1 but for the changes. */
  const openBank = async (funds: bigint, changes: Partial<Limits> = {}) => {
    const { events } = await betBook.send(admin.address, 'openBank', [
      registered.operator,
      admin.address,
      { ...LIMITS, ...changes },
    ]);
    const bank = events[0]?.args.bank as number;
    if (funds > 0n) {
      await provide(admin, funds);
      await betBook.send(admin.address, 'fund', [bank, funds]);
    }
    return bank;
  };

  /** Sends a batch. Its gas is never estimated: an estimate would stop after the first unit. */
  const apply = (
    shard: number,
    first: number,
    units: readonly Unit[],
    options: { gas?: bigint; ops?: Hex; evidence?: Hex } = {},
  ) =>
    sendData(
      executor.address,
      betBook.address,
      encodeFunctionData({
        abi: betBookAbi,
        functionName: 'applyBatch',
        args: [
          lane(shard),
          first,
          options.evidence ?? ZERO_HASH,
          options.ops ?? encodeBatch(units),
        ],
      }),
      options.gas,
    );
  const next = (shard: number) => betBook.read('lane', [lane(shard)]);

  let snapshot: Hex | undefined;
  return {
    chain,
    publicClient,
    test,
    walletOf,
    admin,
    executor,
    guardian,
    contracts,
    registered,
    betBook,
    treasury,
    token,
    contractAt,
    sendData,
    nowS,
    lane,
    provide,
    sit,
    seatOf,
    openBank,
    apply,
    /** The number that the lane expects next. */
    next,
    /** Applies the units of a player's lane from its next number on, and answers the events. */
    applyNext: async (units: readonly Unit[], shard = 0) =>
      (await apply(shard, await next(shard), units)).events,
    bankOf: (bank: number) => betBook.read('bank', [bank]),
    available: (player: Address) => treasury.read('available', [player]),
    /** Every event of both contracts from a block on. */
    allEvents: async (fromBlock: bigint): Promise<TestEvent[]> => {
      const logs = await publicClient.getLogs({
        address: [betBook.address, treasury.address],
        fromBlock,
        toBlock: 'latest',
      });
      const times = new Map<bigint, number>();
      for (const { blockNumber } of logs) {
        if (times.has(blockNumber)) continue;
        const { timestamp } = await publicClient.getBlock({ blockNumber });
        times.set(blockNumber, Number(timestamp));
      }
      return logs.flatMap((log) => eventsOf([log], times.get(log.blockNumber) ?? 0));
    },
    passTime: async (seconds: number) => {
      await test.increaseTime({ seconds });
      await test.mine({ blocks: 1 });
    },
    /** The next transaction's block has exactly this time. */
    setNextTime: (timeS: number) => test.setNextBlockTimestamp({ timestamp: BigInt(timeS) }),
    /** A block with exactly this time, which `refusal` then looks at. */
    mineAt: async (timeS: number) => {
      await test.setNextBlockTimestamp({ timestamp: BigInt(timeS) });
      await test.mine({ blocks: 1 });
    },
    /** Goes back to the state at the first call: for a file's `beforeEach`. */
    reset: async () => {
      if (snapshot) await test.revert({ id: snapshot });
      snapshot = await test.snapshot();
    },
    close: () => connection.close(),
  };
}

/** As the contract takes them. */
export interface Limits {
  readonly maxPayout: bigint;
  readonly stopLoss: bigint;
  readonly dayWon: bigint;
  readonly dayCredit: bigint;
  readonly maxHorizon: number;
}

/** The codes of all refusals, in log order. */
export const codesOf = (events: readonly TestEvent[]): unknown[] =>
  events.filter((event) => event.name.endsWith('Rejected')).map((event) => event.args.code);

export const namesOf = (events: readonly TestEvent[]): string[] =>
  events.map((event) => event.name);

/** The custom error that a call reverts with, whichever contract it is from. */
export async function revertOf(
  call: Promise<unknown>,
): Promise<{ name: string; args: readonly unknown[] }> {
  const abi = [
    ...(await import('../generated/betBook.ts')).betBookAbi,
    ...(await import('../generated/treasury.ts')).treasuryAbi,
    ...(await import('../generated/mockToken.ts')).mockTokenAbi,
  ];
  try {
    await call;
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      const data = revertDataOf(cause);
      if (!data) continue;
      const { errorName, args } = decodeErrorResult({ abi, data });
      return { name: errorName, args: args ?? [] };
    }
    return { name: String(error), args: [] };
  }
  return { name: 'no error', args: [] };
}

/** Of viem's error for a contract call, and of Hardhat's own for everything else. */
function revertDataOf(error: Error): Hex | undefined {
  const data: unknown = 'raw' in error ? error.raw : 'data' in error ? error.data : undefined;
  return typeof data === 'string' && data.length >= 10 ? (data as Hex) : undefined;
}

/** The name of the custom error that a call reverts with. */
export const errorOf = async (call: Promise<unknown>): Promise<string> =>
  (await revertOf(call)).name;
