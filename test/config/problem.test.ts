import assert from 'node:assert/strict';
import { caretLine, clipLine } from '../../src/config/caret.ts';
import { formatProblem, type Problem } from '../../src/config/problem.ts';
import { ProblemList } from '../../src/config/problem-list.ts';
import { SourceFile } from '../../src/config/source-file.ts';

const PROBLEM: Problem = { severity: 'error', code: 'CONFIG_INVALID', file: 'a.yaml', line: 12, column: 3, message: 'wrong' };

describe('a problem', () => {
  it('is printed as compilers do, with the caret under the fault', () => {
    const printed = formatProblem({
      ...PROBLEM,
      sourceLine: '  unit: 300',
      length: 4,
      expected: 'less',
      got: '300',
      hint: 'mend it',
    });
    assert.equal(
      printed,
      'a.yaml:12:3: error: wrong\n  12 |   unit: 300\n     |   ^^^^\n    expected: less\n    got: 300\n    hint: mend it',
    );
  });

  it('cannot drive the terminal that shows it', () => {
    assert.doesNotMatch(formatProblem({ ...PROBLEM, message: '\u001b[31m', sourceLine: 'a\u0007b' }), /[^\P{Cc}\n]/u);
  });

  it('has its caret right after tabs, wide and combining characters', () => {
    for (const [line, column, expected] of [
      ['\tx', 2, '\t^'],
      ['油温x', 3, '    ^'],
      ['e\u{0301}x', 3, ' ^'],
      ['🌡🌡x', 3, '    ^'],
      ['油', 1, '^^'],
    ] as const) {
      assert.equal(caretLine(line, column, 1), expected, line);
    }
  });

  it('shows the part of a long line around the fault', () => {
    const { text, column } = clipLine(`${'a'.repeat(500)}X${'b'.repeat(500)}`, 501);
    assert.equal([...text][column - 1], 'X');
    assert.ok(text.length < 200 && text.startsWith('…') && text.endsWith('…'));
  });
});

describe('the problems of all files', () => {
  it('are sorted by file, line and column, each told once, at most 200 and a last line that counts the rest', () => {
    const list = new ProblemList();
    const file = new SourceFile('/b', 'b', 'x\n'.repeat(300));
    for (let line = 299; line >= 0; line -= 1) list.add({ at: file.span(line * 2), message: 'wrong' });
    list.add({ at: file.span(0), message: 'wrong' });
    const sorted = list.sorted();
    assert.equal(sorted.length, 201);
    assert.equal(sorted.at(-1)?.message, 'and 100 more problems that are not shown');
    assert.deepEqual(
      sorted.slice(0, 2).map(({ line }) => line),
      [101, 102],
    );
    assert.equal(list.errors, 300);
  });
});
