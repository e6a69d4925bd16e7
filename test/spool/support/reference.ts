import assert from 'node:assert/strict';
import type { MessageClass, Stored } from '../../../src/model/twin-message.ts';

interface Declared {
  readonly from: number;
  readonly to: number;
  readonly messages: number;
  /** Some numbers of the range come. */
  readonly isThinned: boolean;
}

/** What one hub has received, judged as the cloud would: by sequence numbers and gap records, for one epoch. */
export class Receiver {
  readonly #seen = new Map<string, Map<number, unknown>>();
  readonly #epochs = new Map<MessageClass, Set<string>>();
  readonly #declared = new Map<string, Declared[]>();
  readonly #lastOffsets = new Map<MessageClass, number>();

  /** `resent`: a rewind or a restart came before, so older messages may come again. */
  take(stored: readonly Stored[], resent = false): void {
    if (resent) this.#lastOffsets.clear();
    for (const { class: name, offset, sequence, epoch, message } of stored) {
      assert.ok(offset > (this.#lastOffsets.get(name) ?? 0), 'offsets rise');
      this.#lastOffsets.set(name, offset);
      this.#epochs.set(name, (this.#epochs.get(name) ?? new Set()).add(epoch));
      const key = `${epoch} ${message.twin}`;
      const seen = this.#seen.get(key) ?? new Map();
      this.#seen.set(key, seen);
      const value = message.gap ?? message.values.value?.[0]?.[1];
      if (seen.has(sequence)) assert.deepEqual(value, seen.get(sequence), `the message ${key} ${sequence} stays the same`);
      else if (message.gap !== undefined) this.#declare(message.gap.epoch ?? epoch, message.twin, message.gap);
      seen.set(sequence, value);
    }
  }

  #declare(epoch: string, twin: string, gap: NonNullable<Stored['message']['gap']>): void {
    if (gap.toSequence === undefined) return;
    const key = `${epoch} ${twin}`;
    const ranges = this.#declared.get(key) ?? [];
    const { fromSequence: from = 1, toSequence: to, messages } = gap;
    this.#declared.set(key, [...ranges, { from, to, messages, isThinned: gap.reason === 'thinned' }]);
  }

  values(): readonly unknown[] {
    return [...this.#seen.values()].flatMap((seen) => [...seen.values()]);
  }

  /** Of the class that had most. */
  epochs(): number {
    return Math.max(0, ...[...this.#epochs.values()].map(({ size }) => size));
  }

  /** Sequence numbers up to the highest seen that neither arrived nor were declared. */
  unexplained(): readonly string[] {
    return [...this.#seen].flatMap(([key, seen]) =>
      missing(seen)
        .filter((n) => !this.#isDeclared(key, n))
        .map((n) => `${key} ${n}`),
    );
  }

  /** Sequence numbers that arrived although a gap record said they would not; ranges of which more is said to be thinned away than is missing. */
  overclaimed(): readonly string[] {
    return [...this.#seen].flatMap(([key, seen]) => [
      ...[...seen.keys()].filter((n) => this.#isClaimed(key, n)).map((n) => `${key} ${n}`),
      ...this.#thinnedTooMuch(key, seen),
    ]);
  }

  #thinnedTooMuch(key: string, seen: ReadonlyMap<number, unknown>): readonly string[] {
    const thinned = (this.#declared.get(key) ?? []).filter(({ isThinned }) => isThinned);
    const arrivedIn = ({ from, to }: Declared) => [...seen.keys()].filter((n) => from <= n && n <= to).length;
    return thinned
      .filter((range) => range.to - range.from + 1 - arrivedIn(range) < range.messages)
      .map(({ from, to, messages }) => `${key} ${messages} of ${from} to ${to}`);
  }

  missingCount(): number {
    return [...this.#seen.values()].reduce((sum, seen) => sum + missing(seen).length, 0);
  }

  declaredCount(): number {
    return [...this.#declared.values()].flat().reduce((sum, { messages }) => sum + messages, 0);
  }

  /** Where only the end of a loss was known, `messages` is 0 and nothing exact is claimed. */
  #isClaimed(key: string, sequence: number): boolean {
    return (this.#declared.get(key) ?? []).some(
      ({ from, to, messages, isThinned }) => messages > 0 && !isThinned && from <= sequence && sequence <= to,
    );
  }

  #isDeclared(key: string, sequence: number): boolean {
    return (this.#declared.get(key) ?? []).some(({ from, to }) => from <= sequence && sequence <= to);
  }
}

function missing(seen: ReadonlyMap<number, unknown>): number[] {
  const last = Math.max(...seen.keys());
  const all = Array.from({ length: last }, (_, index) => index + 1);
  return all.filter((sequence) => !seen.has(sequence));
}
