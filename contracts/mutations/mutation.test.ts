import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MUTATIONS } from './list/all.ts';
import { type Mutation, mutate } from './mutation.ts';

const CONTRACTS = join(import.meta.dirname, '..');
const numbered = (letter: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);

test('every mutation can still be put into its file', async () => {
  const problems: string[] = [];
  for (const mutation of MUTATIONS) {
    const source = await readFile(join(CONTRACTS, mutation.file), 'utf8');
    try {
      expect(mutate(source, mutation)).not.toBe(source);
    } catch (error) {
      problems.push(String(error));
    }
  }
  expect(problems).toEqual([]);
});

test('every rule, every invariant and every role has a mutation that breaks it', () => {
  const broken = new Set<string>(MUTATIONS.flatMap(({ breaks }) => breaks));
  const roles = ['operator admin', 'bank admin', 'guardian', 'executor', 'successor', 'player'];
  const wanted = [
    ...numbered('R', 10),
    ...numbered('I', 18),
    ...roles.map((role) => `role: ${role}`),
  ];
  expect(wanted.filter((one) => !broken.has(one))).toEqual([]);
});

test('names are unique, and the result that stands here is of this list, with all found', async () => {
  const names = MUTATIONS.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  const result = await readFile(join(import.meta.dirname, 'RESULT.md'), 'utf8');
  const rows = [...result.matchAll(/^\| (.+?) \| .+? \| (.+) \|$/gm)].filter(
    ([, name]) => name !== 'the bug',
  );
  expect(rows.map(([, name]) => name)).toEqual(names);
  expect(rows.filter(([, , red]) => !red?.startsWith('`'))).toEqual([]);
});

test('a text that is missing, stands twice or does not change is refused', () => {
  const mutation = { file: 'A.sol', find: 'a', replace: 'b', name: 'x' } as Mutation;
  expect(mutate('1 a 2', mutation)).toBe('1 b 2');
  for (const source of ['', 'aa']) {
    expect(() => mutate(source, mutation)).toThrow(/got -?\d places in A.sol, expected one$/);
  }
  expect(() => mutate('a', { ...mutation, replace: 'a' })).toThrow('expected one, and a change');
});
