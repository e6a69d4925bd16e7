import { mapClasses } from '../model/spool-class.ts';
import { MESSAGE_CLASSES, type MessageClass, type Stored } from '../model/twin-message.ts';
import type { ClassLane, ClassReader } from './class-log.ts';
import { ClassedLane } from './classed-lane.ts';
import type { Lanes, SpoolPlace, SpoolReader } from './spool.ts';
import type { Turns } from './turns.ts';

const NOTHING: ClassLane = { take: async () => [], acknowledge: () => {} };

/** The reader of one hub over all classes. */
export class ClassedReader implements SpoolReader {
  readonly #readers: Readonly<Record<MessageClass, ClassReader>>;
  readonly #turns: Turns;
  readonly #lane: ClassedLane;

  constructor(readers: Readonly<Record<MessageClass, ClassReader>>, turns: Turns) {
    this.#readers = readers;
    this.#turns = turns;
    this.#lane = new ClassedLane(readers, turns);
  }

  get isAtEnd(): boolean {
    return this.#lane.isAtEnd;
  }

  read(maxBytes: number, signal: AbortSignal): Promise<readonly Stored[]> {
    return this.#lane.read(maxBytes, signal);
  }

  acknowledge(last: SpoolPlace): void {
    this.#lane.acknowledge(last);
  }

  rewind(): void {
    for (const name of MESSAGE_CLASSES) this.#readers[name].rewind();
  }

  /** A class that is not behind has no history: what it has is live. */
  liveFirst(maxBehind: number): Lanes | undefined {
    const lanes = mapClasses((name) => this.#readers[name].liveFirst(maxBehind));
    if (Object.values(lanes).every((each) => each === undefined)) return undefined;
    return {
      live: new ClassedLane(
        mapClasses((name) => lanes[name]?.live ?? this.#readers[name]),
        this.#turns,
      ),
      history: new ClassedLane(
        mapClasses((name) => lanes[name]?.history ?? NOTHING),
        this.#turns,
        'ends',
      ),
    };
  }

  reject(stored: Stored, reason: string): Promise<void> {
    return this.#readers[stored.class].reject(stored, reason);
  }
}
