// `npm run coverage`: runs all Solidity tests on instrumented contracts and fails unless each line
// of the production contracts is covered, or named with its reason in `named.ts`.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createHardhatRuntimeEnvironment } from 'hardhat/hre';
import config from '../../hardhat.config.ts';
import { compareWithNamed, readLcov } from './lines.ts';
import { namedLines } from './named.ts';

const root = join(import.meta.dirname, '../..');
const lcovPath = join(root, 'coverage/lcov.info');

// Hardhat looks for the sources in the working directory.
process.chdir(root);
rmSync(lcovPath, { force: true });
const hre = await createHardhatRuntimeEnvironment(
  {
    ...config,
    // Kept apart: what it compiles here counts its statements.
    paths: { ...config.paths, cache: 'coverage/cache', artifacts: 'coverage/artifacts' },
    // Numbers do not reach more lines here: the tests that do are no random ones, or long enough.
    test: { solidity: { fuzz: { runs: 16 }, invariant: { runs: 2, depth: 50 } } },
  },
  { coverage: true },
  root,
);
const tests = await hre.tasks.getTask(['test', 'solidity']).run({});
if (tests.success !== true) {
  console.error('coverage: a test failed');
  process.exit(1);
}

const { lines, uncovered } = readLcov(readFileSync(lcovPath, 'utf8'), (file) =>
  readFileSync(join(root, file), 'utf8'),
);
const { missing, needless } = compareWithNamed(uncovered, namedLines);
for (const { file, lineNo, text } of missing)
  console.error(`not covered: ${file}:${lineNo} ${text}`);
for (const { file, text } of needless) console.error(`named, but covered or gone: ${file} ${text}`);
const covered = lines - uncovered.length;
console.log(`coverage: ${covered} of ${lines} lines, ${uncovered.length - missing.length} named`);
process.exitCode = missing.length === 0 && needless.length === 0 ? 0 : 1;
