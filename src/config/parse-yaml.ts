import { Composer, CST, type Document, Lexer, type ParsedNode, Parser, type YAMLError } from 'yaml';
import { describeLevelsAbove, findOddBlank, textStart } from './indentation.ts';
import { MAX_DEPTH } from './limits.ts';
import type { Finding, ProblemList } from './problem-list.ts';
import type { SourceFile } from './source-file.ts';

/** Quotes, anchors and tags in a row: a file that has more is noise, and costs the composer a second for each 100 000. */
const MAX_RUN = 100;
/** Structure of a map or list of depth n stands at most so much deeper on the stack of the parser. */
const STACK_SLACK = 4;

const NOISE = new Set(['anchor', 'tag', 'alias', 'single-quoted-scalar', 'double-quoted-scalar', 'scalar', 'error']);
const BLANK = new Set(['space', 'newline', 'comment']);

/** The YAML 1.2 nodes of a file, or `undefined` and problems. Never throws; time and memory grow with the size of the file only. */
export function parseYaml(file: SourceFile, problems: ProblemList): ParsedNode | undefined {
  const before = problems.errors;
  findDirective(file, problems);
  const tokens = tokenize(file, problems);
  if (problems.errors > before) return undefined;
  const [document, second] = compose(tokens, file);
  if (document === undefined) return undefined;
  for (const error of worthTelling(document.errors, file.text)) addSyntaxError(error, file, problems);
  if (second !== undefined && document.errors.length === 0) addSecondDocument(file, second, problems);
  return problems.errors > before ? undefined : (document.contents ?? undefined);
}

function findDirective(file: SourceFile, problems: ProblemList): void {
  const match = /^%\w.*$/m.exec(file.text);
  if (match === null || /[^\s#]/.test(file.text.slice(0, match.index).replace(/^#.*$/gm, ''))) return;
  const at = file.span(match.index, match.index + match[0].length);
  problems.add({ at, code: 'CONFIG_SYNTAX', message: 'YAML directives are not allowed', hint: 'remove the line' });
}

/** Watches nesting while the file is cut into tokens, long before anything recursive sees them. */
function tokenize(file: SourceFile, problems: ProblemList): readonly CST.Token[] {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let run = 0;
  for (const lexeme of new Lexer().lex(file.text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    const type = CST.tokenType(lexeme) ?? 'error';
    run = NOISE.has(type) ? run + 1 : BLANK.has(type) ? run : 0;
    const fault = run > MAX_RUN ? NOISE_FAULT : parser.stack.length > MAX_DEPTH + STACK_SLACK ? DEPTH_FAULT : undefined;
    if (fault === undefined) continue;
    problems.add({ at: file.span(Math.min(parser.offset, file.text.length)), code: 'CONFIG_SYNTAX', ...fault });
    return [];
  }
  return [...tokens, ...parser.end()];
}

const NOISE_FAULT = { message: 'this is not YAML', hint: 'compare with the examples in mappings/' };
export const DEPTH_FAULT = { message: `nested deeper than ${MAX_DEPTH} levels`, hint: 'no key of the reference needs that' };

function compose(tokens: readonly CST.Token[], file: SourceFile): readonly Document.Parsed[] {
  const composer = new Composer({ uniqueKeys: false, logLevel: 'silent', version: '1.2', schema: 'core', merge: false });
  const documents: Document.Parsed[] = [];
  for (const document of composer.compose(tokens, true, file.text.length)) {
    documents.push(document);
    if (documents.length > 1) break;
  }
  return documents;
}

interface Wording {
  readonly message?: string;
  readonly hint: string;
}

const TAB: Wording = { message: 'a tab where the line is indented', hint: 'indent with blanks' };
const UNCLOSED: Wording = {
  message: 'a bracket or brace above is not closed',
  hint: 'close it, or indent this line under its key',
};
const ODD_BLANK = {
  message: 'this looks like a blank and is none',
  hint: 'copied text often has such characters; delete it and type a blank',
};
const QUOTE: Wording = { message: 'this quote is not closed', hint: 'close it; inside of double quotes a quote is written \\"' };

/** What the reader calls by terms of the specification, in words of those who write mappings. */
const WORDINGS: Readonly<Record<string, Wording>> = {
  TAB_AS_INDENT: TAB,
  MISSING_CHAR: { hint: 'a colon is followed by a blank, list entries in brackets by a comma' },
  BAD_ALIAS: { hint: 'text that begins with `*` or `&` needs quotes' },
  BAD_SCALAR_START: { message: 'text cannot begin with this character', hint: 'put the text in quotes' },
  BAD_DQ_ESCAPE: { message: 'no such escape in double quotes', hint: 'write `\\\\` for a backslash, or use single quotes' },
  MULTILINE_IMPLICIT_KEY: {
    message: 'this is not `key: value`',
    hint: 'a colon with a blank after it, or a closing quote, is missing here or above',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'two `key: value` on one line',
    hint: 'give the second its own line, or put text with `: ` in it in quotes',
  },
  BLOCK_IN_FLOW: {
    message: 'a bracket or brace above is still open',
    hint: 'entries in braces are separated by commas, `{ min: 0, max: 10 }`; close what is open above',
  },
  UNEXPECTED_TOKEN: { hint: 'text with `: `, `#`, brackets or quotes in it needs quotes around it' },
};

const MAX_TABS = 5;

/** The first: the reader is lost after it, and the others are its echoes. Only tabs are found line by line. */
function worthTelling(errors: readonly YAMLError[], text: string): readonly YAMLError[] {
  const sorted = errors.toSorted((a, b) => a.pos[0] - b.pos[0]);
  const tabs = sorted.filter(({ pos: [start] }) => text[start] === '\t' && /^ *$/.test(lineBefore(text, start).slice(0, -1)));
  return tabs.length > 0 && tabs[0] === sorted[0] ? tabs.slice(0, MAX_TABS) : sorted.slice(0, 1);
}

function addSyntaxError(error: YAMLError, file: SourceFile, problems: ProblemList): void {
  const [start, end] = error.pos.map((offset) => Math.min(offset, file.text.length)) as [number, number];
  const finding = findingOfIndentation(error, file, start);
  if (finding !== undefined) {
    problems.add(finding);
    return;
  }
  const cut = FLOW_NOT_CLOSED.test(error.message)
    ? CLOSED_IN_COMMENT.exec(file.text.slice(Math.max(0, start - MAX_LINE), start))
    : null;
  if (cut !== null) {
    const [whole, comment = ''] = cut;
    const end = Math.max(0, start - MAX_LINE) + cut.index + whole.trimEnd().length;
    const message = 'a bracket or brace is closed in a comment, which begins here';
    problems.add({ at: file.span(end - comment.length, end), code: 'CONFIG_SYNTAX', message, hint: CUT_HINT });
    return;
  }
  const { message = wordsOf(error, file.text), hint } = wordingOf(error, file.text, start);
  const quote = QUOTE.message === message ? file.text.lastIndexOf(error.message.includes('"') ? '"' : "'") : -1;
  const at = quote === -1 ? file.span(start, Math.max(start, end)) : file.span(quote, quote + 1);
  if (!problems.hasErrorAt(at)) problems.add({ at, code: 'CONFIG_SYNTAX', message, hint });
}

/** At the end of the line before: ` #` in the middle of a text without quotes. */
const CLOSED_IN_COMMENT = /[ \t](#[^\s#][^\r\n]*[}\]])[ \t]*[\r\n]+[ \t]*$/;
const MAX_LINE = 1_000;
/** For text that a comment has cut. */
export const CUT_HINT = 'text with ` #` in it needs quotes around it; a comment has a blank after `#`';

const FLOW_NOT_CLOSED = /^Flow .* must be sufficiently indented/;

/** What stands before the text of a line cannot be seen; so it is told in columns. */
function findingOfIndentation({ code, message }: YAMLError, file: SourceFile, offset: number): Finding | undefined {
  const odd = findOddBlank(file.text);
  if (odd !== undefined) return { at: file.span(odd, odd + 1), code: 'CONFIG_SYNTAX', ...ODD_BLANK };
  if (code !== 'BAD_INDENT' || FLOW_NOT_CLOSED.test(message)) return undefined;
  const at = textStart(file.text, offset);
  const end = file.text.indexOf('\n', at);
  return {
    at: file.span(at, end === -1 ? file.text.length : end),
    code: 'CONFIG_SYNTAX',
    message: 'this line is indented like no key above it',
    hint: describeLevelsAbove(file.text, at),
  };
}

function wordingOf({ code, message }: YAMLError, text: string, start: number): Partial<Wording> {
  if (text[start] === '\t' || /^[ ]*\t/.test(lineBefore(text, start))) return TAB;
  if (code === 'MISSING_CHAR' && /closing ["']quote/.test(message)) return QUOTE;
  if (FLOW_NOT_CLOSED.test(message)) return UNCLOSED;
  return WORDINGS[code] ?? {};
}

function wordsOf({ code, message, pos }: YAMLError, text: string): string {
  const source = text.slice(...pos).split('\n', 1)[0] ?? '';
  if (code === 'UNEXPECTED_TOKEN' && source !== '') return `\`${source.slice(0, 40)}\` is not expected here`;
  return message.charAt(0).toLowerCase() + message.slice(1, 200);
}

function lineBefore(text: string, offset: number): string {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset + 1);
}

function addSecondDocument(file: SourceFile, second: Document.Parsed, problems: ProblemList): void {
  const start = second.contents?.range[0] ?? second.range[0];
  const marker = file.text.lastIndexOf('---', start);
  const at = marker === -1 ? file.span(start) : file.span(marker, marker + 3);
  problems.add({
    at,
    code: 'CONFIG_SYNTAX',
    message: 'a second YAML document begins here',
    hint: 'one file, one mapping: remove `---`',
  });
}
