import type { DevicePlan } from '../../../model/plan.ts';
import type { Point } from '../../../model/point.ts';
import type { Reading } from '../../../model/reading.ts';
import type { Stored } from '../../../model/twin-message.ts';
import type { JsonValue, Value } from '../../../model/value.ts';
import { isObject, type JsonObject } from './json.ts';
import type { Layout } from './layout.ts';
import { twinValue } from './twin-value.ts';

/** A property of a point with `write:` that the cloud has not wished anything of (IoT Plug and Play: set by the device). */
const SET_BY_DEVICE = { ac: 203, av: 0, ad: 'set by the device' };

export interface State {
  /** Absent: nothing of it. */
  readonly patch?: JsonObject;
  /** Nothing of the message was left out. */
  readonly isWhole: boolean;
  /** Ids of the points in it. */
  readonly points: readonly string[];
  readonly place: Place;
}

/** Which of the messages of a twin: their times are those of the device, whose clock may be wrong, and set back. */
type Place = Pick<Stored, 'class' | 'epoch' | 'sequence'>;

/** States of twins as reported properties. */
export class States {
  readonly #layout: Layout;
  readonly #devices: readonly DevicePlan[];
  readonly #writable: ReadonlySet<string>;
  /** Of the newest state that was reported, by point. */
  readonly #places = new Map<string, Place>();

  constructor(layout: Layout, devices: readonly DevicePlan[]) {
    this.#layout = layout;
    this.#devices = devices;
    const plans = devices.flatMap(({ points }) => points);
    this.#writable = new Set(plans.filter(({ write }) => write !== undefined).map(({ point }) => point.id));
  }

  /**
   * What of a message is the state of now and fits into a twin. `reported`: what the hub has. Messages that lay in the spool may come
   * after newer ones; they must not set a state back.
   */
  stateOf({ message: { twin, values }, ...stored }: Stored, reported: JsonObject): State {
    const place: Place = { class: stored.class, epoch: stored.epoch, sequence: stored.sequence };
    const entries: [string, JsonValue][] = [];
    const points: string[] = [];
    for (const [name, timed] of Object.entries(values)) {
      const id = `${twin}/${name}`;
      const [, value] = timed.at(-1) ?? [0, null];
      const entry = this.#isOld(id, place) ? undefined : this.#entry(twin, name, value, reported);
      if (entry === undefined) continue;
      entries.push([name, entry]);
      points.push(id);
    }
    const isWhole = entries.length === Object.keys(values).length;
    if (entries.length === 0) return { isWhole, points, place };
    return { isWhole, points, place, patch: this.#layout.patch(twin, Object.fromEntries(entries)) };
  }

  /** The hub has it. */
  reportedAt({ points, place }: State): void {
    for (const id of points) if (!this.#isOld(id, place)) this.#places.set(id, place);
  }

  /** States that are known here and missing there: of a device that was made anew in the hub. */
  missing(reported: JsonObject, latest: (point: Point) => Reading | undefined): readonly JsonObject[] {
    return this.#devices.flatMap(({ twin, points }) =>
      points.flatMap(({ point }) => {
        if (point.kind !== 'property' || this.#layout.find(reported, twin, point.name) !== undefined) return [];
        const value = latest(point)?.value ?? null;
        const entry = value === null ? undefined : this.#entry(twin, point.name, value, reported);
        return entry === undefined ? [] : [this.#layout.patch(twin, { [point.name]: entry })];
      }),
    );
  }

  #isOld(id: string, { class: of, epoch, sequence }: Place): boolean {
    const newest = this.#places.get(id);
    return newest !== undefined && newest.class === of && newest.epoch === epoch && sequence < newest.sequence;
  }

  /** Without a value the property is taken away: the twin says nothing where nothing is known. */
  #entry(twin: string, name: string, value: Value | null, reported: JsonObject): JsonValue | undefined {
    const isWritable = this.#writable.has(`${twin}/${name}`);
    const there = this.#layout.find(reported, twin, name);
    const isAnswered = isObject(there) && typeof there.av === 'number';
    if (value === null) return isWritable && isAnswered ? { value: null } : null;
    const told = twinValue(value, this.#layout.depth + (isWritable ? 1 : 0));
    if (told === undefined || !isWritable) return told;
    return isAnswered ? { value: told } : { value: told, ...SET_BY_DEVICE };
  }
}
