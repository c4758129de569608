import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Hex } from 'viem';
import type { Bytecodes } from './build.ts';

export const ROOT = join(import.meta.dirname, '../..');
/** Hardhat's, with what it compiled. */
const BUILT = ['artifacts', 'cache'];
const LEFT_OUT = new Set(['.git', '.croupier', 'node_modules', 'coverage', ...BUILT]);

/** A copy of the repository whose tests meet other contracts than its sources say. */
export interface Workspace {
  readonly folder: string;
  /** Puts these contracts where TypeScript tests import them from. */
  write(bytecodes: Bytecodes): Promise<void>;
  /** Takes over what Hardhat compiled in the repository. */
  copyArtifacts(): Promise<void>;
  /** Puts these contracts where Solidity tests deploy them from, once artifacts are there. */
  writeArtifacts(bytecodes: Bytecodes): Promise<void>;
  remove(): Promise<void>;
}

/** Copies the repository into a temporary folder; `node_modules` is a link. */
export async function createWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'croupier-mutations-'));
  await cp(ROOT, folder, {
    recursive: true,
    filter: (path) => !LEFT_OUT.has(relative(ROOT, path)),
  });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const generated = (name: string) => join(folder, 'contracts/generated', `${name}.ts`);
  const artifact = (name: string) => join(folder, `artifacts/contracts/${name}.sol/${name}.json`);
  return {
    folder,
    write: async ({ treasury, betBook }) => {
      await replaceIn(generated('treasury'), / '0x[0-9a-f]+'/, ` '${treasury}'`);
      await replaceIn(generated('betBook'), / '0x[0-9a-f]+'/, ` '${betBook}'`);
    },
    copyArtifacts: async () => {
      for (const name of BUILT) await cp(join(ROOT, name), join(folder, name), { recursive: true });
    },
    writeArtifacts: async ({ treasury, betBook }) => {
      const field = (bytecode: Hex) => `"bytecode": "${bytecode}"`;
      await replaceIn(artifact('Treasury'), /"bytecode": "0x[0-9a-f]+"/, field(treasury));
      await replaceIn(artifact('BetBook'), /"bytecode": "0x[0-9a-f]+"/, field(betBook));
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function replaceIn(path: string, pattern: RegExp, text: string): Promise<void> {
  const before = await readFile(path, 'utf8');
  if (!pattern.test(before)) throw new Error(`got no bytecode in ${path}, expected one`);
  await writeFile(
    path,
    before.replace(pattern, () => text),
  );
}
