import type { Clock } from '../../../runtime/clock.ts';
import type { Line, Packet } from '../../dialect.ts';
import { MAX_BYTES_PER_SECOND, PUBLISHES_PER_SECOND, REQUESTS_PER_SECOND } from './limits.ts';

/**
 * The same line, on which packets go out in their order, no more bytes and no more packets in a second than a connection is allowed. Requests
 * to shadows and jobs are held back last, so that those which waited for other packets do not come in a bunch.
 */
export function paced(line: Line): Line {
  const all = new Gate(line);
  const requests = new Gate(line);
  const pass = async (packet: Packet): Promise<void> => {
    await all.pass(Math.max((packet.payload.length * 1_000) / MAX_BYTES_PER_SECOND, 1_000 / PUBLISHES_PER_SECOND));
    if (packet.topic.startsWith('$aws/things/')) await requests.pass(1_000 / REQUESTS_PER_SECOND);
  };
  return {
    ...line,
    publish: (packet) => pass(packet).then(() => line.publish(packet)),
    tell: (packet) =>
      void pass(packet).then(
        () => line.tell(packet),
        () => {},
      ),
  };
}

/** Lets one after the other through, each with its distance to the next. */
class Gate {
  readonly #clock: Clock;
  readonly #over: AbortSignal;
  #freeAtMs = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor({ clock, over }: Pick<Line, 'clock' | 'over'>) {
    this.#clock = clock;
    this.#over = over;
  }

  /** Rejects when the session is over meanwhile. */
  pass(distanceMs: number): Promise<void> {
    const passed = this.#turn.then(() => this.#wait(distanceMs));
    this.#turn = passed.catch(() => {});
    return passed;
  }

  async #wait(distanceMs: number): Promise<void> {
    const leftMs = this.#freeAtMs - this.#clock.monotonicMs();
    // What is said at the end does not wait.
    if (leftMs > 0 && !this.#over.aborted) await this.#clock.sleep(leftMs, this.#over);
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#clock.monotonicMs()) + distanceMs;
  }
}
