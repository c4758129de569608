import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CroupierError } from '../errors.ts';
import type { DevNodeReport } from './devNodeChild.ts';
import { createRpc } from './rpc.ts';

const HOST = '127.0.0.1';
/** Network `croupier` of hardhat.config.ts. */
const CHAIN_ID = 31829;
const START_TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 5_000;
const CALL_TIMEOUT_MS = 5_000;

export interface DevNode {
  readonly rpcUrl: string;
  readonly wsUrl: string;
  /** Ends the node and waits until it is gone; its chain is lost. */
  close(): Promise<void>;
}

/**
 * Starts a Hardhat node of network `croupier` in a process of its own, on `port` of this machine
 * alone (0: a free one), and resolves once it answers. The node ends with this process, however
 * that dies. What it writes to its standard outputs is appended to `logPath`.
 *
 * @throws CroupierError `PORT_BUSY` (final), `DEV_NODE_FAILED` (final) with the reason
 */
export async function startDevNode(args: { port: number; logPath?: string }): Promise<DevNode> {
  const child = spawnChild(args);
  try {
    const port = await listeningPort(child, args.port);
    const rpcUrl = `http://${HOST}:${port}`;
    const rpc = createRpc({ url: rpcUrl, timeoutMs: CALL_TIMEOUT_MS });
    const chainId = Number(await rpc.call<string>('eth_chainId', []));
    if (chainId !== CHAIN_ID) throw failed(`got chain id ${chainId}, expected ${CHAIN_ID}`);
    return { rpcUrl, wsUrl: `ws://${HOST}:${port}`, close: () => end(child) };
  } catch (error) {
    await end(child);
    throw error;
  }
}

function spawnChild(args: { port: number; logPath?: string }): ChildProcess {
  const log = args.logPath === undefined ? undefined : openSync(args.logPath, 'a', 0o600);
  try {
    return spawn(
      process.execPath,
      [fileURLToPath(new URL('devNodeChild.ts', import.meta.url)), HOST, String(args.port)],
      {
        env: {
          ...process.env,
          HARDHAT_CONFIG: fileURLToPath(new URL('../../hardhat.config.ts', import.meta.url)),
        },
        // The last one is the channel by which the node notices the end of this process.
        stdio: ['ignore', log ?? 'ignore', log ?? 'ignore', 'ipc'],
      },
    );
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

async function listeningPort(child: ChildProcess, wantedPort: number): Promise<number> {
  const settled = new AbortController();
  const { signal } = settled;
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
  try {
    const report = await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as DevNodeReport),
      once(child, 'exit', { signal }).then(([code, killSignal]): DevNodeReport => {
        return { code: 'EXIT', reason: `got an exit (${code ?? killSignal}), expected a port` };
      }),
      once(timeout, 'abort', { signal }).then((): DevNodeReport => {
        return { code: 'TIMEOUT', reason: `got no port within ${START_TIMEOUT_MS} ms` };
      }),
    ]);
    if ('port' in report) return report.port;
    throw report.code === 'EADDRINUSE' ? portBusy(wantedPort) : failed(report.reason);
  } finally {
    settled.abort();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
  await exited;
  clearTimeout(kill);
}

function portBusy(port: number): CroupierError {
  return new CroupierError({
    code: 'PORT_BUSY',
    errorClass: 'final',
    message: `got port ${port}, which another process is using, expected a free one for the chain`,
    details: { port },
  });
}

function failed(reason: string): CroupierError {
  return new CroupierError({
    code: 'DEV_NODE_FAILED',
    errorClass: 'final',
    message: `the Hardhat node did not start: ${reason}`,
  });
}
