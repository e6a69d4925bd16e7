import { createHash } from 'node:crypto';
import type { Command, CommandResult } from '../../../model/command.ts';
import { GatewayError } from '../../../model/error.ts';
import type { JsonValue, Scalar, Value } from '../../../model/value.ts';
import type { Line } from '../../dialect.ts';
import { answerCode, firstError } from './answer-code.ts';
import type { Acknowledgement, DesiredBook } from './desired-book.ts';
import { isObject, type JsonObject } from './json.ts';
import { type Layout, SETTINGS_KEY, type TwinEntry } from './layout.ts';
import type { Reported } from './reported.ts';
import { isTwinKey, twinValue } from './twin-value.ts';

/** Wishes asked at once; the others wait. */
const MAX_UNDER_WAY = 4;
/** What comes while so many wait is left: the whole is fetched when they are done. */
const MAX_WAITING = 1_000;
/** Where too many commands are under way already. */
const RETRY_MS = 1_000;

interface Wish extends TwinEntry {
  readonly version: number;
}

export interface DesiredOptions {
  readonly line: Line;
  readonly layout: Layout;
  readonly book: DesiredBook;
  readonly reported: Reported;
  /** Of a point by its name; `undefined` where none is known. */
  readonly current: (twin: string, name: string) => Value | undefined;
  readonly onFailure: (error: unknown) => void;
  /** What was left can be looked at now. */
  readonly onBehind: () => void;
}

/** Desired properties of one device in one session: each new wish becomes a command, and each answer an acknowledgement in the twin. */
export class Desired {
  readonly #options: DesiredOptions;
  #version = 0;
  #waiting: Wish[] = [];
  #isBehind = false;
  readonly #underWay = new Map<string, Wish>();

  constructor(options: DesiredOptions) {
    this.#options = options;
    options.book.onSettled = (wish, version, answer) => this.#report({ ...wish, version }, answer);
  }

  /** The whole of it, after each connect. */
  resync(desired: JsonObject): void {
    const { layout, book } = this.#options;
    this.#version = versionOf(desired) ?? 0;
    const entries = layout.entries(desired);
    const wished = new Set(entries.map(({ twin, name }) => `${twin}/${name}`));
    book.forget((twin, name) => !wished.has(`${twin}/${name}`));
    const waiting = new Set(this.#waiting.map(keyOf));
    for (const entry of entries) if (!waiting.has(keyOf(entry))) this.#look(entry);
    this.#proceed();
  }

  /** A change. `gap`: changes before it are missing, and the whole has to be fetched. `nothing`: it is known, or none of ours. */
  change(patch: JsonObject): 'wished' | 'nothing' | 'gap' {
    const { layout, book } = this.#options;
    const version = versionOf(patch);
    if (version === undefined || version > this.#version + 1) return 'gap';
    if (version <= this.#version) return 'nothing';
    this.#version = version;
    const removed = new Set(layout.removed(patch));
    const entries = layout.entries(patch);
    const gone = new Set(entries.filter(({ value }) => value === null).map(({ twin, name }) => `${twin}/${name}`));
    if (removed.size + gone.size > 0) book.forget((twin, name) => removed.has(twin) || gone.has(`${twin}/${name}`));
    // What stands in a change is wished anew, the same value too.
    const wishes = entries.filter(({ value }) => value !== null).map((entry) => ({ ...entry, version }));
    for (const wish of wishes) this.#wait(wish);
    this.#proceed();
    return wishes.length > 0 ? 'wished' : 'nothing';
  }

  /** Whether the result answers a wish of this session. */
  take(result: CommandResult): boolean {
    const wish = this.#underWay.get(result.id);
    if (wish === undefined) return false;
    this.#underWay.delete(result.id);
    this.#options.book.settle(wish, wish.version, this.#acknowledge(wish, result));
    this.#proceed();
    return true;
  }

  #look(entry: TwinEntry): void {
    const { layout, book, reported } = this.#options;
    const acknowledged = acknowledgedVersion(layout.find(reported.document, entry.twin, entry.name));
    const before = book.answerOf(entry, this.#version, acknowledged);
    if (before !== undefined) {
      // The answer was given when the connection was gone.
      if ((acknowledged ?? -1) < before.version) this.#report({ ...entry, version: before.version }, before.answer);
      return;
    }
    if (!book.isUnderWay(entry)) this.#wait({ ...entry, version: this.#version });
  }

  #wait(wish: Wish): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(wish);
    else this.#isBehind = true;
  }

  #proceed(): void {
    const { line, book } = this.#options;
    while (this.#underWay.size < MAX_UNDER_WAY) {
      const wish = this.#waiting.shift();
      if (wish === undefined) break;
      const command = commandOf(wish);
      if (typeof command === 'string') {
        line.refused(new GatewayError('COMMAND_INVALID', wish.twin, command));
        book.settle(wish, wish.version, { code: 400, description: command });
        continue;
      }
      book.begin(wish);
      this.#underWay.set(command.id, wish);
      if (line.command(command)) continue;
      this.#underWay.delete(command.id);
      book.giveUp(wish);
      this.#waiting.unshift(wish);
      line.clock.sleep(RETRY_MS, line.over).then(
        () => this.#proceed(),
        () => {},
      );
      return;
    }
    if (!this.#isBehind || this.#waiting.length > 0) return;
    this.#isBehind = false;
    this.#options.onBehind();
  }

  #acknowledge({ twin, name, value: wished }: Wish, result: CommandResult): Acknowledgement {
    const code = answerCode(result);
    const held = result.heldUntilTimeMs === undefined ? undefined : 'waits for the approval of a second person';
    const description = firstError(result)?.message ?? held ?? result.status;
    if (name === SETTINGS_KEY) return { code, description, value: wished };
    const value = result.points[name]?.value ?? (code === 200 ? undefined : this.#options.current(twin, name));
    const told = value === undefined || value === null ? undefined : twinValue(value, this.#options.layout.depth + 1);
    if (told !== undefined) return { code, description, value: told };
    return { code, description, ...(code === 200 ? { value: wished } : {}) };
  }

  #report({ twin, name, version }: Wish, answer: Acknowledgement): void {
    const { layout, reported, onFailure } = this.#options;
    const { code, description, value } = answer;
    const body = { ...(value === undefined ? {} : { value }), ac: code, av: version, ad: description.slice(0, 500) };
    const patch = layout.patch(twin, { [name]: body });
    if (isTwinKey(name) && reported.hasRoomFor(patch)) reported.insist(patch).catch(onFailure);
    else onFailure(new GatewayError('HUB_MESSAGE_TOO_LARGE', twin, `the device twin has no room for the answer to \`${name}\``));
  }
}

function keyOf({ twin, name, value }: TwinEntry): string {
  return JSON.stringify([twin, name, value]);
}

function versionOf({ $version }: JsonObject): number | undefined {
  return typeof $version === 'number' && Number.isSafeInteger($version) ? $version : undefined;
}

/** What the twin itself says of the last answer. */
export function acknowledgedVersion(reported: JsonValue | undefined): number | undefined {
  return isObject(reported) && typeof reported.av === 'number' ? reported.av : undefined;
}

/** The same wish has the same id however often it is read; a text tells what is wrong with it. */
function commandOf({ twin, name, value, version }: Wish): Command | string {
  const digest = createHash('sha256').update(keyOf({ twin, name, value })).digest('base64url').slice(0, 16);
  const head = { id: `desired:${version}:${digest}`, device: twin };
  if (name === SETTINGS_KEY) {
    const settings = isObject(value) ? flatten(value) : undefined;
    return settings === undefined ? 'settings are an object of texts, numbers and booleans' : { ...head, settings };
  }
  return { ...head, desired: { [name]: value as Value } };
}

/** Names of settings have dots, which keys of a twin may not have: `{ motorCurrent: { interval } }` is `motorCurrent.interval`. */
function flatten(value: JsonObject): Readonly<Record<string, Scalar>> | undefined {
  const flat = pathsOf(value, '');
  return flat.every((entry): entry is [string, Scalar] => entry[1] !== undefined) ? Object.fromEntries(flat) : undefined;
}

function pathsOf(value: JsonObject, prefix: string): readonly (readonly [string, Scalar | undefined])[] {
  return Object.entries(value).flatMap(([key, part]) => {
    if (isObject(part)) return pathsOf(part, `${prefix}${key}.`);
    return [[prefix + key, part === null || Array.isArray(part) ? undefined : (part as Scalar)] as const];
  });
}
