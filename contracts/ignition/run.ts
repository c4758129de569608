import { setTimeout } from 'node:timers/promises';
import {
  type ArtifactResolver,
  type DeploymentResult,
  DeploymentResultType,
  deploy,
  type EIP1193Provider,
  type IgnitionModule,
  type IgnitionModuleResult,
  type ModuleParameters,
  type SuccessfulDeploymentResult,
} from '@nomicfoundation/ignition-core';
import { type Address, BaseError, type Hash, hexToBigInt, hexToNumber } from 'viem';
import { CroupierError } from '../../platform/errors.ts';
import type { DeployClients } from '../deploy.ts';
import { betBookAbi, betBookBytecode } from '../generated/betBook.ts';
import { mockTokenAbi, mockTokenBytecode } from '../generated/mockToken.ts';
import { treasuryAbi, treasuryBytecode } from '../generated/treasury.ts';

const POLL_MS = 50;

const compiled: Readonly<Record<string, { readonly abi: readonly object[]; bytecode: string }>> = {
  MockToken: { abi: mockTokenAbi, bytecode: mockTokenBytecode },
  Treasury: { abi: treasuryAbi, bytecode: treasuryBytecode },
  BetBook: { abi: betBookAbi, bytecode: betBookBytecode },
};

export interface ModuleRun<Name extends string> {
  /** Of the module's results, in lower case. */
  readonly addresses: Readonly<Record<Name, Address>>;
  /** Of the transaction sent last. */
  readonly lastHash: Hash;
}

/**
 * Runs an Ignition module from the beginning, as the wallet's account, over the contracts that
 * `compile.ts` generated. Keeps no journal: a run that fails is not resumed.
 * @throws CroupierError `DEPLOYMENT_FAILED` (final) with what failed and why, `DEPLOYMENT_TIMEOUT`
 * (retryable) when a transaction does not land within `receiptTimeoutMs`; viem's own error when the
 * node cannot be reached
 */
export async function runModule<Results extends IgnitionModuleResult<string>>(
  clients: DeployClients,
  module: IgnitionModule<string, string, Results>,
  parameters: ModuleParameters,
): Promise<ModuleRun<keyof Results & string>> {
  const { provider, hashes } = createProvider(clients);
  const sender = clients.walletClient.account.address;
  await waitUntilQuiet(provider, sender);
  const result = await deploy({
    artifactResolver,
    provider,
    ignitionModule: module,
    deploymentParameters: { [module.id]: parameters },
    accounts: [sender],
    config: {
      blockPollingInterval: POLL_MS,
      requiredConfirmations: 1,
      // The provider's deadline comes first.
      disableFeeBumping: true,
      timeBeforeBumpingFees: 2 * clients.receiptTimeoutMs,
    },
  }).catch((error: unknown) => {
    // Such as for a transaction that somebody else sent meanwhile.
    const byIgnition = error instanceof Error && error.name === 'HardhatError';
    throw byIgnition ? failed(error.message, error) : error;
  });
  if (result.type !== DeploymentResultType.SUCCESSFUL_DEPLOYMENT) {
    throw failed(reasonsOf(result));
  }
  const addresses = Object.entries(module.results).map(([name, future]) => {
    const address = result.contracts[future.id]?.address;
    if (address === undefined) throw failed(`no address of ${future.id}`);
    return [name, address.toLowerCase()];
  });
  const lastHash = hashes.at(-1);
  if (lastHash === undefined) throw failed('no transaction');
  return { addresses: Object.fromEntries(addresses), lastHash };
}

const artifactResolver: ArtifactResolver = {
  async loadArtifact(contractName) {
    const contract = compiled[contractName];
    if (contract === undefined) throw failed(`no contract ${contractName}`);
    return {
      _format: 'hh3-artifact-1',
      contractName,
      sourceName: `contracts/${contractName}.sol`,
      abi: [...contract.abi],
      bytecode: contract.bytecode,
      deployedBytecode: '0x',
      linkReferences: {},
      deployedLinkReferences: {},
    };
  },
  getBuildInfo: async () => undefined,
};

interface TransactionRequest {
  readonly data: `0x${string}`;
  readonly to?: Address;
  readonly value: `0x${string}`;
  readonly nonce: `0x${string}`;
  readonly gas: `0x${string}`;
  readonly maxFeePerGas?: `0x${string}`;
  readonly maxPriorityFeePerGas?: `0x${string}`;
  readonly gasPrice?: `0x${string}`;
}

/** Signs with the wallet's own account, which the node need not know; passes on everything else. */
function createProvider(clients: DeployClients): { provider: EIP1193Provider; hashes: Hash[] } {
  const { walletClient, publicClient, receiptTimeoutMs } = clients;
  const hashes: Hash[] = [];
  let sentAtMs = performance.now();
  const pass = publicClient.request as EIP1193Provider['request'];
  return {
    hashes,
    provider: {
      async request(args) {
        // Ignition's own time-out is only looked at when a block comes, and none may come.
        if (performance.now() - sentAtMs > receiptTimeoutMs) throw timedOut(hashes, clients);
        if (args.method !== 'eth_sendTransaction') return pass(args).catch(rethrowPlainly);
        const [wanted] = args.params as readonly [TransactionRequest];
        const hash = await walletClient.sendTransaction({
          ...(wanted.to && { to: wanted.to }),
          data: wanted.data,
          value: hexToBigInt(wanted.value),
          nonce: hexToNumber(wanted.nonce),
          gas: hexToBigInt(wanted.gas),
          ...feesOf(wanted),
        });
        sentAtMs = performance.now();
        hashes.push(hash);
        return hash;
      },
    },
  };
}

function feesOf(wanted: TransactionRequest) {
  if (wanted.gasPrice !== undefined) return { gasPrice: hexToBigInt(wanted.gasPrice) };
  return {
    maxFeePerGas: hexToBigInt(wanted.maxFeePerGas ?? '0x0'),
    maxPriorityFeePerGas: hexToBigInt(wanted.maxPriorityFeePerGas ?? '0x0'),
  };
}

/** Ignition reads the reason of a revert from the node's own error, which viem wraps. */
function rethrowPlainly(error: unknown): never {
  const plain =
    error instanceof BaseError
      ? error.walk((cause) => cause instanceof Error && 'data' in cause)
      : null;
  throw plain ?? error;
}

/** Ignition refuses to start while its account has transactions that have not landed. */
async function waitUntilQuiet(provider: EIP1193Provider, sender: Address): Promise<void> {
  const count = (tag: string): Promise<string> =>
    provider.request({ method: 'eth_getTransactionCount', params: [sender, tag] });
  while ((await count('pending')) !== (await count('latest'))) await setTimeout(POLL_MS);
}

function timedOut(hashes: readonly Hash[], { receiptTimeoutMs }: DeployClients): CroupierError {
  return new CroupierError({
    code: 'DEPLOYMENT_TIMEOUT',
    errorClass: 'retryable',
    message:
      `got no receipt within ${receiptTimeoutMs} ms, expected one of ` +
      `${hashes.at(-1) ?? "the account's earlier transactions"}`,
  });
}

function reasonsOf(result: Exclude<DeploymentResult, SuccessfulDeploymentResult>): string {
  const reasons =
    result.type === DeploymentResultType.EXECUTION_ERROR
      ? result.failed.map(({ futureId, error }) => `${futureId}: ${error}`)
      : Object.entries(result.errors).map(([futureId, errors]) => `${futureId}: ${errors}`);
  return `${result.type} (${reasons.join('; ')})`;
}

function failed(got: string, cause?: Error): CroupierError {
  return new CroupierError({
    code: 'DEPLOYMENT_FAILED',
    errorClass: 'final',
    message: `got ${got}, expected a deployment`,
    cause,
  });
}
