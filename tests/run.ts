// `npm test`: types and lint, then every test that can run on this machine, then one summary line.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const reportFolder = mkdtempSync(join(tmpdir(), 'croupier-test-'));
const reportPath = join(reportFolder, 'report.json');

function run(name: string, args: readonly string[]): boolean {
  process.stdout.write(`\n— ${name}\n`);
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  return result.status === 0;
}

const counts = { passed: 0, failed: 0, skipped: 0 };
const count = (passed: boolean): void => {
  counts[passed ? 'passed' : 'failed'] += 1;
};

count(run('types', ['node_modules/typescript/bin/tsc', '-p', '.']));
count(run('lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.']));

const green = run('tests', [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reportPath}`,
  ...process.argv.slice(2),
]);
try {
  const report = JSON.parse(readFileSync(reportPath, 'utf8')) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
  };
  counts.passed += report.numPassedTests;
  counts.failed += report.numFailedTests;
  counts.skipped += report.numPendingTests + report.numTodoTests;
  // A file that does not load has no test of its own to fail.
  if (!green && report.numFailedTests === 0) counts.failed += 1;
} catch {
  counts.failed += 1;
}
rmSync(reportFolder, { recursive: true, force: true });

process.stdout.write(
  `\ntests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
);
process.exitCode = counts.failed === 0 && counts.passed > 2 ? 0 : 1;
