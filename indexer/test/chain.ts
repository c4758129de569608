import {
  type Address,
  createPublicClient,
  createWalletClient,
  defineChain,
  type EncodeFunctionDataParameters,
  encodeFunctionData,
  type Hex,
  http,
  numberToHex,
  parseEventLogs,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';
import { deployContracts, registerAndFund } from '../../contracts/deploy.ts';
import { encodeBatch, encodePreimage } from '../../contracts/encoding/batch.ts';
import { laneOf, shardOf } from '../../contracts/encoding/message.ts';
import type { Unit } from '../../contracts/encoding/unit.ts';
import { betBookAbi } from '../../contracts/generated/betBook.ts';
import { mockTokenAbi } from '../../contracts/generated/mockToken.ts';
import { treasuryAbi } from '../../contracts/generated/treasury.ts';
import { deploymentIdOf } from '../../ledger/keys.ts';
import { startDevNode } from '../../platform/chain/devNode.ts';
import { createRpc, type Rpc } from '../../platform/chain/rpc.ts';
import type { IndexedDeployment } from '../context.ts';

const MNEMONIC = 'test test test test test test test test test test test junk';
const CHAIN_ID = 31829;
const SHARDS = 4;
const PLAYERS = 3;
const BUY_IN = 1_000_000n;
const TOP_UP = 5_000n;
const GAS = numberToHex(16_000_000);
export const FINALITY_BLOCKS = 5;

export interface TestNode {
  readonly rpcUrl: string;
  readonly wsUrl: string;
  readonly rpc: Rpc;
  mine(blocks: number): Promise<void>;
  head(): Promise<number>;
  close(): Promise<void>;
}

/** A real Hardhat node that mines on demand only, so that a test decides what is in which block. */
export async function startTestNode(): Promise<TestNode> {
  const node = await startDevNode({ port: 0 });
  const rpc = createRpc({ url: node.rpcUrl, timeoutMs: 20_000 });
  await mineOnDemand(rpc);
  return {
    ...node,
    rpc,
    async mine(blocks) {
      for (let block = 0; block < blocks; block += 1) await rpc.call('evm_mine', []);
    },
    head: async () => Number(await rpc.call<Hex>('eth_blockNumber', [])),
  };
}

/** Each transaction in a block of its own, and no block without one. */
export async function mineOnDemand(rpc: Rpc): Promise<void> {
  await rpc.call('evm_setIntervalMining', [0]);
  await rpc.call('evm_setAutomine', [true]);
}

export interface TestDeployment {
  readonly treasury: Address;
  readonly betBook: Address;
  readonly indexed: IndexedDeployment;
  readonly players: readonly Address[];
  /** Lands `bets` decided bets of the player in one batch, in a block of its own. */
  play(player: number, bets: number): Promise<void>;
  /** Opens a page of `bets` bets, settles the first and voids the last, in one batch. */
  openAndSettle(player: number, slot: number, bets: number): Promise<void>;
  credit(player: number): Promise<void>;
  /** One batch with every op that is not above, among them a win that the bank refuses: it is halted. */
  everyOtherOp(player: number): Promise<void>;
  /** Opens a page, lets its due time pass and expires it. */
  openAndExpire(player: number, slot: number): Promise<void>;
  /** Everything that the operator and its bank can say. */
  everyPower(): Promise<void>;
  /** The contracts' events, decoded by viem, straight from the node. */
  events(): Promise<ExpectedEvent[]>;
}

export interface ExpectedEvent {
  readonly key: string;
  readonly contract: string;
  readonly event: string;
  readonly args: Record<string, string | boolean>;
  readonly blockNumber: number;
  readonly txHash: string;
}

/** New contracts on the node, with an operator, a bank, and players with seats. */
export async function deployTo(node: TestNode): Promise<TestDeployment> {
  const { rpc } = node;
  const chain = defineChain({
    id: CHAIN_ID,
    name: 'test',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [node.rpcUrl] } },
  });
  // A new operator for each deployment would change nothing: BetBooks know nothing of each other.
  const account = mnemonicToAccount(MNEMONIC);
  const clients = {
    walletClient: createWalletClient({ account, chain, transport: http(node.rpcUrl) }),
    publicClient: createPublicClient({ chain, transport: http(node.rpcUrl), pollingInterval: 20 }),
    receiptTimeoutMs: 20_000,
  };
  const contracts = await deployContracts({
    ...clients,
    noticeS: 60,
    token: { mockDecimals: 2 },
  });
  const { treasury, betBook, token } = contracts;
  const operator = await registerAndFund({
    ...clients,
    contracts,
    shards: SHARDS,
    executors: [account.address],
    guardian: account.address,
    bankrollUnits: 1_000_000_000n,
    limits: {
      maxPayoutUnits: 1_000_000n,
      stopLossUnits: 1_000_000_000n,
      dayWonUnits: 1_000_000_000n,
      dayCreditUnits: 1_000_000_000n,
      maxHorizonS: 86_400,
    },
  });

  async function send(from: Address, to: Address, data: Hex): Promise<void> {
    const hash = await rpc.call<Hex>('eth_sendTransaction', [{ from, to, data, gas: GAS }]);
    const receipt = await rpc.call<{ status: Hex } | null>('eth_getTransactionReceipt', [hash]);
    if (receipt?.status !== '0x1')
      throw new Error(`got ${receipt?.status} of ${hash}, expected 0x1`);
  }

  const players = Array.from({ length: PLAYERS }, (_, index) =>
    mnemonicToAccount(MNEMONIC, { addressIndex: index + 1 }).address.toLowerCase(),
  ) as Address[];
  const latest = await rpc.call<{ timestamp: Hex }>('eth_getBlockByNumber', ['latest', false]);
  const expiry = Number(latest.timestamp) + 86_400;
  for (const player of players) {
    const token_ = { abi: mockTokenAbi };
    await send(
      player,
      token,
      encodeFunctionData({ ...token_, functionName: 'mint', args: [player, BUY_IN + TOP_UP] }),
    );
    await send(
      player,
      token,
      encodeFunctionData({ ...token_, functionName: 'approve', args: [treasury, BUY_IN + TOP_UP] }),
    );
    await send(
      player,
      treasury,
      encodeFunctionData({
        abi: treasuryAbi,
        functionName: 'deposit',
        args: [player, BUY_IN + TOP_UP],
      }),
    );
    await send(
      player,
      treasury,
      encodeFunctionData({
        abi: treasuryAbi,
        functionName: 'allow',
        args: [betBook, BUY_IN + TOP_UP, expiry],
      }),
    );
    const grant = {
      operator: operator.operator,
      buyIn: BUY_IN,
      topUp: TOP_UP,
      maxStake: 1_000n,
      expiry,
      grantNo: 1,
    };
    await send(
      player,
      betBook,
      encodeFunctionData({ abi: betBookAbi, functionName: 'sit', args: [grant] }),
    );
  }

  let refs = 0;
  function ref(): Hex {
    refs += 1;
    return numberToHex(refs, { size: 16 });
  }

  /** The lane's number is asked for: after a revert it is another. */
  async function batch(player: number, units: (next: number) => readonly Unit[]): Promise<void> {
    const lane = Number(laneOf(operator.operatorNo, shardOf(addressOf(player), SHARDS)));
    const next = await clients.publicClient.readContract({
      abi: betBookAbi,
      address: betBook,
      functionName: 'lane',
      args: [lane],
    });
    const data = encodeFunctionData({
      abi: betBookAbi,
      functionName: 'applyBatch',
      args: [lane, Number(next), numberToHex(refs, { size: 32 }), encodeBatch(units(Number(next)))],
    });
    await send(account.address, betBook, data);
  }

  async function callBook(functionName: string, args: readonly unknown[]): Promise<void> {
    const call = { abi: betBookAbi, functionName, args } as EncodeFunctionDataParameters;
    await send(account.address, betBook, encodeFunctionData(call));
  }

  function addressOf(player: number): Address {
    const address = players[player];
    if (!address) throw new Error(`got player ${player}, expected one of ${PLAYERS}`);
    return address;
  }

  return {
    treasury,
    betBook,
    players,
    indexed: {
      deployment: deploymentIdOf({ ...contracts, chainId: CHAIN_ID }),
      chainId: CHAIN_ID,
      deployedBlock: contracts.deployedBlock,
      deployedBlockHash: contracts.deployedBlockHash,
    },
    async play(player, bets) {
      await batch(player, () =>
        Array.from({ length: bets }, () => ({
          op: 'play' as const,
          player: addressOf(player),
          bank: operator.bank,
          stakeUnits: 10n,
          payoutUnits: 9n,
          refBet: ref(),
          refWin: ref(),
        })),
      );
    },
    async openAndSettle(player, slot, bets) {
      const leaf = {
        player: addressOf(player),
        bank: operator.bank,
        stakeUnits: 10n,
        profitUnits: 5n,
      };
      const page = { dueS: expiry - 7_200, round: '0x0102030405060708' as const, bonded: false };
      await batch(player, (firstSeq) => [
        {
          op: 'open',
          slot,
          ...page,
          bets: Array.from({ length: bets }, () => ({ ...leaf, ref: ref() })),
        },
        {
          op: 'settle',
          slot,
          preimage: { firstSeq, ...page, bets: Array.from({ length: bets }, () => leaf) },
          outcomes: [
            { offset: 0, code: 'full', ref: ref() },
            { offset: bets - 1, code: 'void', ref: ref() },
          ],
        },
      ]);
    },
    async credit(player) {
      await batch(player, () => [
        {
          op: 'credit',
          player: addressOf(player),
          bank: operator.bank,
          amountUnits: 7n,
          ref: ref(),
        },
      ]);
    },
    async everyOtherOp(player) {
      const place = { player: addressOf(player), bank: operator.bank } as const;
      const refs = () => ({ refBet: ref(), refWin: ref() });
      const round = '0x0102030405060708' as const;
      await batch(player, () => [
        { op: 'topUp', player: place.player, amountUnits: 70n, ref: ref() },
        { op: 'credit', ...place, amountUnits: 7n, ref: ref() },
        { op: 'topUp', player: place.player, amountUnits: 30n, ref: ref() },
        {
          op: 'group',
          player: place.player,
          units: [
            { op: 'play', ...place, stakeUnits: 10n, payoutUnits: 30n, ...refs() },
            { op: 'credit', ...place, amountUnits: 5n, ref: ref() },
          ],
        },
        { op: 'finish', bank: operator.bank, round },
        { op: 'play', ...place, stakeUnits: 10n, payoutUnits: 1_000_001n, ...refs() },
        { op: 'release', player: place.player, ref: ref() },
      ]);
    },
    async openAndExpire(player, slot) {
      const now = await rpc.call<{ timestamp: Hex }>('eth_getBlockByNumber', ['latest', false]);
      const lane = Number(laneOf(operator.operatorNo, shardOf(addressOf(player), SHARDS)));
      const leaf = {
        player: addressOf(player),
        bank: operator.bank,
        stakeUnits: 10n,
        profitUnits: 5n,
      };
      const dueS = Number(now.timestamp) + 600;
      const page = { dueS, round: '0x0102030405060708' as const, bonded: true };
      let firstSeq = 0;
      await batch(player, (next) => {
        firstSeq = next;
        return [{ op: 'open', slot, ...page, bets: [{ ...leaf, ref: ref() }] }];
      });
      await rpc.call('evm_increaseTime', [600]);
      const preimage = encodePreimage({ firstSeq, ...page, bets: [leaf] });
      await callBook('expire', [lane, slot, preimage]);
    },
    async everyPower() {
      const { bank } = operator;
      const me = account.address;
      const limits = { maxPayout: 7n, stopLoss: 10n ** 12n, dayWon: 6n, dayCredit: 5n };
      await callBook('resume', [bank]);
      const now = await rpc.call<{ timestamp: Hex }>('eth_getBlockByNumber', ['latest', false]);
      await callBook('pause', [bank, Number(now.timestamp) + 3_600]);
      await callBook('setLimits', [bank, { ...limits, maxHorizon: 60 }]);
      await callBook('requestExit', [bank, 100n]);
      await callBook('cancelExit', [bank]);
      await callBook('requestExit', [bank, 90n]);
      await callBook('setPayout', [bank, addressOf(1)]);
      await rpc.call('evm_increaseTime', [61]);
      await callBook('completeExit', [bank]);
      await callBook('transferBankAdmin', [bank, me]);
      await callBook('acceptBankAdmin', [bank]);
      await callBook('setGuardian', [me, me]);
      await callBook('acceptGuardian', [me]);
      await callBook('transferAdmin', [me, me]);
      await callBook('acceptAdmin', [me]);
      await callBook('setExecutor', [me, addressOf(2), true]);
      await callBook('disableExecutor', [me, addressOf(2)]);
    },
    async events() {
      const logs = await clients.publicClient.getLogs({
        address: [treasury, betBook],
        fromBlock: BigInt(contracts.deployedBlock),
        toBlock: 'latest',
      });
      return parseEventLogs({ abi: [...treasuryAbi, ...betBookAbi], logs }).map((log) => ({
        key: `${log.blockHash}:${log.logIndex}`,
        contract: log.address.toLowerCase() === treasury ? 'treasury' : 'bet_book',
        event: log.eventName,
        args: Object.fromEntries(
          Object.entries(log.args).map(([name, value]) => [
            name,
            typeof value === 'boolean' ? value : String(value).toLowerCase(),
          ]),
        ),
        blockNumber: Number(log.blockNumber),
        txHash: log.transactionHash,
      }));
    },
  };
}
