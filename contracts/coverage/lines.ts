/** A line with statements, at least one of which no test ran. */
export interface UncoveredLine {
  /** Path from the repository's root. */
  readonly file: string;
  readonly lineNo: number;
  /** Without the spaces around it. */
  readonly text: string;
}

/** A line that may stay uncovered. Named by its text, so that it is found wherever it moves. */
export interface NamedLine {
  readonly file: string;
  readonly text: string;
  readonly reason: string;
}

export interface LineCoverage {
  readonly lines: number;
  readonly uncovered: readonly UncoveredLine[];
}

/**
 * The lines of an lcov report (`SF:`, `DA:` and `end_of_record`; other lines are passed over).
 *
 * @param sourceOf The text of a file that the report names.
 * @throws Error if the report has no line at all: then nothing was measured.
 */
export function readLcov(lcov: string, sourceOf: (file: string) => string): LineCoverage {
  let file = '';
  let source: string[] = [];
  let lines = 0;
  const uncovered: UncoveredLine[] = [];
  for (const record of lcov.split('\n')) {
    if (record.startsWith('SF:')) {
      file = record.slice(3);
      source = sourceOf(file).split('\n');
    } else if (record.startsWith('DA:')) {
      const [lineNo, count] = record.slice(3).split(',').map(Number);
      if (lineNo === undefined || count === undefined) throw new Error(`got the record ${record}`);
      lines += 1;
      if (count === 0) uncovered.push({ file, lineNo, text: (source[lineNo - 1] ?? '').trim() });
    }
  }
  if (lines === 0) throw new Error('the coverage report names no line');
  return { lines, uncovered };
}

/**
 * Takes the named lines off the uncovered ones, each name one line.
 *
 * @returns `missing`: uncovered and not named. `needless`: named and covered, or gone.
 */
export function compareWithNamed(
  uncovered: readonly UncoveredLine[],
  named: readonly NamedLine[],
): { readonly missing: readonly UncoveredLine[]; readonly needless: readonly NamedLine[] } {
  const missing = [...uncovered];
  const needless = named.filter(({ file, text }) => {
    const place = missing.findIndex((line) => line.file === file && line.text === text);
    if (place === -1) return true;
    missing.splice(place, 1);
    return false;
  });
  return { missing, needless };
}
