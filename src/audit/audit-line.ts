import { createHash } from 'node:crypto';

/**
 * One line of the audit log: a JSON object that begins with `sequence`, `time`, `previous` and `kind` and ends with `hash`, the
 * SHA-256 of the bytes of the line before `,"hash":`. `previous` is the `hash` of the line before, so that no line can be changed,
 * left out, put in or moved without all that follow being made anew.
 */
export interface AuditLine {
  /** From 1, gapless; kept over restarts. */
  readonly sequence: number;
  /** ISO 8601. */
  readonly time: string;
  readonly previous: string;
  readonly kind: string;
  readonly hash: string;
  readonly [field: string]: unknown;
}

/** Where the chain has come to. */
export interface AuditPlace {
  readonly sequence: number;
  readonly hash: string;
}

export const ORIGIN: AuditPlace = { sequence: 0, hash: '0'.repeat(64) };

const NEWLINE = 0x0a;
const HASH_PART = /^,"hash":"([0-9a-f]{64})"\}$/;
const HASH_PART_LENGTH = ',"hash":""}'.length + 64;

export type Fields = Readonly<Record<string, unknown>>;

/** The next line after `before`, with its newline, and where the chain is then. */
export function encodeLine(
  before: AuditPlace,
  entry: { readonly timeMs: number; readonly kind: string; readonly fields: Fields },
): { readonly text: string; readonly place: AuditPlace } {
  const sequence = before.sequence + 1;
  const time = new Date(entry.timeMs).toISOString();
  const head = { sequence, time, previous: before.hash, kind: entry.kind };
  const open = JSON.stringify({ ...head, ...entry.fields, ...head }).slice(0, -1);
  const hash = digest(Buffer.from(open));
  return { text: `${open},"hash":"${hash}"}\n`, place: { sequence, hash } };
}

/** A line without its newline; `undefined` for anything that is not exactly what was written once. */
export function decodeLine(bytes: Buffer): AuditLine | undefined {
  const open = bytes.subarray(0, -HASH_PART_LENGTH);
  const [, hash] = HASH_PART.exec(bytes.subarray(open.length).toString('latin1')) ?? [];
  if (hash === undefined || digest(open) !== hash) return undefined;
  try {
    const line = JSON.parse(bytes.toString()) as AuditLine;
    return Number.isSafeInteger(line.sequence) && typeof line.previous === 'string' ? line : undefined;
  } catch {
    return undefined;
  }
}

export interface Piece {
  /** `undefined`: damaged, or without its newline. */
  readonly line: AuditLine | undefined;
  readonly start: number;
  /** After the newline. */
  readonly end: number;
}

export function* piecesOf(bytes: Buffer): Generator<Piece> {
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    yield { line: newline === -1 ? undefined : decodeLine(bytes.subarray(start, newline)), start, end };
    start = end;
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
