import type { Clock } from '../../../src/runtime/clock.ts';

/** Who wants the line. */
export interface Claim {
  readonly unit: number;
  /** Monotonic milliseconds by which a poll should be made; absent for a command. */
  readonly deadlineMs?: number;
}

interface Waiting {
  readonly claim: Claim;
  readonly go: () => void;
}

/**
 * Who gets the line next. Commands first, in order of coming, one at a time for each unit. Then polls by their deadline, which
 * keeps every deadline that any order could keep. Where deadlines are missed the line is shared: among the units whose polls are
 * overdue, the one that had least of the line's time goes first, so that a unit that is slow, or is asked for much, takes from
 * its own share and not from its neighbours' (start-time fair queuing: a unit that had nothing to ask has saved nothing up).
 */
export class LineQueue {
  readonly #capacity: number;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  readonly #running = new Set<Claim>();
  readonly #usedMs = new Map<number, number>();
  /** What the unit that went last had used when it went. */
  #nowUsedMs = 0;

  /** `capacity`: how many may have the line at once. */
  constructor(capacity: number, clock: Clock) {
    this.#capacity = capacity;
    this.#clock = clock;
  }

  /** Gives the function that gives the turn back, at once where the line is free. Rejects with the signal's reason while waiting. */
  take(claim: Claim, signal: AbortSignal): (() => void) | Promise<() => void> {
    signal.throwIfAborted();
    this.#enter(claim);
    // While there is room, whoever waits is held up by a command of the same unit.
    const isFree = this.#running.size < this.#capacity && this.#mayGo(claim);
    if (!isFree) return this.#wait(claim, signal).then(() => this.#start(claim));
    this.#running.add(claim);
    return this.#start(claim);
  }

  #start(claim: Claim): () => void {
    const startedMs = this.#clock.monotonicMs();
    this.#nowUsedMs = Math.max(this.#nowUsedMs, this.#used(claim));
    return () => this.#giveBack(claim, startedMs);
  }

  #enter(claim: Claim): void {
    const isIdle = this.#running.size === 0 && this.#waiting.length === 0;
    const isActive =
      !isIdle && [...this.#running, ...this.#waiting.map((other) => other.claim)].some(({ unit }) => unit === claim.unit);
    if (!isActive) this.#usedMs.set(claim.unit, Math.max(this.#used(claim), this.#nowUsedMs));
  }

  #used({ unit }: Claim): number {
    return this.#usedMs.get(unit) ?? 0;
  }

  /** The turn is handed over: it stays taken in between, so that nobody slips in. */
  #giveBack(claim: Claim, startedMs: number): void {
    this.#running.delete(claim);
    if (!isCommand(claim)) this.#usedMs.set(claim.unit, this.#used(claim) + this.#clock.monotonicMs() - startedMs);
    while (this.#running.size < this.#capacity) {
      const next = this.#next();
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#running.add(next.claim);
      next.go();
    }
  }

  #next(): Waiting | undefined {
    const ready = this.#waiting.filter(({ claim }) => this.#mayGo(claim));
    const nowMs = this.#clock.monotonicMs();
    const overdue = (claim: Claim) => deadlineOf(claim) <= nowMs;
    const order = (a: Claim, b: Claim): number => {
      if (overdue(a) && overdue(b)) return this.#used(a) - this.#used(b) || deadlineOf(a) - deadlineOf(b);
      return deadlineOf(a) - deadlineOf(b);
    };
    const command = ready.find(({ claim }) => isCommand(claim));
    return (
      command ??
      ready.reduce<Waiting | undefined>((best, one) => (best && order(best.claim, one.claim) <= 0 ? best : one), undefined)
    );
  }

  /** What a command reads and then writes is not changed by another command in between. */
  #mayGo(claim: Claim): boolean {
    return !isCommand(claim) || ![...this.#running].some((other) => isCommand(other) && other.unit === claim.unit);
  }

  #wait(claim: Claim, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        claim,
        go: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(signal.reason);
      };
      this.#waiting.push(waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}

export function isCommand({ deadlineMs }: Claim): boolean {
  return deadlineMs === undefined;
}

function deadlineOf({ deadlineMs = Number.NEGATIVE_INFINITY }: Claim): number {
  return deadlineMs;
}
