import type { Point } from '../../../src/model/point.ts';
import type { Reading } from '../../../src/model/reading.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { UsableNode } from '../nodes/nodes.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import type { LastReadings } from './last-readings.ts';
import { readNodes } from './polling.ts';

export interface DoubtsContext {
  readonly last: LastReadings;
  readonly session: RawSession;
  readonly facts: ServerFacts;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly isAway: () => boolean;
  readonly onReadings: (readings: readonly Reading[]) => void;
  /** Called before readings that were asked for are handed on. */
  readonly onSeen: (readings: readonly Reading[]) => void;
  /** Points that the server tells only when they change. */
  readonly watched: () => readonly UsableNode[];
  /** After so long the server has told what it kept. */
  readonly settleAfterMs: () => number;
  /** The server has more to tell at once. */
  readonly isBehind: () => boolean;
}

/** Makes points uncertain whose values may have changed unseen, and good again when they were seen. */
export class Doubts {
  readonly last: LastReadings;
  readonly #context: DoubtsContext;
  #isSettling = false;

  constructor(context: DoubtsContext) {
    this.#context = context;
    this.last = context.last;
  }

  /** The network is away: nobody knows whether the values still stand. */
  tellAway(points: readonly Point[]): void {
    const { clock, onReadings } = this.#context;
    const doubted = this.last.doubt(points, 'UncertainNoCommunicationLastUsableValue', clock.nowMs());
    if (doubted.length > 0) onReadings(doubted);
  }

  /** What the server kept is told first, in its order; a value that did not change is never told again, so it is read. */
  async settle(): Promise<void> {
    const { clock, signal, isAway, settleAfterMs, isBehind } = this.#context;
    if (this.#isSettling) return;
    this.#isSettling = true;
    do {
      await clock.sleep(settleAfterMs(), signal).catch(() => {});
      if (!signal.aborted && !isAway() && !isBehind()) await this.#read();
    } while (!signal.aborted && !isAway() && this.#doubted().length > 0);
    this.#isSettling = false;
  }

  #doubted(): readonly UsableNode[] {
    return this.#context.watched().filter(({ point }) => this.last.isDoubted(point));
  }

  async #read(): Promise<void> {
    const { session, facts, clock, signal, isAway, onReadings, onSeen } = this.#context;
    const answers = await readNodes(session, this.#doubted(), facts.limits, clock);
    if (signal.aborted || isAway()) return;
    const answered = answers.filter(([{ point }, value]) => value !== undefined && this.last.isDoubted(point));
    const readings = answered.map(([reading]) => reading);
    onSeen(readings);
    if (readings.length > 0) onReadings(this.last.takeAhead(readings, clock.nowMs()));
  }
}
