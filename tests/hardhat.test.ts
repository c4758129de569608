// What a contract developer types, typed: each command in a process of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import {
  type Address,
  type Chain,
  createPublicClient,
  createWalletClient,
  defineChain,
  type Hex,
  http,
  type PublicClient,
  type Transport,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BankLimits, deployContracts, registerAndFund } from '../contracts/deploy.ts';
import { betBookAbi, betBookBytecode } from '../contracts/generated/betBook.ts';
import { mockTokenAbi, mockTokenBytecode } from '../contracts/generated/mockToken.ts';
import { treasuryAbi, treasuryBytecode } from '../contracts/generated/treasury.ts';

const ROOT = join(import.meta.dirname, '..');
const HARDHAT = join(ROOT, 'node_modules/hardhat/dist/src/cli.js');
const BUILD_TIMEOUT_MS = 600_000;
const COMMAND_TIMEOUT_MS = 40_000;
/** Several commands. */
const timeout = 3 * COMMAND_TIMEOUT_MS;
const NOTICE_S = 120;
const SHARDS = 8;
const EXECUTORS: readonly Address[] = [
  '0x00000000000000000000000000000000000000e1',
  '0x00000000000000000000000000000000000000e2',
];
const GUARDIAN: Address = '0x000000000000000000000000000000000000009a';
const LIMITS: BankLimits = {
  maxPayoutUnits: 2n ** 95n,
  stopLossUnits: 1_001n,
  dayWonUnits: 1_002n,
  dayCreditUnits: 1_003n,
  maxHorizonS: 86_400,
};
/** Of the first account of every Hardhat node. */
const DEV_KEY: Hex = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';

const devAccount = privateKeyToAccount(DEV_KEY);

interface HardhatNode {
  readonly url: string;
  readonly client: PublicClient<Transport, Chain>;
}

const cleanUp: (() => Promise<unknown>)[] = [];

// Compiling from nothing takes longer than anything that is tested here.
beforeAll(() => hardhat(['build', '--no-tests'], {}, BUILD_TIMEOUT_MS), BUILD_TIMEOUT_MS);
afterAll(async () => {
  for (const step of cleanUp.reverse()) await step();
});

test('what Hardhat compiles is to the byte what a start deploys', async () => {
  const generated = {
    MockToken: mockTokenBytecode,
    Treasury: treasuryBytecode,
    BetBook: betBookBytecode,
  };
  const differing: string[] = [];
  for (const [name, bytecode] of Object.entries(generated)) {
    const path = join(ROOT, `artifacts/contracts/${name}.sol/${name}.json`);
    const artifact = JSON.parse(await readFile(path, 'utf8')) as { bytecode: Hex };
    if (artifact.bytecode !== bytecode) differing.push(name);
  }
  expect(differing).toEqual([]);
});

test('on chain id 31337: a mock token, Treasury and BetBook', { timeout }, async () => {
  const { url, client } = await startNode([], 31337);
  const { token, treasury, betBook } = await ignite(url, 'CroupierWithMockToken', {
    decimals: 18,
    noticeS: NOTICE_S,
  });
  const read = { abi: [...mockTokenAbi, ...treasuryAbi, ...betBookAbi] } as const;
  expect(await client.readContract({ ...read, address: token, functionName: 'decimals' })).toBe(18);
  expect(await client.readContract({ ...read, address: treasury, functionName: 'token' })).toBe(
    token,
  );
  expect(await client.readContract({ ...read, address: betBook, functionName: 'treasury' })).toBe(
    treasury,
  );
  expect(await client.readContract({ ...read, address: betBook, functionName: 'noticeS' })).toBe(
    NOTICE_S,
  );
});

test('on chain id 31829: an operator with a bank, the same as a start registers', {
  timeout,
}, async () => {
  const { url, client } = await startNode(['--network', 'croupier'], 31829);
  const wallet = createWalletClient({
    account: devAccount,
    chain: client.chain,
    transport: http(url),
  });
  const clients = { walletClient: wallet, publicClient: client, receiptTimeoutMs: 10_000 };
  const ours = await deployContracts({ ...clients, noticeS: NOTICE_S, token: { mockDecimals: 2 } });
  await registerAndFund({
    ...clients,
    contracts: ours,
    shards: SHARDS,
    executors: EXECUTORS,
    guardian: GUARDIAN,
    bankrollUnits: 1n,
    limits: LIMITS,
  });

  const { betBook } = await ignite(url, 'Croupier', { token: ours.token, noticeS: NOTICE_S });
  await ignite(url, 'Operator', {
    betBook,
    shards: SHARDS,
    executors: EXECUTORS,
    guardian: GUARDIAN,
    ...LIMITS,
  });

  expect(betBook.toLowerCase()).not.toBe(ours.betBook);
  const theirs = await factsOf(client, betBook);
  expect(theirs.limits.maxPayout).toBe(LIMITS.maxPayoutUnits);
  expect(theirs.executors).toEqual(EXECUTORS.map(() => true));
  expect(theirs).toEqual(await factsOf(client, ours.betBook));
});

/** What the getters of a BetBook with one operator and one bank say, but for addresses and money. */
async function factsOf(client: PublicClient<Transport, Chain>, address: Address) {
  const contract = { abi: betBookAbi, address } as const;
  const { timestamp } = await client.getBlock();
  const executors: boolean[] = [];
  for (const executor of EXECUTORS) {
    const args = [1, executor] as const;
    const readyAt = await client.readContract({
      ...contract,
      functionName: 'executorReadyAt',
      args,
    });
    executors.push(readyAt !== 0 && readyAt <= timestamp);
  }
  const bank = await client.readContract({ ...contract, functionName: 'bank', args: [1] });
  return {
    noticeS: await client.readContract({ ...contract, functionName: 'noticeS' }),
    operator: await client.readContract({
      ...contract,
      functionName: 'operator',
      args: [devAccount.address],
    }),
    executors,
    bank: { ...bank, bankroll: undefined },
    limits: await client.readContract({ ...contract, functionName: 'limits', args: [1] }),
  };
}

/** Runs `hardhat node` on a free port. */
async function startNode(args: readonly string[], chainId: number): Promise<HardhatNode> {
  const child = spawn(
    process.execPath,
    [HARDHAT, 'node', '--hostname', '127.0.0.1', '--port', '0', ...args],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const closed = once(child, 'close');
  cleanUp.push(async () => {
    child.kill();
    await closed;
  });
  const url = await listeningUrl(child);
  // The node prints every request: what nobody reads would stop it.
  child.stdout.resume();
  const chain = defineChain({
    id: chainId,
    name: 'test',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  const client = createPublicClient({ chain, transport: http(url) });
  expect(await client.getChainId()).toBe(chainId);
  return { url, client };
}

async function listeningUrl(child: ChildProcess & { stdout: Readable }): Promise<string> {
  for await (const line of createInterface({
    input: child.stdout,
    signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
  })) {
    const url = /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
    if (url !== undefined) return url;
  }
  throw new Error('got the end of `hardhat node`, expected its address');
}

/** Runs `hardhat ignition deploy` and answers with the addresses that it wrote down, by name. */
async function ignite(
  url: string,
  module: string,
  parameters: Record<string, unknown>,
): Promise<Record<'token' | 'treasury' | 'betBook', Address>> {
  const id = `test-${module}-${new URL(url).port}`;
  const folder = join(ROOT, 'contracts/ignition/deployments', id);
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const text = JSON.stringify({ [module]: parameters }, (_, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
  const path = `contracts/ignition/modules/${module}.ts`;
  await hardhat(
    ['ignition', 'deploy', path, '--network', 'live', '--deployment-id', id, '--parameters', text],
    { CHAIN_RPC_URL: url, CROUPIER_DEPLOYER_KEY: DEV_KEY },
    COMMAND_TIMEOUT_MS,
  );
  const deployed = JSON.parse(await readFile(join(folder, 'deployed_addresses.json'), 'utf8'));
  return {
    token: deployed[`${module}#MockToken`],
    treasury: deployed[`${module}#Treasury`],
    betBook: deployed[`${module}#BetBook`],
  };
}

/** Rejects, with what the command printed, when it fails or takes too long. */
async function hardhat(
  args: readonly string[],
  env: Record<string, string>,
  timeoutMs: number,
): Promise<void> {
  await promisify(execFile)(process.execPath, [HARDHAT, ...args], {
    cwd: ROOT,
    timeout: timeoutMs,
    env: { ...process.env, HARDHAT_IGNITION_CONFIRM_DEPLOYMENT: 'false', ...env },
  });
}
