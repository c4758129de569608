import { describe, expect, test } from 'vitest';
import { compareWithNamed, readLcov } from './lines.ts';

const lcov = [
  'TN:',
  'SF:contracts/A.sol',
  'DA:2,0',
  'DA:1,7',
  'LH:1',
  'LF:2',
  'end_of_record',
  'SF:contracts/B.sol',
  'DA:1,0',
  'DA:3,0',
  'end_of_record',
].join('\n');
const sources: Record<string, string> = {
  'contracts/A.sol': 'first();\n  second();\n',
  'contracts/B.sol': 'same();\n\nsame();\n',
};
const sourceOf = (file: string): string => sources[file] ?? '';

describe('readLcov', () => {
  test('counts the lines and says which are uncovered, with their text', () => {
    expect(readLcov(lcov, sourceOf)).toEqual({
      lines: 4,
      uncovered: [
        { file: 'contracts/A.sol', lineNo: 2, text: 'second();' },
        { file: 'contracts/B.sol', lineNo: 1, text: 'same();' },
        { file: 'contracts/B.sol', lineNo: 3, text: 'same();' },
      ],
    });
  });

  test('refuses a report of nothing', () => {
    expect(() => readLcov('', sourceOf)).toThrow('names no line');
    expect(() => readLcov('DA:x', sourceOf)).toThrow('DA:x');
  });
});

describe('compareWithNamed', () => {
  const { uncovered } = readLcov(lcov, sourceOf);
  const reason = 'for the test';

  test('a name excuses one line of its file', () => {
    const named = [{ file: 'contracts/B.sol', text: 'same();', reason }];
    const { missing, needless } = compareWithNamed(uncovered, named);
    expect(missing.map(({ file, lineNo }) => `${file}:${lineNo}`)).toEqual([
      'contracts/A.sol:2',
      'contracts/B.sol:3',
    ]);
    expect(needless).toEqual([]);
  });

  test('a name of a covered line is needless', () => {
    const named = [{ file: 'contracts/A.sol', text: 'first();', reason }];
    expect(compareWithNamed(uncovered, named)).toEqual({ missing: uncovered, needless: named });
  });
});
