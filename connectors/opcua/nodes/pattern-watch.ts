import type { ClientSession } from 'node-opcua-client';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import type { PatternChange, Patterns } from './patterns.ts';

export interface PatternWatchOptions {
  readonly patterns: Patterns;
  readonly session: ClientSession;
  readonly facts: ServerFacts;
  readonly clock: Clock;
  readonly everyMs: number;
}

/** A server that is being changed changes many times. */
const SHORTEST_MS = 2_000;

/** When patterns are looked up anew within a session: now and then, and soon after the server said that its nodes have changed. */
export class PatternWatch {
  readonly #options: PatternWatchOptions;
  #lookedMs: number;
  #isDoubted = false;

  /** The patterns were just resolved. */
  constructor(options: PatternWatchOptions) {
    this.#options = options;
    this.#lookedMs = options.clock.monotonicMs();
  }

  /** There are signs that nodes have come or gone. */
  doubt(): void {
    this.#isDoubted = true;
  }

  /** What has changed, where it was time to look; to be asked often. */
  async changes(): Promise<PatternChange | undefined> {
    const { patterns, session, facts, clock, everyMs } = this.#options;
    if (patterns.present.length === 0) return undefined;
    const waitMs = this.#isDoubted ? Math.min(SHORTEST_MS, everyMs) : everyMs;
    if (clock.monotonicMs() - this.#lookedMs < waitMs) return undefined;
    this.#lookedMs = clock.monotonicMs();
    this.#isDoubted = false;
    return patterns.resolve(session, facts);
  }
}
