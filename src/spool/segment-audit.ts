import { type Audit, AuditBook, type AuditFacts } from './audit-book.ts';
import type { BlockCodec } from './block.ts';
import type { FileSystem } from './file-system.ts';
import type { Frame } from './frame.ts';
import { FrameScanner } from './frame-scanner.ts';
import { FIRST_FRAME_AT } from './segment.ts';

export interface AuditOptions extends AuditFacts {
  readonly fileSystem: FileSystem;
  readonly codec: BlockCodec;
  /** Gap records by another way: what one told that is missing is told again. */
  readonly gapCopies: () => AsyncIterable<readonly Frame[]>;
  readonly onDamage: (from: number, to: number) => Promise<void>;
}

/** Reads a segment from end to end and tells what of it will not arrive: what is damaged, and what is dropped with it. */
export async function auditSegment(options: AuditOptions): Promise<Audit> {
  const { fileSystem, codec, segment, endOffset } = options;
  const book = new AuditBook(options);
  const file = await fileSystem.open(segment.path, 'read').catch(() => undefined);
  try {
    const scanner = new FrameScanner(file ?? UNREADABLE, FIRST_FRAME_AT, codec);
    for (let items = await scanner.next(segment.bytes); items.length > 0; items = await scanner.next(segment.bytes)) {
      for (const item of items) {
        if (item.found === 'damage') await options.onDamage(item.from, item.to);
        else if (item.frame.kind === 'message' && item.frame.offset < endOffset) book.see(item.frame);
      }
    }
  } catch {
    // What cannot be read is missing; the sequence numbers after it tell how much.
  } finally {
    await file?.close().catch(() => {});
  }
  book.end();
  if (book.hasHoles) for await (const copies of options.gapCopies()) for (const copy of copies) book.tellAgain(copy);
  return book.close();
}

const UNREADABLE = {
  size: async () => 0,
  identity: async () => '',
  read: async () => 0,
  write: async () => 0,
  datasync: async () => {},
  truncate: async () => {},
  close: async () => {},
};
