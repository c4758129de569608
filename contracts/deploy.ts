import {
  type Account,
  type Address,
  type Chain,
  encodeFunctionData,
  type Hash,
  type Hex,
  type PublicClient,
  parseEventLogs,
  type TransactionReceipt,
  type Transport,
  type WalletClient,
} from 'viem';
import { CroupierError } from '../platform/errors.ts';
import { betBookAbi } from './generated/betBook.ts';
import { mockTokenAbi } from './generated/mockToken.ts';
import { treasuryAbi } from './generated/treasury.ts';

/** The operator's allowance is used at once; a day is ample on the slowest chain. */
const FUNDING_WINDOW_S = 86_400;
const RECEIPT_POLL_MS = 50;

/** A wallet that signs for its own account, and a client of the same chain. */
export interface DeployClients {
  readonly walletClient: WalletClient<Transport, Chain, Account>;
  readonly publicClient: PublicClient<Transport, Chain>;
  /** For each receipt, milliseconds. */
  readonly receiptTimeoutMs: number;
}

export interface DeployedContracts {
  readonly token: Address;
  readonly treasury: Address;
  readonly betBook: Address;
  /** Block of the BetBook. */
  readonly deployedBlock: number;
  readonly deployedBlockHash: Hex;
}

/** Limits of a bank, see `IBetBook.Limits`. */
export interface BankLimits {
  readonly maxPayoutUnits: bigint;
  readonly stopLossUnits: bigint;
  readonly dayWonUnits: bigint;
  readonly dayCreditUnits: bigint;
  readonly maxHorizonS: number;
}

export interface RegisteredOperator {
  readonly operator: Address;
  readonly operatorNo: number;
  readonly bank: number;
}

/**
 * Deploys Treasury and BetBook over an existing token, or over a new mock token, by the Ignition
 * modules that `npx hardhat ignition deploy` runs too. Addresses come in lower case. Nobody else may
 * send from the wallet's account meanwhile.
 * @throws CroupierError `DEPLOYMENT_FAILED` (final) with what failed and why, `DEPLOYMENT_TIMEOUT`
 * (retryable, from the beginning) when a transaction does not land in time
 */
export async function deployContracts(
  args: DeployClients & {
    /** The notice period N, seconds. */
    readonly noticeS: number;
    readonly token: { readonly mockDecimals: number } | { readonly address: Address };
  },
): Promise<DeployedContracts> {
  // Ignition takes most of a second to load, and most starts deploy nothing.
  const { runModule } = await import('./ignition/run.ts');
  const { noticeS, token } = args;
  if ('address' in token) {
    const { default: module } = await import('./ignition/modules/Croupier.ts');
    const run = await runModule(args, module, { token: token.address, noticeS });
    return {
      token: lower(token.address),
      ...run.addresses,
      ...(await blockOf(args, run.lastHash)),
    };
  }
  const { default: module } = await import('./ignition/modules/CroupierWithMockToken.ts');
  const run = await runModule(args, module, { decimals: token.mockDecimals, noticeS });
  return { ...run.addresses, ...(await blockOf(args, run.lastHash)) };
}

/**
 * Makes the wallet's account an operator with one bank, whose admin it is too, and funds the bank
 * with newly minted mock tokens.
 * @throws CroupierError `TRANSACTION_REVERTED` (final); viem's own error when the node refuses a
 * transaction beforehand, such as for an account that is an operator already
 */
export async function registerAndFund(
  args: DeployClients & {
    readonly contracts: Pick<DeployedContracts, 'token' | 'treasury' | 'betBook'>;
    readonly shards: number;
    readonly executors: readonly Address[];
    readonly guardian: Address;
    readonly bankrollUnits: bigint;
    readonly limits: BankLimits;
  },
): Promise<RegisteredOperator> {
  const { token, treasury, betBook } = args.contracts;
  const operator = lower(args.walletClient.account.address);
  const amount = args.bankrollUnits;

  const [registered] = await landAll(args, [
    {
      to: betBook,
      data: encodeFunctionData({
        abi: betBookAbi,
        functionName: 'registerOperator',
        args: [args.shards, args.executors, args.guardian],
      }),
    },
    {
      to: token,
      data: encodeFunctionData({
        abi: mockTokenAbi,
        functionName: 'mint',
        args: [operator, amount],
      }),
    },
    {
      to: token,
      data: encodeFunctionData({
        abi: mockTokenAbi,
        functionName: 'approve',
        args: [treasury, amount],
      }),
    },
  ]);
  const { timestamp } = await args.publicClient.getBlock();
  const [opened] = await landAll(args, [
    {
      to: betBook,
      data: encodeFunctionData({
        abi: betBookAbi,
        functionName: 'openBank',
        args: [
          operator,
          operator,
          {
            maxPayout: args.limits.maxPayoutUnits,
            stopLoss: args.limits.stopLossUnits,
            dayWon: args.limits.dayWonUnits,
            dayCredit: args.limits.dayCreditUnits,
            maxHorizon: args.limits.maxHorizonS,
          },
        ],
      }),
    },
    {
      to: treasury,
      data: encodeFunctionData({
        abi: treasuryAbi,
        functionName: 'deposit',
        args: [operator, amount],
      }),
    },
    {
      to: treasury,
      data: encodeFunctionData({
        abi: treasuryAbi,
        functionName: 'allow',
        args: [betBook, amount, Number(timestamp) + FUNDING_WINDOW_S],
      }),
    },
  ]);
  const logs = [...(registered?.logs ?? []), ...(opened?.logs ?? [])];
  const [registration] = parseEventLogs({ abi: betBookAbi, eventName: 'OperatorRegistered', logs });
  const [opening] = parseEventLogs({ abi: betBookAbi, eventName: 'BankOpened', logs });
  if (!registration || !opening) {
    throw new CroupierError({
      code: 'EVENT_MISSING',
      errorClass: 'fatal',
      message: `got no OperatorRegistered and BankOpened, expected them from ${betBook}`,
    });
  }
  const { bank } = opening.args;
  await landAll(args, [
    {
      to: betBook,
      data: encodeFunctionData({ abi: betBookAbi, functionName: 'fund', args: [bank, amount] }),
    },
  ]);
  return { operator, operatorNo: registration.args.operatorNo, bank };
}

/** Sends all, then waits for all: transactions of one list must not depend on each other. */
async function landAll(
  clients: DeployClients,
  calls: readonly { readonly to: Address; readonly data: Hex }[],
): Promise<TransactionReceipt[]> {
  const hashes: Hash[] = [];
  for (const call of calls) hashes.push(await clients.walletClient.sendTransaction(call));
  const receipts: TransactionReceipt[] = [];
  for (const hash of hashes) receipts.push(await receiptOf(clients, hash));
  return receipts;
}

/** The block of a deployment's last transaction, which creates the BetBook. */
async function blockOf(clients: DeployClients, hash: Hash) {
  const { blockNumber, blockHash } = await receiptOf(clients, hash);
  return { deployedBlock: Number(blockNumber), deployedBlockHash: blockHash };
}

async function receiptOf(clients: DeployClients, hash: Hash): Promise<TransactionReceipt> {
  const receipt = await clients.publicClient.waitForTransactionReceipt({
    hash,
    timeout: clients.receiptTimeoutMs,
    pollingInterval: RECEIPT_POLL_MS,
  });
  if (receipt.status !== 'success') {
    throw new CroupierError({
      code: 'TRANSACTION_REVERTED',
      errorClass: 'final',
      message: `got a reverted transaction ${hash}, expected success`,
    });
  }
  return receipt;
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}
