import type { Line, Packet } from '../../dialect.ts';
import { MAX_BYTES_PER_SECOND, PUBLISHES_PER_SECOND } from './limits.ts';

/** The same line, on which packets go out in their order, no more bytes and no more packets in a second than a connection is allowed. */
export function paced(line: Line): Line {
  let freeAtMs = 0;
  let turn: Promise<void> = Promise.resolve();
  const wait = async (bytes: number): Promise<void> => {
    const nowMs = line.clock.monotonicMs();
    const startMs = Math.max(nowMs, freeAtMs);
    freeAtMs = startMs + Math.max((bytes * 1_000) / MAX_BYTES_PER_SECOND, 1_000 / PUBLISHES_PER_SECOND);
    // What is said at the end does not wait.
    if (startMs > nowMs && !line.over.aborted) await line.clock.sleep(startMs - nowMs, line.over);
  };
  const pass = ({ payload }: Packet): Promise<void> => {
    const passed = turn.then(() => wait(payload.length));
    turn = passed.catch(() => {});
    return passed;
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
