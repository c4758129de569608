import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../clock.ts';
import { CroupierError } from '../errors.ts';
import {
  type ChdbAnswer,
  type ChdbFailure,
  type ChdbMessage,
  type ChdbWork,
  LOCK_WAIT_MS,
} from './chdbProtocol.ts';

const CHILD = fileURLToPath(new URL('./chdbChild.ts', import.meta.url));
const MAX_PENDING = 256;
const START_TIMEOUT_MS = LOCK_WAIT_MS + 10_000;
const CLOSE_TIMEOUT_MS = 10_000;
const MAX_STDERR_CHARS = 2_000;

export type ChdbOutcome =
  | { readonly ok: true; readonly rows: string }
  | { readonly ok: false; readonly failure: ChdbFailure };

export interface ChdbProcess {
  /**
   * @throws CroupierError `WAREHOUSE_GONE`, `WAREHOUSE_TIMEOUT`, `WAREHOUSE_OVERLOADED` (all
   * retryable: whether the work was done is not known), `WAREHOUSE_CLOSED` (final), and what a
   * start throws
   */
  request(work: ChdbWork, limit: RequestLimit): Promise<ChdbOutcome>;
  close(): Promise<void>;
}

export interface RequestLimit {
  readonly timeoutMs: number;
  /** An engine that is late is killed, so that a repetition never runs beside the first try. */
  readonly killWhenLate: boolean;
}

interface Pending {
  settle(outcome: ChdbOutcome): void;
  fail(error: CroupierError): void;
}

interface Running {
  readonly child: ChildProcess;
  readonly pending: Map<number, Pending>;
  readonly exited: Promise<string>;
}

/**
 * Runs the engine of `folder` in a child process. One that died is started anew by the next request.
 *
 * @throws CroupierError `WAREHOUSE_FOLDER_BUSY` (final) when another process holds the folder for
 * longer than ten seconds, `WAREHOUSE_UNUSABLE` (final)
 */
export async function startChdbProcess(args: {
  folder: string;
  clock: Clock;
}): Promise<ChdbProcess> {
  const { folder, clock } = args;
  let current: Promise<Running> | undefined;
  let lastId = 0;
  let closed = false;

  function running(): Promise<Running> {
    if (current) return current;
    const starting = startChild(folder, clock);
    current = starting;
    const forget = () => {
      if (current === starting) current = undefined;
    };
    starting.then(({ exited }) => exited.then(forget), forget);
    return starting;
  }

  async function connected(): Promise<Running> {
    const latest = await running();
    if (latest.child.connected && !latest.child.killed) return latest;
    // It is dead, and the news of its end is still under way.
    await latest.exited;
    return await running();
  }

  async function request(work: ChdbWork, limit: RequestLimit): Promise<ChdbOutcome> {
    if (closed) throw closedError();
    const { child, pending } = await connected();
    if (closed) throw closedError();
    if (pending.size >= MAX_PENDING) throw overloadedError();
    lastId += 1;
    const id = lastId;
    const answered = new AbortController();
    try {
      return await new Promise<ChdbOutcome>((settle, fail) => {
        pending.set(id, { settle, fail });
        send(child, { kind: 'work', id, work }, fail);
        void clock.sleep(limit.timeoutMs, answered.signal).then(() => {
          if (answered.signal.aborted) return;
          fail(timeoutError(limit.timeoutMs));
          if (limit.killWhenLate) child.kill('SIGKILL');
        });
      });
    } finally {
      answered.abort();
      pending.delete(id);
    }
  }

  async function close(): Promise<void> {
    closed = true;
    const { child, exited } = (await current?.catch(() => undefined)) ?? {};
    if (!child || !exited) return;
    const done = new AbortController();
    void clock.sleep(CLOSE_TIMEOUT_MS, done.signal).then(() => {
      if (!done.signal.aborted) child.kill('SIGKILL');
    });
    if (child.connected) send(child, { kind: 'close' }, () => child.kill('SIGKILL'));
    await exited;
    done.abort();
  }

  await running();
  return { request, close };
}

async function startChild(folder: string, clock: Clock): Promise<Running> {
  const child = fork(CHILD, [], {
    cwd: folder,
    // A user's query runs in there: nothing of our environment belongs in its reach.
    env: { UV_THREADPOOL_SIZE: '8', TZ: 'UTC' },
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr = (stderr + chunk).slice(-MAX_STDERR_CHARS);
  });
  const exited = exitOf(child);
  const pending = new Map<number, Pending>();
  const started = new AbortController();
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', (cause) => reject(unusableError(folder, cause.message)));
      child.on('message', (answer: ChdbAnswer) => {
        if (answer.kind === 'ready') resolve();
        else if (answer.kind === 'closed') child.disconnect();
        else if (answer.kind === 'unusable') reject(startError(folder, answer.reason, stderr));
        else if (answer.kind === 'done')
          pending.get(answer.id)?.settle({ ok: true, rows: answer.rows });
        else pending.get(answer.id)?.settle({ ok: false, failure: answer.failure });
      });
      void exited.then((how) => {
        reject(startError(folder, `it ended with ${how}`, stderr));
        for (const request of pending.values()) request.fail(goneError(how));
      });
      void clock.sleep(START_TIMEOUT_MS, started.signal).then(() => {
        if (!started.signal.aborted) reject(startError(folder, 'no answer', stderr));
      });
    });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    started.abort();
  }
  return { child, pending, exited };
}

/** How it ended, once it has and all it wrote is read ('close' does not come after disconnect()). */
async function exitOf(child: ChildProcess): Promise<string> {
  const written = new Promise<void>((resolve) => child.stderr?.once('close', () => resolve()));
  const how = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`)),
  );
  await written;
  return await how;
}

function send(child: ChildProcess, message: ChdbMessage, fail: (error: CroupierError) => void) {
  child.send(message, (error) => {
    if (error) fail(goneError(error.message));
  });
}

function startError(folder: string, reason: string, stderr: string): CroupierError {
  if (!stderr.includes('Cannot lock file')) return unusableError(folder, `${reason}. ${stderr}`);
  return new CroupierError({
    code: 'WAREHOUSE_FOLDER_BUSY',
    errorClass: 'final',
    message: `got the warehouse folder ${folder}, which another process held for ${LOCK_WAIT_MS} ms, expected a free one`,
    details: { folder },
  });
}

function unusableError(folder: string, reason: string): CroupierError {
  return new CroupierError({
    code: 'WAREHOUSE_UNUSABLE',
    errorClass: 'final',
    message: `got no engine in the warehouse folder ${folder}, expected it to start: ${reason}`,
    details: { folder },
  });
}

function goneError(how: string): CroupierError {
  return new CroupierError({
    code: 'WAREHOUSE_GONE',
    errorClass: 'retryable',
    message: `got the end of the engine's process (${how}), expected an answer`,
  });
}

function timeoutError(timeoutMs: number): CroupierError {
  return new CroupierError({
    code: 'WAREHOUSE_TIMEOUT',
    errorClass: 'retryable',
    message: `got no answer from the engine, expected one within ${timeoutMs} ms`,
  });
}

function overloadedError(): CroupierError {
  return new CroupierError({
    code: 'WAREHOUSE_OVERLOADED',
    errorClass: 'retryable',
    message: `got a request beside ${MAX_PENDING} others, expected fewer at once`,
  });
}

function closedError(): CroupierError {
  return new CroupierError({
    code: 'WAREHOUSE_CLOSED',
    errorClass: 'final',
    message: 'got a request after close(), expected none',
  });
}
