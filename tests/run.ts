// `npm test`: types and lint, then every test that can run on this machine, Solidity's first, then one
// summary line. What is named after `--` runs alone: files that end in .t.sol by Hardhat, all else is
// vitest's.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileContracts } from '../contracts/compile.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const root = join(import.meta.dirname, '..');
const reportFolder = mkdtempSync(join(tmpdir(), 'croupier-test-'));
const solidityReport = join(reportFolder, 'solidity.json');
const vitestReport = join(reportFolder, 'vitest.json');

const counts = { passed: 0, failed: 0, skipped: 0 };

function run(name: string, args: readonly string[]): boolean {
  process.stdout.write(`\n— ${name}\n`);
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  return result.status === 0;
}

function count({ passed, failed, skipped }: Counts): void {
  counts.passed += passed;
  counts.failed += failed;
  counts.skipped += skipped;
}

function countStep(green: boolean): void {
  count({ passed: green ? 1 : 0, failed: green ? 0 : 1, skipped: 0 });
}

/** Counts what a step wrote down. A report that cannot be read, or tells of no test, is a failure. */
function countReport(green: boolean, read: () => Counts): void {
  let report: Counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    report = read();
  } catch (error) {
    process.stdout.write(`the report cannot be read: ${error}\n`);
  }
  const { passed, failed, skipped } = report;
  const readable = passed + failed + skipped > 0;
  if (readable) count(report);
  // A file that does not load or compile has no test of its own to fail.
  if (!readable || (!green && failed === 0)) countStep(false);
}

// The types of what only tests deploy are generated too.
await compileContracts({ tests: true });

countStep(run('types', ['node_modules/typescript/bin/tsc', '-p', '.']));
countStep(
  run('lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']),
);

const named = process.argv.slice(2);
const solidityFiles = named.filter((arg) => arg.endsWith('.t.sol'));
const vitestArgs = named.filter((arg) => !arg.endsWith('.t.sol'));

if (named.length === 0 || solidityFiles.length > 0) {
  const green = run('Solidity tests', ['tests/solidity.ts', solidityReport, ...solidityFiles]);
  countReport(green, () => JSON.parse(readFileSync(solidityReport, 'utf8')) as Counts);
}

if (named.length === 0 || vitestArgs.length > 0) {
  const green = run('tests', [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${vitestReport}`,
    ...vitestArgs,
  ]);
  countReport(green, () => {
    const report = JSON.parse(readFileSync(vitestReport, 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
      numPendingTests: number;
      numTodoTests: number;
    };
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  });
}
rmSync(reportFolder, { recursive: true, force: true });

process.stdout.write(
  `\ntests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
);
process.exitCode = counts.failed === 0 && counts.passed > 2 ? 0 : 1;
