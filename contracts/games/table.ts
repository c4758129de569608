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
  isHex,
  keccak256,
  type PublicClient,
  parseEventLogs,
  type TransactionReceipt,
  type Transport,
  type WalletClient,
} from 'viem';
import { type HDAccount, mnemonicToAccount } from 'viem/accounts';
import { compileContracts } from '../compile.ts';
import { commitmentOf } from './rolls.ts';

const MNEMONIC = 'test test test test test test test test test test test junk';
const NOTICE_S = 60;
const BANKROLL_UNITS = 100_000_000n;
export const BETTING_S = 60;
export const REVEAL_S = 300;
export const MIN_STAKE_UNITS = 10n;
export const MAX_STAKE_UNITS = 10_000n;
export const MAX_PAYOUT_UNITS = 1_000_000n;

/** A salt that nobody needs to guess. */
export const SALT: Hex = `0x${'5a'.repeat(16)}`;
export const account = (index: number): HDAccount =>
  mnemonicToAccount(MNEMONIC, { addressIndex: index });
export const seedOf = (round: number): Hex =>
  keccak256(`0x${round.toString(16).padStart(64, '0')}`);
/** What a node answers with a revert. */
function dataOf(error: object): Hex | undefined {
  return 'data' in error && isHex(error.data) ? error.data : undefined;
}

export type Table = Awaited<ReturnType<typeof openTable>>;

/** A dice table on an in-process network that mines on demand, its bank funded by the house. */
export async function openTable() {
  await compileContracts();
  const { deployContracts } = await import('../deploy.ts');
  const { betBookAbi } = await import('../generated/betBook.ts');
  const { diceAbi, diceBytecode } = await import('../generated/dice.ts');
  const { treasuryAbi } = await import('../generated/treasury.ts');
  const { fundBank, landed, takeSeat } = await import('./moves.ts');
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
  const house = account(1);
  const guardian = account(2);
  const contracts = await deployContracts({
    walletClient: walletOf(account(0)),
    publicClient,
    receiptTimeoutMs: 10_000,
    noticeS: NOTICE_S,
    token: { mockDecimals: 2 },
  });
  const betBook = { address: contracts.betBook, abi: betBookAbi } as const;

  const limits = {
    maxPayout: MAX_PAYOUT_UNITS,
    stopLoss: BANKROLL_UNITS,
    dayWon: BANKROLL_UNITS,
    dayCredit: 0n,
    maxHorizon: BETTING_S + REVEAL_S,
  };
  const rules = {
    minStake: MIN_STAKE_UNITS,
    maxStake: MAX_STAKE_UNITS,
    bettingS: BETTING_S,
    revealS: REVEAL_S,
  };
  /** Deploys a dice; what is named replaces the usual. */
  const deployDice = async (
    changed: { limits?: Partial<typeof limits>; rules?: Partial<typeof rules> } = {},
  ): Promise<Address> => {
    const hash = await walletOf(house).deployContract({
      abi: diceAbi,
      bytecode: diceBytecode,
      args: [
        betBook.address,
        house.address,
        guardian.address,
        { ...limits, ...changed.limits },
        { ...rules, ...changed.rules },
      ],
    });
    const { contractAddress } = await publicClient.waitForTransactionReceipt({ hash });
    if (!contractAddress) throw new Error('got no contract');
    return contractAddress;
  };
  const dice = { address: await deployDice(), abi: diceAbi } as const;
  const bankNo = await publicClient.readContract({ ...dice, functionName: 'bankNo' });

  const nowS = async () => Number((await publicClient.getBlock()).timestamp);

  const clients = { publicClient, walletOf, dice: dice.address };
  await fundBank(clients, house, BANKROLL_UNITS);

  const land = async (sent: Promise<Hex>) => landed(clients, await sent);
  const passTime = async (seconds: number) => {
    await test.increaseTime({ seconds });
    await test.mine({ blocks: 1 });
  };

  return {
    publicClient,
    walletOf,
    house,
    guardian,
    betBook,
    dice,
    bankNo,
    nowS,
    passTime,
    land,
    deployDice,
    sit: (player: Account, buyIn: bigint, maxStake = MAX_STAKE_UNITS) =>
      takeSeat(clients, player, { buyIn, maxStake }),
    seatOf: (player: Address) =>
      publicClient.readContract({
        ...betBook,
        functionName: 'seat',
        args: [player, dice.address],
      }),
    bank: () => publicClient.readContract({ ...betBook, functionName: 'bank', args: [bankNo] }),
    start: (seed: Hex) =>
      land(
        walletOf(house).writeContract({
          ...dice,
          functionName: 'start',
          args: [commitmentOf(seed)],
        }),
      ),
    bet: (player: Account, stake: bigint, target: number, salt: Hex = SALT) =>
      land(
        walletOf(player).writeContract({
          ...dice,
          functionName: 'bet',
          args: [stake, target, salt],
        }),
      ),
    reveal: (seed: Hex, as: Account = house) =>
      land(walletOf(as).writeContract({ ...dice, functionName: 'reveal', args: [seed] })),
    /** Sent by somebody who has nothing to do with the game. */
    expire: () => land(walletOf(account(9)).writeContract({ ...dice, functionName: 'expire' })),
    events: (receipt: TransactionReceipt) =>
      parseEventLogs({ abi: [...diceAbi, ...betBookAbi], logs: receipt.logs }),
    /** The name of the custom error that a call reverts with, or `no error`. */
    errorOf: async (call: Promise<unknown>): Promise<string> => {
      const abi = [...diceAbi, ...betBookAbi, ...treasuryAbi];
      try {
        await call;
      } catch (error) {
        for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
          const data = cause instanceof ContractFunctionRevertedError ? cause.raw : dataOf(cause);
          if (data === '0x') return 'no reason';
          if (data) return decodeErrorResult({ abi, data }).errorName;
        }
        return String(error).slice(0, 200);
      }
      return 'no error';
    },
    close: () => connection.close(),
  };
}
