import { closeSync, openSync, writeSync } from 'node:fs';
import { CroupierError } from '../platform/errors.ts';

/** Errors that are nobody's request's fault, as lines of JSON beside the data. */
export interface LogFile {
  write(source: string, error: unknown): void;
  close(): void;
}

/** Appends to the file at `path`, readable by its owner only. */
export function openLogFile(path: string): LogFile {
  const file = openSync(path, 'a', 0o600);
  return {
    write: (source, error) => {
      const line = {
        at: new Date().toISOString(),
        source,
        ...(error instanceof CroupierError ? { code: error.code, class: error.errorClass } : {}),
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      };
      writeSync(file, `${JSON.stringify(line)}\n`);
    },
    close: () => closeSync(file),
  };
}
