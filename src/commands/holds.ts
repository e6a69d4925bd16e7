import type { Approval, CallCommand, WriteCommand } from '../model/command.ts';
import { type Finding, finding } from './finding.ts';

type Held = WriteCommand | CallCommand;

interface Hold {
  readonly command: Held;
  readonly over: AbortController;
}

export interface HoldsOptions {
  readonly clock: { sleep(ms: number, signal?: AbortSignal): Promise<void> };
  /** Nobody approved in time. */
  readonly onExpired: (command: Held) => void;
  readonly capacity?: number;
}

/** Commands that wait for a second person, each for a bounded time. Only in memory: a restart forgets them. */
export class Holds {
  readonly #options: HoldsOptions;
  readonly #capacity: number;
  readonly #holds = new Map<string, Hold>();

  constructor(options: HoldsOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? 100;
  }

  hold(command: Held, forMs: number): Finding | undefined {
    if (command.by === undefined) return finding('COMMAND_NOT_APPROVED', 'another person has to approve it: say who asks (`by`)');
    if (this.#holds.size >= this.#capacity) {
      return finding('COMMAND_TOO_OFTEN', `${this.#capacity} commands wait for approval already`);
    }
    const hold = { command, over: new AbortController() };
    this.#holds.set(keyOf(command), hold);
    this.#options.clock.sleep(forMs, hold.over.signal).then(
      () => {
        this.#holds.delete(keyOf(command));
        this.#options.onExpired(command);
      },
      () => {},
    );
    return undefined;
  }

  /** Hands out the command once, to another person than the one who asked for it. */
  release(approval: Approval): Held | Finding {
    const hold = this.#holds.get(keyOf(approval));
    if (hold === undefined) return finding('COMMAND_UNKNOWN', `no command ${approval.id} waits for approval`);
    if (approval.by === undefined) return finding('COMMAND_NOT_APPROVED', 'say who approves it (`by`)');
    if (isSamePerson(approval.by, hold.command.by ?? '')) {
      return finding('COMMAND_NOT_APPROVED', `${approval.by} asked for it; another person has to approve`);
    }
    this.#holds.delete(keyOf(approval));
    hold.over.abort();
    return hold.command;
  }

  /** Forgets everything that waits. */
  close(): void {
    for (const { over } of this.#holds.values()) over.abort();
    this.#holds.clear();
  }
}

function keyOf({ device, id }: Held | Approval): string {
  return JSON.stringify([device, id]);
}

function isSamePerson(a: string, b: string): boolean {
  return plain(a) === plain(b);
}

function plain(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase();
}
