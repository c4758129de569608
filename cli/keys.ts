import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hex } from 'viem';
import { z } from 'zod';
import { CroupierError } from '../platform/errors.ts';

const hexOf32Bytes = z.string().regex(/^0x[0-9a-f]{64}$/);
const keysFile = z.strictObject({
  refKey: hexOf32Bytes,
  executorKey: hexOf32Bytes,
  demoSecret: hexOf32Bytes,
});

/** The secrets of a data folder on a dev chain. They never leave the folder. */
export interface Keys {
  /** Makes refs; without it nobody finds on chain what has landed. */
  readonly refKey: Uint8Array;
  /** Signs the executor's transactions. */
  readonly executorKey: Hex;
  /** The demo provider's shared secret, hex without 0x. */
  readonly demoSecret: string;
}

/**
 * Reads `keys.json` of the data folder, or makes it (readable by its owner only).
 * @throws CroupierError `KEYS_UNREADABLE` (final) when the file is there and not what it should be
 */
export function loadKeys(dataFolder: string): Keys {
  const path = join(dataFolder, 'keys.json');
  const stored = readKeys(path) ?? createKeys(path);
  return {
    refKey: Buffer.from(stored.refKey.slice(2), 'hex'),
    executorKey: stored.executorKey as Hex,
    demoSecret: stored.demoSecret.slice(2),
  };
}

function readKeys(path: string): z.infer<typeof keysFile> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return keysFile.parse(JSON.parse(text));
  } catch {
    // The parser's own message would quote the file, and so a key.
    throw new CroupierError({
      code: 'KEYS_UNREADABLE',
      errorClass: 'final',
      message: `${path} does not hold the keys of a data folder; restore it from a backup.`,
    });
  }
}

function createKeys(path: string): z.infer<typeof keysFile> {
  const key = (): string => `0x${randomBytes(32).toString('hex')}`;
  const keys = { refKey: key(), executorKey: key(), demoSecret: key() };
  // Written beside and renamed: a kill in between never leaves half a file.
  writeFileSync(`${path}.new`, `${JSON.stringify(keys)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  return keys;
}
