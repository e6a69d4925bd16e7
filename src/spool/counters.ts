/** Rising counts since start, by name in snake case. */
export class Counters {
  readonly #counts: Record<string, number> = {
    ...{ appended_messages: 0, committed_bytes: 0, commits: 0, gap_messages: 0, freed_segments: 0 },
    ...{
      dropped_messages: 0,
      thinned_messages: 0,
      expired_messages: 0,
      damaged_messages: 0,
      rejected_messages: 0,
      unaddressed_messages: 0,
    },
    ...{ corrupt_records: 0, read_errors: 0, write_errors: 0 },
  };

  add(name: string, count: number): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + count;
  }

  all(): Readonly<Record<string, number>> {
    return { ...this.#counts };
  }
}
