import type { ErrorCode } from '../model/error.ts';
import { count } from '../model/plural.ts';
import { caretLine, clipLine } from './caret.ts';

/** One finding in a configuration file. Errors stop the start, warnings do not. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters; a tab is one. */
  readonly column: number;
  readonly message: string;
  readonly expected?: string;
  readonly got?: string;
  /** How to mend it. */
  readonly hint?: string;
  /** The line as it may be shown (secrets masked); absent where the file itself is the problem. */
  readonly sourceLine?: string;
  /** Characters to underline, at least one. */
  readonly length?: number;
}

/** As compilers do: `file:line:column: error: …`, the line, the caret under the fault, expected, got, hint. */
export function formatProblem(problem: Problem): string {
  const place = `${visible(problem.file)}:${problem.line}:${problem.column}`;
  const lines = [`${place}: ${problem.severity}: ${visible(problem.message)}`];
  if (problem.sourceLine !== undefined) lines.push(...sourceLines(problem, problem.sourceLine));
  if (problem.expected !== undefined) lines.push(`    expected: ${visible(problem.expected)}`);
  if (problem.got !== undefined) lines.push(`    got: ${visible(problem.got)}`);
  if (problem.hint !== undefined) lines.push(`    hint: ${visible(problem.hint)}`);
  return lines.join('\n');
}

/** All of them, and one line that counts them. Empty for none. */
export function formatProblems(problems: readonly Problem[]): string {
  if (problems.length === 0) return '';
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const sum = `${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}`;
  return `${problems.map((problem) => `${formatProblem(problem)}\n`).join('\n')}\n${sum}\n`;
}

function sourceLines(problem: Problem, sourceLine: string): readonly string[] {
  const clipped = clipLine(sourceLine, problem.column);
  const number = String(problem.line);
  return [
    `  ${number} | ${visible(clipped.text, true)}`,
    `  ${' '.repeat(number.length)} | ${caretLine(clipped.text, clipped.column, problem.length ?? 1)}`,
  ];
}

/** Control characters could drive the terminal that shows them. */
function visible(text: string, keepTabs = false): string {
  return text.replace(/\p{Cc}/gu, (character) => (keepTabs && character === '\t' ? character : '\u{FFFD}'));
}
