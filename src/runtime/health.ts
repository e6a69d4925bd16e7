import type { Clock } from './clock.ts';
import { type EventLoopDelay, watchEventLoop } from './event-loop-delay.ts';

/** Whether the gateway itself works. An absent device or hub is not its illness: no restart would bring them back. */
export interface Health {
  readonly isHealthy: boolean;
  /** For people: what stands still and since when. Empty when healthy. */
  readonly reasons: readonly string[];
  /** For people: what is not as it should be and is no illness, because no restart would mend it. */
  readonly remarks?: readonly string[];
}

/** A part that must move while it has work. */
export interface Progress {
  /** Anything that differs after each piece of work done, e.g. a rising count. */
  readonly mark: string | number;
  /** There is nothing to do, or what is missing is not in our hands. */
  readonly isIdle: boolean;
}

export interface HealthOptions {
  readonly clock: Clock;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** By name of the part, e.g. `spool`, `forwarder cloud`; cheap, asked at every check. */
  readonly parts: () => Readonly<Record<string, Progress>>;
  readonly everyMs?: number;
  /** A part with work that does not move for so long stands still. */
  readonly stallMs?: number;
  readonly maxEventLoopDelayMs?: number;
  readonly eventLoop?: EventLoopDelay;
}

/** Watches until the signal; the function returned gives the last judgement and costs nothing. */
export function watchHealth(options: HealthOptions): () => Health {
  const { clock, signal, everyMs = 5_000, eventLoop = watchEventLoop() } = options;
  let health: Health = { isHealthy: true, reasons: [] };
  const stalls = new StallWatch(Math.ceil((options.stallMs ?? 120_000) / everyMs), everyMs);
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal);
      const reasons = [
        ...judgeEventLoop(eventLoop.takeMs(), options.maxEventLoopDelayMs ?? 1_000),
        ...stalls.look(options.parts()),
      ];
      health = { isHealthy: reasons.length === 0, reasons };
    }
  };
  watch()
    .catch((error: unknown) => {
      if (!signal.aborted) health = { isHealthy: false, reasons: [`the health watch ended: ${String(error)}`] };
    })
    .finally(() => eventLoop.close());
  return () => health;
}

function judgeEventLoop(delayMs: number, maxMs: number): readonly string[] {
  return delayMs <= maxMs ? [] : [`event loop is ${Math.round(delayMs)} ms late, at most ${maxMs} ms is healthy`];
}

/** Counts looks and not time: a machine that slept for an hour has not stood still for an hour. */
class StallWatch {
  readonly #maxLooks: number;
  readonly #everyMs: number;
  readonly #seen = new Map<string, { mark: string | number; looks: number }>();

  constructor(maxLooks: number, everyMs: number) {
    this.#maxLooks = maxLooks;
    this.#everyMs = everyMs;
  }

  look(parts: Readonly<Record<string, Progress>>): readonly string[] {
    return Object.entries(parts).flatMap(([name, { mark, isIdle }]) => {
      const before = this.#seen.get(name);
      const looks = before === undefined || isIdle || before.mark !== mark ? 0 : before.looks + 1;
      this.#seen.set(name, { mark, looks });
      return looks < this.#maxLooks ? [] : [`${name} has work and has not moved for ${(looks * this.#everyMs) / 1_000} s`];
    });
  }
}
