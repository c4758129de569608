import fs from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { CroupierError } from './errors.ts';

const LOCK_FILE = 'lock.sqlite';
const PROCESS_FILE = 'process.json';
/** SQLite's result code for a file that another connection holds. */
const SQLITE_BUSY = 5;

/** How a command reaches the process that holds the data folder. */
export interface RunningProcess {
  readonly url: string;
  /** Operator token: whoever reads it administers the process. */
  readonly token: string;
  readonly pid: number;
}

const runningProcess = z.object({ url: z.url(), token: z.string().min(1), pid: z.int() });

export interface DataFolderLock {
  /** Removes the process file and lets the folder go. */
  release(): Promise<void>;
}

/**
 * Makes the data folder if it is missing and holds it for this process. The death of the process,
 * however it dies, lets it go. What an earlier holder left in the process file is removed.
 *
 * @throws CroupierError `DATA_FOLDER_BUSY` (final) while a process holds it,
 * `DATA_FOLDER_UNUSABLE` (final) when it cannot be made or written
 */
export async function lockDataFolder(folder: string): Promise<DataFolderLock> {
  const connection = await openLock(folder);
  try {
    takeLock(connection);
  } catch (error) {
    connection.close();
    throw isBusy(error) ? await busyError(folder) : unusableError(folder, error);
  }
  await fs.rm(path.join(folder, PROCESS_FILE), { force: true });
  let released = false;
  return {
    async release() {
      if (released) return;
      released = true;
      await fs.rm(path.join(folder, PROCESS_FILE), { force: true });
      connection.close();
    },
  };
}

async function openLock(folder: string): Promise<DatabaseSync> {
  try {
    // The folder holds secrets of providers and keys: nobody else on the machine may read it.
    await fs.mkdir(folder, { recursive: true, mode: 0o700 });
    return new DatabaseSync(path.join(folder, LOCK_FILE), { timeout: 0 });
  } catch (error) {
    throw unusableError(folder, error);
  }
}

function takeLock(connection: DatabaseSync): void {
  connection.exec('PRAGMA locking_mode = EXCLUSIVE');
  // The transaction takes the lock; in this mode its end does not let it go.
  connection.exec('BEGIN EXCLUSIVE');
  connection.exec('COMMIT');
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

async function busyError(folder: string): Promise<CroupierError> {
  const holder = await readProcessFile(folder);
  const who = holder ? ` (process ${holder.pid}, ${holder.url})` : '';
  return new CroupierError({
    code: 'DATA_FOLDER_BUSY',
    errorClass: 'final',
    message: `got the data folder ${folder}, which another process${who} is using, expected a free one`,
    details: { folder },
  });
}

function unusableError(folder: string, cause: unknown): CroupierError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CroupierError({
    code: 'DATA_FOLDER_UNUSABLE',
    errorClass: 'final',
    message: `got the data folder ${folder}, expected one that this user can write: ${reason}`,
    details: { folder },
    cause,
  });
}

/** Tells commands how to reach this process. Only the holder of the folder's lock may call it. */
export async function writeProcessFile(folder: string, running: RunningProcess): Promise<void> {
  const file = path.join(folder, PROCESS_FILE);
  // A reader sees the whole file or none.
  const draft = `${file}.new`;
  await fs.rm(draft, { force: true });
  await fs.writeFile(draft, `${JSON.stringify(running)}\n`, { mode: 0o600 });
  await fs.rename(draft, file);
}

/**
 * The process that wrote the file last. After a kill -9 the file outlives it: whether the folder is
 * held is for `lockDataFolder` to say.
 */
export async function readProcessFile(folder: string): Promise<RunningProcess | undefined> {
  const text = await fs
    .readFile(path.join(folder, PROCESS_FILE), 'utf8')
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
  return text === undefined ? undefined : runningProcess.parse(JSON.parse(text));
}
