import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';

const SOURCES = join(import.meta.dirname, '..');

/** What is compiled on its own, from what it imports. BetBook carries the code of its desk. */
export const ROOTS = { treasury: 'Treasury.sol', desk: 'Desk.sol', book: 'BetBook.sol' } as const;

export type Part = keyof typeof ROOTS;

/** Source text by its path below `contracts/`. */
export type Sources = Readonly<Record<string, string>>;

/** Of all contracts, but not of what only tests and games deploy. */
export async function readSources(): Promise<Sources> {
  const names = (await readdir(SOURCES)).filter((name) => name.endsWith('.sol'));
  const contents = await Promise.all(names.map((name) => readFile(join(SOURCES, name), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [name, contents[index] ?? '']));
}

/** The part's files; of the book without its desk, which is put in later. */
export function filesOf(part: Part, sources: Sources): Set<string> {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path) || (part === 'book' && path === ROOTS.desk)) return;
    found.add(path);
    for (const [, imported] of (sources[path] ?? '').matchAll(/from "(\.[^"]+)"/g)) {
      visit(posix.normalize(imported ?? ''));
    }
  };
  visit(ROOTS[part]);
  return found;
}
