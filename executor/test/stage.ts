import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Address,
  createPublicClient,
  createTestClient,
  createWalletClient,
  defineChain,
  type Hex,
  http,
  keccak256,
  toHex,
} from 'viem';
import {
  generatePrivateKey,
  mnemonicToAccount,
  type PrivateKeyAccount,
  privateKeyToAccount,
} from 'viem/accounts';
import { compileContracts } from '../../contracts/compile.ts';
import {
  type BankLimits,
  type DeployClients,
  deployContracts,
  registerAndFund,
} from '../../contracts/deploy.ts';
import { encodeUnit, numbersOf } from '../../contracts/encoding/batch.ts';
import { grantTypedData } from '../../contracts/encoding/grant.ts';
import { laneOf, shardOf } from '../../contracts/encoding/message.ts';
import type { PlayUnit, Unit } from '../../contracts/encoding/unit.ts';
import { betBookAbi } from '../../contracts/generated/betBook.ts';
import { mockTokenAbi } from '../../contracts/generated/mockToken.ts';
import { treasuryAbi } from '../../contracts/generated/treasury.ts';
import { registerDeployment } from '../../ledger/deployments.ts';
import type { DeploymentFacts, LedgerContext, LedgerTransaction } from '../../ledger/ledger.ts';
import { ledgerMigrations } from '../../ledger/migrations.ts';
import type { LedgerDatabase } from '../../ledger/schema.ts';
import { startDevNode } from '../../platform/chain/devNode.ts';
import { createRpc } from '../../platform/chain/rpc.ts';
import { systemClock } from '../../platform/clock.ts';
import { type Crash, type CrashPoint, noCrash } from '../../platform/crash.ts';
import { openSqliteJournal } from '../../platform/journal/sqlite.ts';
import { createExecutor, type Executor } from '../executor.ts';
import type { FeePolicy } from '../fees.ts';
import { createLocalSigner, type Signer } from '../signer.ts';
import type { ExecutorLimits } from '../state.ts';
import type { ChildArgs } from './executorChild.ts';

const CHAIN_ID = 31829;
const SHARDS = 4;
const BUY_IN_UNITS = 1_000_000n;
const TOP_UP_UNITS = 1_000n;
/** Of the stage's bank: wide enough for every test. */
export const BANK_LIMITS: BankLimits = {
  maxPayoutUnits: 10n ** 9n,
  stopLossUnits: 10n ** 12n,
  dayWonUnits: 10n ** 12n,
  dayCreditUnits: 10n ** 12n,
  maxHorizonS: 30 * 86_400,
};
const devAccount = mnemonicToAccount('test test test test test test test test test test test junk');

/** A real node with deployed contracts, shared by the tests of a file. */
export type TestChain = Awaited<ReturnType<typeof startTestChain>>;

/** Starts a node on a free port and deploys. */
export async function startTestChain() {
  await compileContracts();
  const node = await startDevNode({ port: 0 });
  const chain = defineChain({
    id: CHAIN_ID,
    name: 'test',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [node.rpcUrl] } },
  });
  const transport = http(node.rpcUrl);
  const common = { chain, transport, pollingInterval: 50, cacheTime: 0 } as const;
  const publicClient = createPublicClient(common);
  const walletClient = createWalletClient({ ...common, account: devAccount });
  const testClient = createTestClient({ ...common, mode: 'hardhat' });
  const deployed = await deployContracts({
    walletClient,
    publicClient,
    receiptTimeoutMs: 10_000,
    noticeS: 60,
    token: { mockDecimals: 2 },
  });
  return { node, chain, transport, publicClient, walletClient, testClient, deployed };
}

/** An operator of its own with seated players, and an empty ledger that knows both. */
export type Stage = Awaited<ReturnType<typeof openStage>>;

/** Sets the stage for one test; `players` take seats, the same number in each lane. */
export async function openStage(testChain: TestChain, args: { players: number }) {
  const { publicClient, testClient, chain, transport, deployed, node } = testChain;
  const operatorAccount = privateKeyToAccount(generatePrivateKey());
  const signerKey = generatePrivateKey();
  const signer = createLocalSigner(signerKey);
  const rich = 10n ** 22n;
  await testClient.setBalance({ address: operatorAccount.address, value: rich });
  await testClient.setBalance({ address: signer.address, value: rich });
  const walletClient = createWalletClient({
    chain,
    transport,
    account: operatorAccount,
    pollingInterval: 50,
  });
  const clients = { walletClient, publicClient, receiptTimeoutMs: 10_000 };
  const { operatorNo, operator, bank } = await registerAndFund({
    ...clients,
    contracts: deployed,
    shards: SHARDS,
    executors: [signer.address],
    guardian: operatorAccount.address,
    bankrollUnits: 10n ** 12n,
    limits: BANK_LIMITS,
  });
  const players = await seatPlayers(walletClient, testChain, operator, args.players);
  const folder = await mkdtemp(join(tmpdir(), 'executor-'));
  const block = await publicClient.getBlock({ blockNumber: BigInt(deployed.deployedBlock) });
  const facts: DeploymentFacts = {
    chainId: CHAIN_ID,
    betBook: deployed.betBook,
    treasury: deployed.treasury,
    token: deployed.token,
    tokenDecimals: 2,
    deployedBlock: deployed.deployedBlock,
    deployedBlockHash: block.hash,
    operator,
    operatorNo,
    shards: SHARDS,
    partitions: SHARDS,
    noticeS: 60,
  };
  const ledgerPath = join(folder, 'ledger.sqlite');
  const ledger = await openLedger(ledgerPath);
  const { deployment } = await registerDeployment(ledger, facts);
  return {
    ledger,
    ledgerPath,
    deployment,
    facts,
    signer,
    signerKey,
    operatorAccount,
    players,
    bank,
    rpcUrl: node.rpcUrl,
    contracts: deployed,
    close: async () => {
      await ledger.journal.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A ledger over the SQLite file. */
export async function openLedger(path: string, crash: Crash = noCrash): Promise<LedgerContext> {
  const journal = await openSqliteJournal<LedgerDatabase>({
    path,
    migrations: ledgerMigrations,
    clock: systemClock,
  });
  return { journal, clock: systemClock, crash, refKey: new Uint8Array(32) };
}

/** An executor on the stage; short intervals, so that faults heal within a test. */
export function executorOn(
  stage: Pick<Stage, 'ledger' | 'deployment' | 'facts' | 'rpcUrl'> & { signer: Signer },
  args: { holder?: string; fees?: FeePolicy; limits?: Partial<ExecutorLimits> } = {},
): Executor {
  return createExecutor({
    ledger: stage.ledger,
    rpc: createRpc({ url: stage.rpcUrl, timeoutMs: 1_000 }),
    deployment: stage.deployment,
    facts: stage.facts,
    signer: stage.signer,
    holder: args.holder ?? 'test',
    ...(args.fees && { fees: args.fees }),
    limits: { rebroadcastMs: 500, pollMs: 50, ...args.limits },
  });
}

/**
 * Numbers `count` bets as the planner does and writes them down as items, spread over the players.
 * Each wins one unit, so that a seat's balance tells how often its bets took effect.
 */
export async function numberBets(stage: Stage, count: number, offset = 0): Promise<PlayUnit[]> {
  const units = Array.from({ length: count }, (_, index): PlayUnit => {
    const player = stage.players[index % stage.players.length];
    if (player === undefined) throw new Error('the stage has no players');
    return {
      op: 'play',
      player,
      bank: stage.bank,
      stakeUnits: 10n,
      payoutUnits: 11n,
      refBet: toHex(2 * (offset + index) + 1, { size: 16 }),
      refWin: toHex(2 * (offset + index) + 2, { size: 16 }),
    };
  });
  await stage.ledger.journal.transaction(async (tx) => {
    for (let lane = 0; lane < SHARDS; lane++) {
      const mine = units.filter(({ player }) => shardOf(player, SHARDS) === lane);
      if (mine.length > 0) await writeItems(stage, tx, lane, () => mine);
    }
  });
  return units;
}

/** Writes units of any kind down as items of the lane; they are made from its next number. */
export async function numberUnits(
  stage: Stage,
  lane: number,
  unitsFrom: (firstSeq: number) => readonly Unit[],
): Promise<void> {
  await stage.ledger.journal.transaction((tx) => writeItems(stage, tx, lane, unitsFrom));
}

async function writeItems(
  { deployment }: Stage,
  tx: LedgerTransaction,
  lane: number,
  unitsFrom: (firstSeq: number) => readonly Unit[],
): Promise<void> {
  const { next_seq } = await tx
    .selectFrom('lane')
    .select('next_seq')
    .where('deployment', '=', deployment)
    .where('lane', '=', lane)
    .executeTakeFirstOrThrow();
  let seq = next_seq;
  const items = unitsFrom(next_seq).map((unit) => {
    const bytes = encodeUnit(unit);
    const item = {
      ...{ deployment, lane, seq, bytes, evidence_leaf: keccak256(bytes, 'bytes') },
      state: 'planned' as const,
      closed_block: null,
    };
    seq += numbersOf(unit);
    return item;
  });
  for (let at = 0; at < items.length; at += 500) {
    await tx
      .insertInto('item')
      .values(items.slice(at, at + 500))
      .execute();
  }
  await tx
    .updateTable('lane')
    .set({ next_seq: seq })
    .where('deployment', '=', deployment)
    .where('lane', '=', lane)
    .execute();
}

/** Runs an executor on the stage in a process of its own, until it dies at the crash point. */
export async function dieAt(stage: Stage, point: CrashPoint): Promise<void> {
  const { ledgerPath, deployment, facts, signerKey, rpcUrl } = stage;
  const script = fileURLToPath(new URL('./executorChild.ts', import.meta.url));
  const childArgs: ChildArgs = { ledgerPath, deployment, facts, signerKey, rpcUrl, dieAt: point };
  const child = spawn(process.execPath, [script, JSON.stringify(childArgs)], { stdio: 'inherit' });
  const timeout = setTimeout(() => child.kill(), 10_000);
  const [, signal] = await once(child, 'exit');
  clearTimeout(timeout);
  if (signal !== 'SIGKILL') throw new Error(`the child never came to ${point}`);
}

/** Uses up the signer's next nonce behind the executor's back. */
export async function foreignTransaction(testChain: TestChain, stage: Stage): Promise<void> {
  const { chain, transport, publicClient } = testChain;
  const account = privateKeyToAccount(stage.signerKey);
  const walletClient = createWalletClient({ chain, transport, account });
  const hash = await walletClient.sendTransaction({ to: account.address, value: 1n });
  await publicClient.waitForTransactionReceipt({ hash });
}

/** Every transaction that was signed on the stage, by nonce. */
export async function transactionsOf(stage: Stage) {
  return await stage.ledger.journal.read
    .selectFrom('transaction')
    .selectAll()
    .orderBy('nonce')
    .execute();
}

/** `next` of each lane, from the contract. */
export async function lanesOnChain(testChain: TestChain, stage: Stage): Promise<number[]> {
  const lanes = Array.from({ length: SHARDS }, (_, lane) => lane);
  return await Promise.all(
    lanes.map((lane) =>
      testChain.publicClient.readContract({
        address: stage.contracts.betBook,
        abi: betBookAbi,
        functionName: 'lane',
        args: [Number(laneOf(stage.facts.operatorNo, lane))],
      }),
    ),
  );
}

/** The refs of the bets that took effect, per lane in the order of the log. */
export async function landedRefs(testChain: TestChain, stage: Stage): Promise<Hex[][]> {
  const logs = await testChain.publicClient.getContractEvents({
    address: stage.contracts.betBook,
    abi: betBookAbi,
    eventName: 'Played',
    fromBlock: BigInt(stage.contracts.deployedBlock),
    strict: true,
  });
  return Array.from({ length: SHARDS }, (_, lane) =>
    logs
      .filter(({ args }) => args.id >> 80n === laneOf(stage.facts.operatorNo, lane))
      .map(({ args }) => args.refBet),
  );
}

/** How often each lane event of the stage's operator stands in the logs. */
export async function eventNames(
  testChain: TestChain,
  stage: Stage,
): Promise<Record<string, number>> {
  const logs = await testChain.publicClient.getContractEvents({
    address: stage.contracts.betBook,
    abi: betBookAbi,
    fromBlock: BigInt(stage.contracts.deployedBlock),
    strict: true,
  });
  const counts: Record<string, number> = {};
  for (const { eventName, args } of logs) {
    const lane = 'id' in args ? args.id >> 80n : 'lane' in args ? BigInt(args.lane) : -1n;
    if (lane >> 16n !== BigInt(stage.facts.operatorNo)) continue;
    counts[eventName] = (counts[eventName] ?? 0) + 1;
  }
  return counts;
}

/** The same, as it must be once all units landed exactly once, in order. */
export function expectedRefs(units: readonly PlayUnit[]): Hex[][] {
  return Array.from({ length: SHARDS }, (_, lane) =>
    units.filter(({ player }) => shardOf(player, SHARDS) === lane).map(({ refBet }) => refBet),
  );
}

/** Resolves once `condition` holds. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs = 20_000,
): Promise<void> {
  const deadlineMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`timed out waiting for: ${what}`);
    await systemClock.sleep(50);
  }
}

async function seatPlayers(
  walletClient: DeployClients['walletClient'],
  testChain: TestChain,
  operator: Address,
  count: number,
): Promise<Address[]> {
  const { publicClient, deployed } = testChain;
  const { timestamp } = await publicClient.getBlock();
  const players = Array.from({ length: count }, (_, index) => accountOfLane(index % SHARDS));
  const totalUnits = (BUY_IN_UNITS + TOP_UP_UNITS) * BigInt(count);
  const from = walletClient.account.address;
  const { token, treasury } = deployed;
  let nonce = await publicClient.getTransactionCount({ address: from });
  const hashes: Hex[] = [
    await walletClient.writeContract({
      address: token,
      abi: mockTokenAbi,
      functionName: 'mint',
      args: [from, totalUnits],
      nonce: nonce++,
    }),
    await walletClient.writeContract({
      address: token,
      abi: mockTokenAbi,
      functionName: 'approve',
      args: [treasury, totalUnits],
      nonce: nonce++,
    }),
  ];
  for (const player of players) {
    const grant = {
      operator,
      buyIn: BUY_IN_UNITS,
      topUp: TOP_UP_UNITS,
      maxStake: 1_000_000n,
      expiry: Number(timestamp) + 20 * 86_400,
      grantNo: 1,
    };
    const deadline = Number(timestamp) + 86_400;
    const allowing = { expiry: deadline, nonce: 0, deadline };
    const signature = await player.signTypedData(
      grantTypedData({ chainId: CHAIN_ID, treasury, betBook: deployed.betBook, grant, allowing }),
    );
    hashes.push(
      await walletClient.writeContract({
        address: treasury,
        abi: treasuryAbi,
        functionName: 'deposit',
        args: [player.address, BUY_IN_UNITS + TOP_UP_UNITS],
        nonce: nonce++,
        gas: 300_000n,
      }),
      await walletClient.writeContract({
        address: deployed.betBook,
        abi: betBookAbi,
        functionName: 'sit',
        args: [player.address, grant, allowing, signature],
        nonce: nonce++,
        gas: 500_000n,
      }),
    );
  }
  for (const hash of hashes) {
    const { status } = await publicClient.waitForTransactionReceipt({ hash });
    if (status !== 'success') throw new Error(`a transaction of the stage reverted: ${hash}`);
  }
  return players.map(({ address }) => address.toLowerCase() as Address);
}

function accountOfLane(lane: number): PrivateKeyAccount {
  for (;;) {
    const account = privateKeyToAccount(generatePrivateKey());
    if (shardOf(account.address, SHARDS) === lane) return account;
  }
}
