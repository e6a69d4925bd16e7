import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { JsonValue } from '../../../model/value.ts';
import type { Log } from '../../../runtime/log.ts';
import { readState, writeState } from '../../state-file.ts';
import type { TwinEntry } from './layout.ts';

/** How a desired property was answered, as IoT Plug and Play wants it. */
export interface Acknowledgement {
  readonly code: number;
  readonly description: string;
  /** What holds now, where it is known. */
  readonly value?: JsonValue;
}

interface Handled {
  readonly value: JsonValue;
  readonly version: number;
  readonly answer: Acknowledgement;
}

/** Of what is remembered; a device twin has 32 KB. */
const MAX_HANDLED_BYTES = 1_048_576;
/** Of each, beside its value. */
const HANDLED_BYTES = 200;

const json = z.custom<JsonValue>((value) => value !== undefined);
const fileSchema = z.object({
  device: z.string(),
  handled: z.record(
    z.string(),
    z.object({
      value: json,
      version: z.number(),
      answer: z
        .object({ code: z.number(), description: z.string(), value: json.optional() })
        .transform(({ value, ...answer }): Acknowledgement => ({ ...answer, ...(value === undefined ? {} : { value }) })),
    }),
  ),
});

/**
 * What was wished and what became of it, over sessions and restarts: a wish is fulfilled or refused once. The version of the hub
 * counts changes of any property, so the value tells whether this one was wished anew.
 */
export class DesiredBook {
  readonly #path: string;
  readonly #log: Log;
  #device = '';
  #handled = new Map<string, Handled>();
  /** Under way, with the value that was wished. */
  readonly #asked = new Map<string, JsonValue>();
  #saving: Promise<void> = Promise.resolve();
  #isSaveDue = false;
  #isLoaded = false;
  /** Told in the session of now, whichever it was asked in. */
  onSettled: (wish: TwinEntry, version: number, answer: Acknowledgement) => void = () => {};

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** `device`: host and device id; wishes to another one are none of ours. */
  async open(device: string): Promise<void> {
    if (!this.#isLoaded) {
      this.#isLoaded = true;
      const kept = await readState(this.#path, fileSchema);
      this.#device = kept?.device ?? device;
      this.#handled = new Map(Object.entries(kept?.handled ?? {}));
    }
    if (this.#device === device) return;
    this.#device = device;
    this.#handled.clear();
  }

  /** The answer of before; `undefined` where it is a new wish. `acknowledged`: the version that the twin says was answered. */
  answerOf(wish: TwinEntry, version: number, acknowledged: number | undefined): Handled | undefined {
    const before = this.#handled.get(keyOf(wish));
    // A device made anew in the hub counts from one again.
    if (before !== undefined && before.version <= version && isDeepStrictEqual(before.value, wish.value)) return before;
    if (before !== undefined || acknowledged === undefined || acknowledged < version) return undefined;
    return { value: wish.value, version: acknowledged, answer: { code: 200, description: 'acknowledged before' } };
  }

  isUnderWay(wish: TwinEntry): boolean {
    return isDeepStrictEqual(this.#asked.get(keyOf(wish)), wish.value);
  }

  begin(wish: TwinEntry): void {
    this.#asked.set(keyOf(wish), wish.value);
  }

  /** It could not even be asked; the next look at the twin brings it again. */
  giveUp(wish: TwinEntry): void {
    this.#asked.delete(keyOf(wish));
  }

  settle(wish: TwinEntry, version: number, answer: Acknowledgement): void {
    if (this.isUnderWay(wish)) this.#asked.delete(keyOf(wish));
    this.#handled.delete(keyOf(wish));
    this.#handled.set(keyOf(wish), { value: wish.value, version, answer });
    this.#makeRoom();
    this.#save();
    this.onSettled(wish, version, answer);
  }

  forget(isGone: (twin: string, name: string) => boolean): void {
    for (const key of [...this.#handled.keys()]) {
      const [twin = '', name = ''] = JSON.parse(key) as string[];
      if (isGone(twin, name)) this.#handled.delete(key);
    }
    this.#save();
  }

  /** For tests and a stop: what was said last is on disk. */
  saved(): Promise<void> {
    return this.#saving;
  }

  /** The oldest are forgotten first. */
  #makeRoom(): void {
    let bytes = 0;
    for (const [key, { value }] of [...this.#handled].toReversed()) {
      bytes += HANDLED_BYTES + JSON.stringify(value).length;
      if (bytes > MAX_HANDLED_BYTES) this.#handled.delete(key);
    }
  }

  /** What changes while it is written is written together. */
  #save(): void {
    if (this.#isSaveDue) return;
    this.#isSaveDue = true;
    this.#saving = this.#saving
      .then(() => {
        this.#isSaveDue = false;
        return writeState(this.#path, { device: this.#device, handled: Object.fromEntries(this.#handled) });
      })
      .catch((error: unknown) => this.#log.warn('answers to desired properties not kept', { file: this.#path, error }));
  }
}

function keyOf({ twin, name }: Pick<TwinEntry, 'twin' | 'name'>): string {
  return JSON.stringify([twin, name]);
}
