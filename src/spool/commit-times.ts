/** So many commits are told apart; beyond it every second one is forgotten. */
const MOST = 256;

interface Commit {
  /** Messages of the hub until then. */
  readonly before: number;
  readonly atMs: number;
}

/** When the messages of one hub were committed, as far back as is known: how long the oldest waits is told without reading it. */
export class CommitTimes {
  #commits: Commit[] = [];

  /** Of the messages after the first `before`. */
  add(before: number, atMs: number): void {
    if (this.#commits.length >= MOST) this.#commits = this.#commits.filter((_, index) => index % 2 === 0);
    this.#commits.push({ before, atMs });
  }

  /** Of the message after the first `passed`, or a little earlier. What was committed before it is forgotten. */
  after(passed: number): number | undefined {
    const index = this.#commits.findLastIndex(({ before }) => before <= passed);
    if (index > 0) this.#commits = this.#commits.slice(index);
    return index < 0 ? undefined : this.#commits[0]?.atMs;
  }
}
