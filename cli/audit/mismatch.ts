/** More are counted, not kept: one broken column is as many mismatches as rows. */
const KEPT_MAX = 1_000;

export type Store = 'record' | 'chain' | 'ledger' | 'warehouse' | 'bus';

/** One value of one store that is not what it must be. */
export interface Mismatch {
  readonly store: Store;
  /** The row, as a person would look for it: a txId, an account, an event's id. */
  readonly key: string;
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

/** Collects what does not agree. */
export interface Mismatches {
  /** Compares two values as text; says whether they agree. */
  check(at: { store: Store; key: string; field: string }, expected: unknown, got: unknown): boolean;
  /** The first thousand. */
  readonly list: readonly Mismatch[];
  count(): number;
}

export function createMismatches(): Mismatches {
  const list: Mismatch[] = [];
  let count = 0;
  return {
    check: (at, expected, got) => {
      if (String(expected) === String(got)) return true;
      count += 1;
      if (list.length < KEPT_MAX) {
        list.push({ ...at, expected: String(expected), got: String(got) });
      }
      return false;
    },
    list,
    count: () => count,
  };
}
