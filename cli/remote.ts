import { z } from 'zod';
import { lockDataFolder, readProcessFile } from '../platform/dataFolder.ts';
import { CroupierError } from '../platform/errors.ts';
import { openFolder } from './folder.ts';
import type { Operations } from './operations.ts';

const CALL_TIMEOUT_MS = 30_000;

const problem = z.object({ code: z.string(), detail: z.string() });

/**
 * Runs `work` on the data folder: through the process that holds it, or, when nobody does, by
 * opening the folder itself for the time of the command.
 * @throws CroupierError `DATA_FOLDER_BUSY` (final) when the holder cannot be reached
 */
export async function withOperations<T>(
  dataFolder: string,
  work: (operations: Operations) => Promise<T>,
): Promise<T> {
  const lock = await lockDataFolder(dataFolder).catch((error: unknown) => {
    if (error instanceof CroupierError && error.code === 'DATA_FOLDER_BUSY') return undefined;
    throw error;
  });
  if (!lock) {
    const running = await readProcessFile(dataFolder);
    if (!running) {
      throw new CroupierError({
        code: 'DATA_FOLDER_BUSY',
        errorClass: 'final',
        message: `got the data folder ${dataFolder}, which a process that is starting or stopping holds; try again in a moment.`,
      });
    }
    return work(remoteOperations(running));
  }
  try {
    const folder = await openFolder(dataFolder);
    try {
      return await work(folder.operations);
    } finally {
      await folder.close();
    }
  } finally {
    await lock.release();
  }
}

function remoteOperations(running: { url: string; token: string }): Operations {
  async function call<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(new URL(path, running.url), {
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${running.token}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer as T;
    const { code, detail } = problem.parse(answer);
    throw new CroupierError({ code, errorClass: 'final', message: detail });
  }
  return {
    trace: (id) => call(`/admin/trace/${encodeURIComponent(id)}`),
    openSession: (args) => call('/admin/sessions', args),
    sql: (query) => call('/admin/sql', { sql: query }),
  };
}
