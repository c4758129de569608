import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Summary } from '../cli/dev.ts';
import type { CrashPoint } from '../platform/crash.ts';

const MAIN = join(import.meta.dirname, '..', 'cli', 'main.ts');

/** How a run of the command ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CroupierProcess {
  readonly child: ChildProcess;
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ended>;
  /** Resolves once stdout or stderr holds the text; rejects when the process ends before. */
  prints(text: string | RegExp): Promise<string>;
}

/** Starts the command with these arguments, killed at `crash` if one is named. */
export function startCroupier(
  args: readonly string[],
  crash?: { point: CrashPoint; pass: number },
): CroupierProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...(crash ? { CROUPIER_CRASH: `${crash.point}:${crash.pass}` } : {}),
    },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }));
  return {
    child,
    ended,
    prints: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const printed = stdout + stderr;
          if (typeof text === 'string' ? printed.includes(text) : text.test(printed))
            resolve(printed);
        };
        child.stdout?.on('data', look);
        child.stderr?.on('data', look);
        void ended.then(({ code, signal }) =>
          reject(
            new Error(`ended (${code ?? signal}) before it printed ${text}:\n${stdout}${stderr}`),
          ),
        );
        look();
      }),
  };
}

/** The arguments of a run that plays `bets` on a chain of its own process. */
export function playArgs(args: {
  chain: { rpcUrl: string; wsUrl: string };
  dataFolder: string;
  bets: number;
}): string[] {
  const { chain, dataFolder, bets } = args;
  return [
    ...['--rpc', chain.rpcUrl, '--ws', chain.wsUrl, '--bets', String(bets)],
    ...['--json', '--data', dataFolder, '--port', '0'],
  ];
}

/** Runs the command to its end. */
export function runCroupier(args: readonly string[]): Promise<Ended> {
  return startCroupier(args).ended;
}

/** The summary that a run with `--bets N --json` printed last. */
export function summaryOf(ended: Ended): Summary {
  const last = ended.stdout.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(last) as Summary;
  } catch {
    throw new Error(
      `no summary (exit ${ended.code ?? ended.signal}):\n${ended.stdout}${ended.stderr}`,
    );
  }
}

/** Expects that all `bets` landed, are final in every store and agree with the record. */
export function expectWhole(ended: Ended, bets: number): void {
  expect(summaryOf(ended), ended.stderr).toMatchObject({
    accepted: bets,
    landed: bets,
    rejected: 0,
    final: bets,
    warehouse: bets,
    bus: bets,
    mirrored: bets,
    mismatches: 0,
  });
  expect(ended.code).toBe(0);
}

/** Rows of a query on the warehouse of a data folder. */
export async function sqlRows(
  dataFolder: string,
  query: string,
): Promise<Record<string, unknown>[]> {
  const ended = await runCroupier(['sql', query, '--json', '--data', dataFolder]);
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout);
}

/** A data folder for one test, removed at its end. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'croupier-'));
  return {
    path,
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}
