import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Mutation } from './mutation.ts';
import { filesOf, type Part, ROOTS, readSources } from './parts.ts';
import { fileOf, isCampaign, type Red } from './red.ts';
import { ROOT } from './workspace.ts';

const FILE = join(ROOT, 'cache/mutations.json');
/** What tests share: those of TypeScript, and those of the campaign. */
const SHARED = ['contracts/encoding', 'contracts/test'];
const SHARED_BY_CAMPAIGN = ['contracts/test', 'contracts/test/campaign'];

/** Mutations that were found already, so that a run that was stopped goes on where it was. */
export interface Progress {
  /** What the mutation's own test said of it, with neither that nor the mutated part changed since. */
  foundBefore(mutation: Mutation): Promise<Red | undefined>;
  remember(mutation: Mutation, red: Red): Promise<void>;
}

/** Reads what earlier runs found. */
export async function readProgress(): Promise<Progress> {
  const sources = await readSources();
  const shared = await hashOfShared(SHARED);
  const sharedByCampaign = await hashOfShared(SHARED_BY_CAMPAIGN);
  const known = new Map<string, Red>(
    Object.entries(JSON.parse(await readFile(FILE, 'utf8').catch(() => '{}')) as object),
  );
  const keyOf = async (mutation: Mutation): Promise<string> => {
    const hash = createHash('sha256').update(JSON.stringify(mutation));
    hash.update(isCampaign(mutation.kills) ? sharedByCampaign : shared);
    for (const part of Object.keys(ROOTS) as Part[]) {
      const files = filesOf(part, sources);
      if (!files.has(mutation.file)) continue;
      for (const file of [...files].sort()) hash.update(file).update(sources[file] ?? '');
    }
    return hash.update(await readFile(join(ROOT, fileOf(mutation.kills)))).digest('hex');
  };
  return {
    foundBefore: async (mutation) => known.get(await keyOf(mutation)),
    remember: async (mutation, red) => {
      if (red.file !== fileOf(mutation.kills)) return;
      known.set(await keyOf(mutation), red);
      await mkdir(dirname(FILE), { recursive: true });
      await writeFile(FILE, JSON.stringify(Object.fromEntries(known)));
    },
  };
}

/** Of the encoder, the chain of the tests, their tokens, the campaign's handler; not of the tests. */
async function hashOfShared(folders: readonly string[]): Promise<Buffer> {
  const hash = createHash('sha256');
  for (const folder of folders) {
    for (const name of (await readdir(join(ROOT, folder))).sort()) {
      const isCode = /\.(sol|ts)$/.test(name) && !name.endsWith('.test.ts');
      // Solidity tests beside the TypeScript ones are nobody's ground.
      if (!isCode || (folder === 'contracts/test' && name.endsWith('.t.sol'))) continue;
      hash.update(name).update(await readFile(join(ROOT, folder, name)));
    }
  }
  return hash.digest();
}
