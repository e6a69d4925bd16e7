import { CommitTimes } from './commit-times.ts';

export type Sequences = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The last sequence number of every hub and twin, and how many messages each hub was ever given. */
export class SequenceTable {
  readonly #hubs = new Map<string, Map<string, number>>();
  readonly #totals = new Map<string, number>();
  readonly #times = new Map<string, CommitTimes>();
  #taken: { hub: string; twin: string }[] = [];

  /** Takes the next number; `rollBack` gives all back that were taken since `keep`. */
  take(hub: string, twin: string): number {
    const sequence = this.last(hub, twin) + 1;
    this.#set(hub, twin, sequence);
    this.#totals.set(hub, this.total(hub) + 1);
    this.#taken.push({ hub, twin });
    return sequence;
  }

  /** What was taken is committed. */
  keep(atMs: number): void {
    const kept = new Map<string, number>();
    for (const { hub } of this.#taken) kept.set(hub, (kept.get(hub) ?? 0) + 1);
    for (const [hub, count] of kept) this.#timesOf(hub).add(this.total(hub) - count, atMs);
    this.#taken = [];
  }

  rollBack(): void {
    for (const { hub, twin } of this.#taken) {
      this.#set(hub, twin, this.last(hub, twin) - 1);
      this.#totals.set(hub, this.total(hub) - 1);
    }
    this.#taken = [];
  }

  /** From a record that is already on disk. */
  learn(hub: string, twin: string, { sequence, atMs }: { readonly sequence: number; readonly atMs: number }): void {
    this.#set(hub, twin, Math.max(sequence, this.last(hub, twin)));
    this.#timesOf(hub).add(this.total(hub), atMs);
    this.#totals.set(hub, this.total(hub) + 1);
  }

  last(hub: string, twin: string): number {
    return this.#hubs.get(hub)?.get(twin) ?? 0;
  }

  /** Pairs of a hub and a twin. */
  get size(): number {
    return [...this.#hubs.values()].reduce((sum, twins) => sum + twins.size, 0);
  }

  total(hub: string): number {
    return this.#totals.get(hub) ?? 0;
  }

  /** The same without what was taken since `keep`. */
  kept(hub: string): number {
    return this.total(hub) - this.#taken.filter((taken) => taken.hub === hub).length;
  }

  /** When the message after the first `passed` of the hub was committed, or a little earlier; `undefined`: before the newest segment. */
  committedMs(hub: string, passed: number): number | undefined {
    return this.#times.get(hub)?.after(passed);
  }

  totals(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#totals);
  }

  sequences(): Sequences {
    return Object.fromEntries([...this.#hubs].map(([hub, twins]) => [hub, Object.fromEntries(twins)]));
  }

  restore(sequences: Sequences, totals: Readonly<Record<string, number>>): void {
    this.#hubs.clear();
    for (const [hub, twins] of Object.entries(sequences)) this.#hubs.set(hub, new Map(Object.entries(twins)));
    this.#totals.clear();
    this.#times.clear();
    for (const [hub, total] of Object.entries(totals)) this.#totals.set(hub, total);
  }

  #set(hub: string, twin: string, sequence: number): void {
    const twins = this.#hubs.get(hub) ?? new Map<string, number>();
    this.#hubs.set(hub, twins.set(twin, sequence));
  }

  #timesOf(hub: string): CommitTimes {
    const times = this.#times.get(hub) ?? new CommitTimes();
    this.#times.set(hub, times);
    return times;
  }
}
