import type { Acknowledged } from './acknowledged.ts';
import type { Audit } from './audit-book.ts';
import type { CursorKeeper } from './cursor-keeper.ts';
import type { Dropping } from './dropping.ts';
import type { LogParts } from './log-parts.ts';
import type { LogWriter } from './log-writer.ts';
import { readSequences, type Segment } from './segment.ts';
import { auditSegment } from './segment-audit.ts';

/** Finds out what is missing in segments that somebody found damaged, and declares it, once for each kind of damage. */
export class DamageWatch {
  readonly #parts: LogParts;
  readonly #writer: LogWriter;
  readonly #keeper: CursorKeeper;
  /** Segments of which something may be missing, with what hubs had acknowledged when they noticed. */
  readonly #suspects: Map<Segment, Map<string, Acknowledged>>;

  constructor(parts: LogParts, writer: LogWriter, keeper: CursorKeeper) {
    this.#parts = parts;
    this.#writer = writer;
    this.#keeper = keeper;
    // Readers go on while the segments are examined; what they pass by then is missing all the same.
    const acknowledged = [...parts.readers].map(([hub, { cursor }]) => [hub, cursor] as const);
    this.#suspects = new Map(parts.suspects.map((segment) => [segment, new Map(acknowledged)]));
  }

  suspect(segment: Segment, hub: string, acknowledged: Acknowledged): void {
    const noticed = this.#suspects.get(segment) ?? new Map<string, Acknowledged>();
    this.#suspects.set(segment, noticed);
    if (!noticed.has(hub)) noticed.set(hub, acknowledged);
  }

  isSuspect(segment: Segment): boolean {
    return this.#suspects.has(segment);
  }

  forget(segment: Segment): void {
    this.#suspects.delete(segment);
    if (this.#keeper.declared.delete(segment.first)) this.#keeper.touch();
  }

  async examineAll(): Promise<void> {
    for (const segment of this.#suspects.keys()) {
      if (this.#parts.store.segments.includes(segment)) await this.#examine(segment);
      this.#suspects.delete(segment);
    }
  }

  async #examine(segment: Segment): Promise<void> {
    const { counters, store } = this.#parts;
    // The next segment's head counts what is missing here, too.
    if (store.segments.at(-1) === segment && !store.isFresh) await store.rotate();
    const { damaged, fingerprint, damagedMessages } = await this.audit(segment);
    if (damaged.length === 0 && fingerprint === (this.#keeper.declared.get(segment.first) ?? 0)) return;
    await this.#writer.state(damaged);
    counters.add('damaged_messages', damagedMessages);
    this.#keeper.declared.set(segment.first, fingerprint);
    this.#keeper.touch();
  }

  /** What is missing in a segment and was not declared before; with `dropping`, what of it will go as well. */
  async audit(segment: Segment, dropping?: Dropping): Promise<Audit> {
    const audit = await this.#read(segment, dropping);
    const isDeclared = this.#keeper.declared.get(segment.first) === audit.fingerprint;
    return isDeclared ? { ...audit, damaged: [], damagedMessages: 0 } : audit;
  }

  async #read(segment: Segment, dropping: Dropping | undefined): Promise<Audit> {
    const { fileSystem, codec, store, readers, nowMs, gapCopies } = this.#parts;
    return auditSegment({
      ...{ fileSystem, codec, segment, dropping, nowMs: nowMs() },
      endOffset: store.endOffset(segment),
      passed: this.#suspects.get(segment) ?? new Map(),
      before: await readSequences(fileSystem, segment).catch(() => undefined),
      after: await this.#sequencesAfter(segment),
      acknowledged: new Map([...readers].map(([hub, reader]) => [hub, reader.cursor])),
      ...{ epoch: this.#epochOf(segment), epochOfToday: store.epoch },
      gapCopies: () => gapCopies.read(),
      onDamage: (from, to) => this.#setAside(segment, from, to),
    });
  }

  async #sequencesAfter(segment: Segment) {
    const { fileSystem, store } = this.#parts;
    const epoch = this.#epochOf(segment);
    const next = this.#next(segment);
    if (next === undefined) return epoch === store.epoch ? store.table.sequences() : undefined;
    return next.head?.epoch === epoch ? readSequences(fileSystem, next).catch(() => undefined) : undefined;
  }

  /** Where its head is damaged, that of the segment after it: what the next one counts was counted here. */
  #epochOf(segment: Segment): string | undefined {
    const next = this.#next(segment)?.head;
    // A file that never became a segment is not the one before the next.
    return segment.head?.epoch ?? (next?.previous === segment.first ? next.epoch : undefined);
  }

  #next(segment: Segment): Segment | undefined {
    const { segments } = this.#parts.store;
    return segments[segments.indexOf(segment) + 1];
  }

  async #setAside(segment: Segment, from: number, to: number): Promise<void> {
    const { counters, quarantine, options } = this.#parts;
    counters.add('corrupt_records', 1);
    await quarantine.keep(segment.path, from, to);
    options.onEvent({ level: 'error', event: 'record quarantined', fields: { path: segment.path, from, to } });
  }
}
