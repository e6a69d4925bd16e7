import { readFile, stat } from 'node:fs/promises';
import type { ProblemList } from './problem-list.ts';
import { SourceFile } from './source-file.ts';

const MAX_FILE_BYTES = 2_000_000;
const READ_BITS = 0o444;
const CONTROL = /[\p{Cc}\u{FFFE}\u{FFFF}]/gu;
const ALLOWED_CONTROL = new Set(['\t', '\n', '\r']);
const SAVE_AS = 'save it as UTF-8 without byte order mark';

/** What keeps a file from being read, in words. */
export interface FileFault {
  readonly message: string;
  readonly hint?: string;
}

/** The text of a file, or `undefined` and a problem. Size and encoding are checked before anything looks at the text. */
export async function readSource(path: string, name: string, problems: ProblemList): Promise<SourceFile | undefined> {
  const fault = (await findFileFault(path)) ?? (await findSizeFault(path));
  const bytes = fault === undefined ? await readFile(path) : new Uint8Array();
  const found = fault ?? findEncodingFault(bytes);
  if (found === undefined) return decode(bytes, path, name, problems);
  problems.add({ at: new SourceFile(path, name, '').span(0), code: 'CONFIG_SYNTAX', ...found });
  return undefined;
}

/** Looks at the mode bits too: root opens everything, but the service that runs later does not. */
export async function findFileFault(path: string): Promise<FileFault | undefined> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) return { message: 'a directory stands here where a file is wanted' };
    if (!status.isFile()) return { message: 'this is not a regular file' };
    if ((status.mode & READ_BITS) === 0) return { message: 'nobody may read this file', hint: `chmod 0640 ${path}` };
    return undefined;
  } catch (error) {
    return openFault(error);
  }
}

function openFault(error: unknown): FileFault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return { message: 'there is no such file', hint: 'name a gateway.yaml, its directory, or a mapping, from where you are' };
  if (code === 'EACCES')
    return { message: 'this file may not be read', hint: 'give the user of the gateway the right to read it' };
  return { message: `this file cannot be read (${code})` };
}

async function findSizeFault(path: string): Promise<FileFault | undefined> {
  const { size } = await stat(path);
  if (size <= MAX_FILE_BYTES) return undefined;
  return { message: `the file has ${size} bytes, more than ${MAX_FILE_BYTES}`, hint: 'split it into several mappings' };
}

function findEncodingFault(bytes: Uint8Array): FileFault | undefined {
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || second === 0 || first === 0;
  return isUtf16 && bytes.length > 1 ? { message: 'the file is UTF-16 or binary, not UTF-8', hint: SAVE_AS } : undefined;
}

function decode(bytes: Uint8Array, path: string, name: string, problems: ProblemList): SourceFile | undefined {
  const text = Buffer.from(bytes).toString('utf8');
  const file = new SourceFile(path, name, text.replace(/^\u{FEFF}/u, ''));
  if (text !== file.text) {
    problems.add({ at: file.span(0), severity: 'warning', message: 'the file begins with a byte order mark', hint: SAVE_AS });
  }
  const before = problems.errors;
  if (!Buffer.from(text, 'utf8').equals(bytes)) addInvalidUtf8(bytes, file, problems);
  for (const match of file.text.matchAll(CONTROL)) addControlCharacter(match[0], match.index, file, problems);
  return problems.errors > before ? undefined : file;
}

/** Decoding and encoding again gave other bytes; up to the first that differs the text is what the file holds. */
function addInvalidUtf8(bytes: Uint8Array, file: SourceFile, problems: ProblemList): void {
  const again = Buffer.from(file.text, 'utf8');
  const skipped = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let at = 0;
  while (again[at] === bytes[at + skipped]) at += 1;
  const offset = again
    .subarray(0, at)
    .toString('utf8')
    .replace(/\u{FFFD}+$/u, '').length;
  const got = `byte 0x${(bytes[at + skipped] ?? 0).toString(16).padStart(2, '0').toUpperCase()}`;
  problems.add({ at: file.span(offset), code: 'CONFIG_SYNTAX', message: 'this is not UTF-8', got, hint: SAVE_AS });
}

function addControlCharacter(character: string, offset: number, file: SourceFile, problems: ProblemList): void {
  if (ALLOWED_CONTROL.has(character)) return;
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const message = `control character U+${code}`;
  problems.add({ at: file.span(offset), code: 'CONFIG_SYNTAX', message, hint: 'remove it; it cannot be seen in most editors' });
}
