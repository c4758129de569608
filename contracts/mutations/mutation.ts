import { CroupierError } from '../../platform/errors.ts';

/** Tests that may find a mutation: nothing that goes red whenever the bytecode differs. */
export const KILLERS = [
  'play',
  'page',
  'otherOps',
  'group',
  'day',
  'operator',
  'bank',
  'expire',
  'seats',
  'treasury',
  'errors',
  'batch',
  'replay',
  'bounds',
  'campaign/Signatures',
  'campaign/Invariants',
  'campaign/Differential',
] as const;

/** A test file below `contracts/test/`; those of the campaign are Solidity. */
export type Killer = (typeof KILLERS)[number];

/**
 * What a mutation breaks: a rule (R1 to R10) or an invariant (I1 to I18) of the contracts, who may
 * call something, or what the interface says of the bytes, codes, errors and getters.
 */
export type Breaks =
  | `R${number}`
  | `I${number}`
  | `role: ${'anyone' | 'client' | 'player' | 'operator admin' | 'bank admin' | 'guardian' | 'executor' | 'successor' | 'book'}`
  | 'bytes'
  | 'codes'
  | 'errors'
  | 'getters'
  | 'token';

/** A deliberate bug: one place of one contract, written differently. */
export interface Mutation {
  /** What the contract does with it. Unique. */
  readonly name: string;
  readonly breaks: readonly Breaks[];
  /** Below `contracts/`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Runs first, since it is expected to go red. */
  readonly kills: Killer;
}

type Bug = Pick<Mutation, 'name' | 'breaks' | 'find' | 'replace'> & { readonly kills?: Killer };

/** Mutations of one file, most of which one test finds. */
export function mutationsOf(file: string, kills: Killer, bugs: readonly Bug[]): Mutation[] {
  return bugs.map((bug) => ({ file, kills, ...bug }));
}

/**
 * The file's text with the bug in it.
 * @throws CroupierError `MUTATION_DOES_NOT_APPLY` (final) unless its text stands there exactly once
 */
export function mutate(source: string, { name, file, find, replace }: Mutation): string {
  const parts = source.split(find);
  if (parts.length !== 2 || find === replace) {
    throw new CroupierError({
      code: 'MUTATION_DOES_NOT_APPLY',
      errorClass: 'final',
      message:
        `"${name}": got ${parts.length - 1} places in ${file}, expected one` +
        `${find === replace ? ', and a change' : ''}`,
    });
  }
  return parts.join(replace);
}
