// Runs on whatever Node (18 or newer) the machine has: installs what is missing, then hands over to
// the project's own Node 24. `node cli/bootstrap.mjs FILE.ts ARGS…`
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const node = join(root, 'node_modules', 'node', 'bin', 'node');
const stampPath = join(root, 'node_modules', '.croupier-installed');

/** Ends with one sentence. 69 is EX_UNAVAILABLE of sysexits.h. */
function refuse(sentence) {
  process.stderr.write(`croupier: ${sentence}\n`);
  process.exit(69);
}

function checkPlatform() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 18) refuse(`Node 18 or newer is needed to install, this is ${process.version}.`);
  const platform = `${process.platform}-${process.arch}`;
  const supported = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];
  if (!supported.includes(platform)) {
    refuse(
      `got the platform ${platform}, expected one of ${supported.join(', ')} (on Windows, use WSL).`,
    );
  }
  if (process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime) {
    refuse(
      'got a Linux without glibc (such as Alpine), expected one with it: the ClickHouse engine needs glibc.',
    );
  }
}

/** Changes whenever what must be installed changes. */
function wantedStamp() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256')
    .update(lock)
    .update(process.platform + process.arch)
    .digest('hex');
}

function install() {
  const stamp = wantedStamp();
  if (existsSync(node) && existsSync(stampPath) && readFileSync(stampPath, 'utf8') === stamp)
    return;
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const version = lock.packages['node_modules/node'].version;
  process.stderr.write(
    `Installing Node ${version} and the dependencies into node_modules (about 1.1 GB on disk, once) …\n`,
  );
  // npm decides by the Node it runs on which optional binaries fit, so it must run on Node 24.
  const result = spawnSync(
    'npx',
    ['-y', '-p', `node@${version}`, 'npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: root, stdio: ['ignore', 2, 2] },
  );
  if (result.error)
    refuse(`npx could not be run (${result.error.message}): npm must be installed.`);
  if (result.status !== 0 || !existsSync(node)) {
    refuse(
      `the installation failed (npm ci, exit ${result.status}); its own message stands above.`,
    );
  }
  writeFileSync(stampPath, stamp);
}

checkPlatform();
install();

const [script, ...args] = process.argv.slice(2);
const compiled = spawnSync(node, [join(root, 'contracts', 'compile.ts')], {
  cwd: root,
  stdio: ['ignore', 2, 2],
});
if (compiled.status !== 0) refuse('the contracts could not be compiled; the message stands above.');

const child = spawn(node, [join(root, script), ...args], { stdio: 'inherit' });
// Ctrl-C reaches the child by itself (same terminal); this process only waits for its clean end.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
