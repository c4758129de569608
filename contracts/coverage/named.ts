import type { NamedLine } from './lines.ts';

/** Lines of the production contracts that no test can reach, and why. */
export const namedLines: readonly NamedLine[] = [];
