import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compilerSettings } from '../compiler.ts';

const ROOT = join(import.meta.dirname, '../..');
const TIMEOUT_MS = 60_000;
const require = createRequire(import.meta.url);

/** A variable or a struct's member; `type` names an entry of `types`. */
interface Entry {
  readonly label: string;
  readonly slot: string;
  readonly offset: number;
  readonly type: string;
}

interface Layout {
  readonly storage: readonly Entry[];
  readonly types: Readonly<Record<string, TypeLayout>>;
}

interface TypeLayout {
  readonly label: string;
  readonly encoding: string;
  readonly numberOfBytes: string;
  readonly key?: string;
  readonly value?: string;
  readonly members?: readonly Entry[];
}

test(
  'BetBook and the desk, which works on its storage, lay it out the same way',
  () => {
    const [book, desk] = layoutsOf('BetBook', 'Desk');
    const variables = book.storage.map(({ label }) => label);
    expect(variables).toEqual(expect.arrayContaining(['_banks', '_seats', '_pages', '_owed']));
    expect(desk.storage.map(placeOf)).toEqual(book.storage.map(placeOf));
    expect(placesByType(desk)).toEqual(placesByType(book));
    expect(Object.keys(book.types).some((name) => name.includes('BankSlots'))).toBe(true);
  },
  TIMEOUT_MS,
);

function placeOf({ label, slot, offset, type }: Entry): Entry {
  return { label, slot, offset, type };
}

/** What the layout of each type says, but for the contract that the compiler was asked about. */
function placesByType({ types }: Layout): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(types).map(([name, { members = [], ...type }]) => [
      name,
      { ...type, members: members.map(placeOf) },
    ]),
  );
}

/**
 * Asks the compiler for layouts alone, which needs no code: seconds, where compiling takes a minute.
 * Both are compiled at once, so that the numbers in the names of their types are comparable.
 */
function layoutsOf(first: string, second: string): [Layout, Layout] {
  const solc: {
    compile(input: string, callbacks: { import(unit: string): { contents: string } }): string;
  } = require('solc');
  const unitOf = (name: string): string => `contracts/${name}.sol`;
  const units = [first, second].map((name) => unitOf(name));
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(units.map((unit) => [unit, { content: textOf(unit) }])),
    settings: {
      evmVersion: compilerSettings.evmVersion,
      outputSelection: Object.fromEntries(units.map((unit) => [unit, { '*': ['storageLayout'] }])),
    },
  };
  const output: {
    errors?: { severity: string; formattedMessage: string }[];
    contracts?: Record<string, Record<string, { storageLayout: Layout }>>;
  } = JSON.parse(
    solc.compile(JSON.stringify(input), { import: (unit) => ({ contents: textOf(unit) }) }),
  );
  const failures = (output.errors ?? []).filter(({ severity }) => severity === 'error');
  expect(failures.map(({ formattedMessage }) => formattedMessage)).toEqual([]);
  const layoutOf = (name: string): Layout => {
    const layout = output.contracts?.[unitOf(name)]?.[name]?.storageLayout;
    if (!layout) throw new Error(`got no storage layout of ${name}, expected one`);
    return layout;
  };
  return [layoutOf(first), layoutOf(second)];
}

function textOf(unit: string): string {
  const path = unit.startsWith('@') ? require.resolve(unit) : join(ROOT, unit);
  return readFileSync(path, 'utf8');
}
