// `npm run test:deep`: the tests with random input, again and again with larger numbers, until the time
// is over. Each round has a seed of its own. The first that fails ends it, and can be repeated alone.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileContracts } from '../contracts/compile.ts';

const SEED_END = 2 ** 31;
const MINUTES = 30;
/** Of a round, which takes some minutes: longer histories than in `npm test`, more inputs. */
const NUMBERS = {
  CROUPIER_FUZZ_RUNS: '2000',
  CROUPIER_INVARIANT_RUNS: '64',
  CROUPIER_INVARIANT_DEPTH: '500',
};
/** Solidity tests with random input; the others say the same every time. */
const RANDOM_SOLIDITY = '^(testFuzz|invariant)_';
/** TypeScript tests that take their seed from CROUPIER_TEST_SEED and need nothing but a chain or a store. */
const RANDOM_TYPESCRIPT = [
  'contracts/encoding',
  'contracts/test/replay.test.ts',
  'ledger/accountCache.test.ts',
  'ledger/model.test.ts',
];

const first = numberOf('CROUPIER_SEED', Math.floor(Math.random() * SEED_END), 0, SEED_END);
const minutes = numberOf('CROUPIER_DEEP_MINUTES', MINUTES, 1, 10_000);
const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'croupier-deep-'));
const logPath = join(folder, 'log');
const reportPath = join(folder, 'report.json');

/** A whole number from the environment in [from, end). */
function numberOf(variable: string, usual: number, from: number, end: number): number {
  const value = Number(process.env[variable] ?? usual);
  if (Number.isSafeInteger(value) && value >= from && value < end) return value;
  throw new Error(
    `got ${variable}=${process.env[variable]}, expected a whole number from ${from} to ${end - 1}`,
  );
}

/** Prints what the process said only when it fails. */
function run(args: readonly string[], seed: number): boolean {
  const log = openSync(logPath, 'w');
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...NUMBERS, CROUPIER_SEED: `${seed}`, CROUPIER_TEST_SEED: `${seed}` },
  });
  closeSync(log);
  if (status !== 0) process.stdout.write(readFileSync(logPath, 'utf8'));
  return status === 0;
}

/** How many Solidity tests passed; undefined when one failed or nothing ran. */
function runSolidity(seed: number): number | undefined {
  if (!run(['tests/solidity.ts', reportPath, '--grep', RANDOM_SOLIDITY], seed)) return undefined;
  const { passed } = JSON.parse(readFileSync(reportPath, 'utf8')) as { passed: number };
  return passed > 0 ? passed : undefined;
}

function runTypeScript(seed: number): boolean {
  return run(['node_modules/vitest/vitest.mjs', 'run', ...RANDOM_TYPESCRIPT], seed);
}

const startMs = performance.now();
const minutesGone = (): string => ((performance.now() - startMs) / 60_000).toFixed(1);

await compileContracts({ tests: true });
process.stdout.write(`seed ${first}, rounds are begun for ${minutes} minutes\n`);
let failed = false;
for (let round = 0; !failed && performance.now() - startMs < minutes * 60_000; round++) {
  const seed = (first + round) % SEED_END;
  const solidity = runSolidity(seed);
  failed = solidity === undefined || !runTypeScript(seed);
  process.stdout.write(
    failed
      ? `round ${round + 1} failed with seed ${seed}; to repeat it alone:\n` +
          `CROUPIER_SEED=${seed} CROUPIER_DEEP_MINUTES=1 npm run test:deep\n`
      : `round ${round + 1}, seed ${seed}: ${solidity} Solidity tests and the TypeScript ones ` +
          `passed; ${minutesGone()} of ${minutes} minutes\n`,
  );
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
