// The Solidity tests, by Hardhat's own runner, which has no report for machines:
// `node tests/solidity.ts REPORT [--grep PATTERN] [FILE.t.sol …]` writes its counts to REPORT as JSON.
// Without files it runs all of them.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import hre from 'hardhat';
import type { TestRunResult } from 'hardhat/types/test';
import type { Result } from 'hardhat/types/utils';

const { values, positionals } = parseArgs({
  options: { grep: { type: 'string' } },
  allowPositionals: true,
});
const [reportPath, ...testFiles] = positionals;
if (reportPath === undefined) throw new Error('got no path for the report, expected one');

const result: Result<TestRunResult, TestRunResult> = await hre.tasks
  .getTask(['test', 'solidity'])
  // With an index the summary comes back instead of being printed.
  .run({ testFiles, grep: values.grep, testSummaryIndex: 1 });
const { summary } = result.success ? result.value : result.error;
process.stdout.write(summary.failureOutput ?? '');
await writeFile(reportPath, JSON.stringify(summary));
process.exitCode = result.success ? 0 : 1;
