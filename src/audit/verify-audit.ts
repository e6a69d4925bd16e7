import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Head, listFiles, readHead } from './audit-files.ts';
import { type AuditLine, type AuditPlace, ORIGIN, piecesOf } from './audit-line.ts';

/** A place where the log is not what was once written. */
export interface AuditBreak {
  readonly file: string;
  /** From 1; absent where the file as a whole is meant. */
  readonly line?: number;
  readonly message: string;
}

export interface AuditProof {
  readonly isSound: boolean;
  readonly entries: number;
  readonly files: number;
  readonly first?: AuditLine;
  readonly last?: AuditLine;
  readonly breaks: readonly AuditBreak[];
  /** What the log tells of itself and is no break: what a torn write left, what the disk refused, files that were let go. */
  readonly notes: readonly AuditBreak[];
}

export interface VerifyOptions {
  /** A place that is known from elsewhere, e.g. an event in the cloud. */
  readonly known?: AuditPlace;
}

/** Reads the whole log and follows the chain. Also while a gateway writes it: what is behind the last whole line is then left out. */
export async function verifyAudit(directory: string, { known }: VerifyOptions = {}): Promise<AuditProof> {
  const head = await readHead(directory);
  const check = new ChainCheck(known === undefined ? [] : [known], head);
  const names = await listFiles(directory);
  for (const [index, name] of names.entries()) {
    check.read(name, await readFile(join(directory, name)), index === names.length - 1);
  }
  check.end(names.length);
  return check.proof(names.length);
}

const NEWLINE = 0x0a;

class ChainCheck {
  readonly #known: readonly AuditPlace[];
  readonly #head: Head;
  readonly #breaks: AuditBreak[] = [];
  readonly #notes: AuditBreak[] = [];
  /** Everything below is gone, as a line of the log says. */
  #released: AuditPlace | undefined;
  /** Only of the lines that somebody knows. */
  readonly #hashes = new Map<number, string | undefined>();
  #entries = 0;
  #first: AuditLine | undefined;
  #last: AuditLine | undefined;
  /** After a damaged line nothing is known of what comes next. */
  #isLost = false;

  constructor(known: readonly AuditPlace[], head: Head) {
    this.#known = known;
    this.#head = head;
    for (const place of typeof head === 'string' ? known : [head, ...known]) this.#hashes.set(place.sequence, undefined);
  }

  read(file: string, contents: Buffer, isNewest: boolean): void {
    let number = 0;
    for (const { line, end } of piecesOf(contents)) {
      number += 1;
      if (line !== undefined) this.#take(line, file, number);
      else if (isNewest && end === contents.length && contents.at(-1) !== NEWLINE) {
        this.#notes.push({ file, line: number, message: 'the last line is not whole: torn, or being written' });
      } else {
        this.#breaks.push({ file, line: number, message: 'this is not what was written here' });
        this.#isLost = true;
      }
    }
  }

  end(files: number): void {
    const file = 'head.json';
    const head = this.#head;
    if (files === 0 && head === 'missing') return;
    if (typeof head === 'string') this.#breaks.push({ file, message: `it is ${head}, so that lines may be missing at the end` });
    else this.#expect(head, file, 'what was last written');
    for (const place of this.#known) this.#expect(place, 'log', 'the line that is known from elsewhere');
    this.#checkFront();
  }

  proof(files: number): AuditProof {
    const ends = this.#first === undefined || this.#last === undefined ? {} : { first: this.#first, last: this.#last };
    return {
      isSound: this.#breaks.length === 0,
      entries: this.#entries,
      files,
      ...ends,
      breaks: this.#breaks,
      notes: this.#notes,
    };
  }

  #take(line: AuditLine, file: string, number: number): void {
    const before = this.#last ?? (line.sequence === 1 ? ORIGIN : undefined);
    if (before !== undefined && !this.#isLost) this.#follow(before, line, file, number);
    this.#isLost = false;
    this.#note(line, file, number);
    this.#entries += 1;
    this.#first ??= line;
    this.#last = line;
    if (this.#hashes.has(line.sequence)) this.#hashes.set(line.sequence, line.hash);
  }

  #follow(before: AuditPlace, line: AuditLine, file: string, number: number): void {
    const add = (message: string) => this.#breaks.push({ file, line: number, message });
    const missing = line.kind === 'recovered' ? (line.missing as { readonly from?: unknown; readonly to?: unknown }) : undefined;
    const from = before.sequence + 1;
    const to = line.sequence - 1;
    if (line.previous !== before.hash) add(`it does not follow line ${before.sequence}: lines were changed, moved or left out`);
    else if (missing?.from === from && missing.to === to) add(`lines ${from} to ${to} were gone when the gateway started`);
    else if (line.sequence !== from) add(`expected line ${from}, this is line ${line.sequence}`);
  }

  #note({ kind, ...line }: AuditLine, file: string, number: number): void {
    const add = (message: string) => this.#notes.push({ file, line: number, message });
    if (kind === 'recovered' && line.cutBytes !== undefined) add(`${line.cutBytes} bytes of a torn write were cut off before`);
    if (kind === 'recovered' && line.head !== undefined) add(`head.json was ${line.head} when the gateway started`);
    if (kind === 'lost') add(`${line.entries} entries were not written, because the disk refused them`);
    if (kind !== 'deleted') return;
    add(`${line.file} was let go for room`);
    this.#released = { sequence: Number(line.through), hash: String(line.throughHash) };
  }

  #expect({ sequence, hash }: AuditPlace, file: string, what: string): void {
    const found = this.#hashes.get(sequence);
    if (found === hash || (found === undefined && sequence <= (this.#released?.sequence ?? 0))) return;
    const message = found === undefined ? `line ${sequence}, ${what}, is missing` : `line ${sequence} is not ${what}`;
    this.#breaks.push({ file, message });
  }

  /** A log that does not begin at the beginning has to say why. */
  #checkFront(): void {
    const first = this.#first;
    if (first === undefined || first.sequence === 1) return;
    const { sequence, hash } = this.#released ?? ORIGIN;
    if (first.sequence === sequence + 1 && first.previous === hash) return;
    this.#breaks.push({ file: 'log', message: `lines before ${first.sequence} are missing, and no line tells why` });
  }
}
