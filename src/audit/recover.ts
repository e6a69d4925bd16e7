import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listFiles, readHead } from './audit-files.ts';
import { type AuditLine, type AuditPlace, type Fields, ORIGIN, type Piece, piecesOf } from './audit-line.ts';

/** What a start found. */
export interface Recovery {
  /** The chain goes on from here. */
  readonly place: AuditPlace;
  /** The file to go on with, and where in it; absent: the next line begins a file. */
  readonly file?: { readonly name: string; readonly size: number };
  /** What has to be declared in the chain before anything else. */
  readonly declaration?: Fields;
  /** The last `start` in the newest file. */
  readonly lastStart?: AuditLine;
}

/** So much of what is cut off is kept in the declaration. */
const MAX_CUT_TEXT = 1_000;

/**
 * Finds the end of the log after a stop of any kind. What stands behind the last whole line of the newest file is torn or damaged: the
 * declaration takes its place. Lines that the head knows and the log does not are gone: the numbers go on behind them.
 */
export async function recover(directory: string): Promise<Recovery> {
  const names = await listFiles(directory);
  const head = await readHead(directory);
  const newest = names.at(-1);
  if (newest === undefined) return typeof head === 'string' ? { place: ORIGIN } : gone(head, ORIGIN);
  const contents = await readFile(join(directory, newest));
  const pieces = [...piecesOf(contents)];
  const last = pieces.findLast(({ line }) => line !== undefined);
  const size = last?.end ?? 0;
  const found = last?.line ?? (await lastOfOlder(directory, names.slice(0, -1))) ?? ORIGIN;
  const cut = contents.subarray(size);
  const declared = {
    ...(cut.length === 0 ? {} : { cutBytes: cut.length, cutText: cut.toString('latin1', 0, MAX_CUT_TEXT) }),
    ...(typeof head === 'string' ? { head } : gone(head, found).declaration),
  };
  const lastStart = pieces.findLast(({ line }) => line?.kind === 'start')?.line;
  return {
    place: typeof head !== 'string' && head.sequence > found.sequence ? gone(head, found).place : placeOf(found),
    file: { name: newest, size },
    ...(Object.keys(declared).length === 0 ? {} : { declaration: declared }),
    ...(lastStart === undefined ? {} : { lastStart }),
  };
}

/** Lines after `found` up to `head` are missing. */
function gone(head: AuditPlace, found: AuditPlace): Pick<Recovery, 'place' | 'declaration'> {
  if (head.sequence <= found.sequence) return { place: placeOf(found) };
  const missing = { from: found.sequence + 1, to: head.sequence };
  return { place: { sequence: head.sequence, hash: found.hash }, declaration: { missing } };
}

async function lastOfOlder(directory: string, names: readonly string[]): Promise<AuditLine | undefined> {
  for (const name of names.toReversed()) {
    const isWhole = ({ line }: Piece) => line !== undefined;
    const last = [...piecesOf(await readFile(join(directory, name)))].findLast(isWhole);
    if (last?.line !== undefined) return last.line;
  }
  return undefined;
}

function placeOf({ sequence, hash }: AuditPlace): AuditPlace {
  return { sequence, hash };
}
