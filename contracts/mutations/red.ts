import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KILLERS, type Killer } from './mutation.ts';

/** A bug may make a loop endless. Then the test did not pass. */
const TEST_TIMEOUT_MS = 300_000;
const BUILD_TIMEOUT_MS = 1_200_000;
/** Shorter than in `npm test`, and from one seed: a mutation is found again by the same steps. */
const CAMPAIGN = {
  CROUPIER_SEED: 'mutations',
  CROUPIER_INVARIANT_RUNS: '48',
  CROUPIER_FUZZ_RUNS: '256',
};
/** The campaign takes the code of these from Hardhat's artifacts. */
const DEPLOYED_BY_CAMPAIGN = [
  'contracts/MockToken.sol',
  'contracts/Treasury.sol',
  'contracts/BetBook.sol',
  'contracts/reference/PlainBetBook.sol',
  'contracts/test/campaign/Handler.t.sol',
];
const HARDHAT = 'node_modules/hardhat/dist/src/cli.js';
const REPORT = 'mutation-report.json';

/** The first test that fails. */
export interface Red {
  /** Below the repository. */
  readonly file: string;
  readonly test: string;
}

/** Whether a killer is one of the Solidity tests. */
export const isCampaign = (killer: Killer): boolean => killer.startsWith('campaign/');

export const fileOf = (killer: Killer): string =>
  `contracts/test/${killer}${isCampaign(killer) ? '.t.sol' : '.test.ts'}`;

/**
 * Runs one test file in a copy of the repository until something fails.
 * @param signal Ends the tests.
 */
export async function runTest(
  folder: string,
  killer: Killer,
  signal: AbortSignal,
): Promise<Red | undefined> {
  const file = fileOf(killer);
  if (isCampaign(killer)) {
    const { failed, output } = await run(
      folder,
      [HARDHAT, 'test', 'solidity', '--no-compile', file],
      signal,
    );
    if (!failed) return undefined;
    return { file, test: campaignTestOf(output) };
  }
  const report = join(folder, REPORT);
  await rm(report, { force: true });
  const { failed } = await run(
    folder,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--bail=1',
      '--reporter=json',
      `--outputFile=${report}`,
      file,
    ],
    signal,
  );
  if (!failed) return undefined;
  return { file, test: await failedTestOf(report) };
}

/** Compiles what the campaign runs on, and nothing else. */
export async function buildCampaign(folder: string, signal: AbortSignal): Promise<void> {
  const files = [...KILLERS.filter(isCampaign).map(fileOf), ...DEPLOYED_BY_CAMPAIGN];
  const { failed, output } = await run(
    folder,
    [HARDHAT, 'build', ...files],
    signal,
    BUILD_TIMEOUT_MS,
  );
  if (failed) throw new Error(output);
}

async function run(
  folder: string,
  args: readonly string[],
  signal: AbortSignal,
  timeoutMs = TEST_TIMEOUT_MS,
): Promise<{ failed: boolean; output: string }> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, ...CAMPAIGN, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that all of its processes end with it.
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const end = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener('abort', end);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    return { failed: code !== 0, output };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

async function failedTestOf(report: string): Promise<string> {
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return 'takes too long';
  const { testResults } = JSON.parse(text) as Report;
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find(({ status }) => status === 'failed');
  return failed?.fullName.trim() ?? 'before the first test';
}

/** The test and, of an invariant, which. */
function campaignTestOf(output: string): string {
  const [, test] = /(?:✘|\d+\)) (\w+)\(/.exec(output) ?? [];
  const [, violated] = /(Violated\(\d+, [^)]*\)|Differ\()/.exec(output) ?? [];
  return [test ?? 'setUp', violated?.replace('Differ(', 'Differ')].filter(Boolean).join(': ');
}
