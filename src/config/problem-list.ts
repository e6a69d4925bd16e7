import type { ErrorCode } from '../model/error.ts';
import type { Problem } from './problem.ts';
import { countCharacters, type Span } from './source-file.ts';

/** More would not be read; what comes above is counted in one last line. */
const MAX_PROBLEMS = 200;

/** A problem whose place is still a span of a file. */
export interface Finding {
  readonly severity?: 'error' | 'warning';
  readonly code?: ErrorCode;
  readonly at: Span;
  readonly message: string;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  readonly hint?: string | undefined;
}

/** Gathers the problems of all files; the same one at the same place is kept once. */
export class ProblemList {
  readonly #problems: Problem[] = [];
  readonly #told = new Set<string>();
  /** Places of errors, and keys that are missing only because they are misspelt. */
  readonly #places = new Set<string>();
  #left = 0;
  #errors = 0;

  get errors(): number {
    return this.#errors;
  }

  add(finding: Finding): void {
    const { at, severity = 'error', code = 'CONFIG_INVALID', message, expected, got, hint } = finding;
    const key = `${at.file.path}:${at.start}:${message}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    if (severity === 'error') this.#errors += 1;
    if (severity === 'error') this.#places.add(`${at.file.path}:${at.start}`);
    if (this.#problems.length >= MAX_PROBLEMS) {
      this.#left += 1;
      return;
    }
    const { line, column } = at.file.position(at.start);
    const sourceLine = at.file.text === '' ? undefined : at.file.shownLine(line);
    const length = Math.max(1, countCharacters(at.file.text.slice(at.start, at.end).split(/\r?\n/, 1)[0] ?? ''));
    this.#problems.push({
      severity,
      code,
      file: at.file.name,
      line,
      column,
      message,
      ...(expected === undefined ? {} : { expected }),
      ...(got === undefined ? {} : { got }),
      ...(hint === undefined ? {} : { hint }),
      ...(sourceLine === undefined ? {} : { sourceLine, length }),
    });
  }

  /** What is wrong there was already told; more would be an echo. */
  hasErrorAt(at: Span): boolean {
    return this.#places.has(`${at.file.path}:${at.start}`);
  }

  /** In the map whose head is `at`, `key` was meant, but written otherwise. */
  noteMisspelt(at: Span, key: string): void {
    this.#places.add(`${at.file.path}:${at.start}:${key}`);
  }

  /** A key of the map at `at` was not understood: whether the map is complete cannot be judged. */
  noteUnclear(at: Span): void {
    this.#places.add(`${at.file.path}:${at.start}:`);
  }

  isUnclear(at: Span): boolean {
    return this.#places.has(`${at.file.path}:${at.start}:`);
  }

  isMisspelt(at: Span, key: string): boolean {
    return this.#places.has(`${at.file.path}:${at.start}:${key}`);
  }

  /** By file, line and column. */
  sorted(): readonly Problem[] {
    const sorted = this.#problems.toSorted(
      (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column || compare(a.message, b.message),
    );
    const last = sorted.at(-1);
    if (last === undefined || this.#left === 0) return sorted;
    const { severity, code, file, line, column } = last;
    return [...sorted, { severity, code, file, line, column, message: `and ${this.#left} more problems that are not shown` }];
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** For hints that name a second place. */
export function describePlace(at: Span): string {
  const { line, column } = at.file.position(at.start);
  return `${at.file.name}:${line}:${column}`;
}
