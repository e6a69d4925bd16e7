import { GatewayError } from '../../../model/error.ts';
import type { DevicePlan } from '../../../model/plan.ts';
import type { JsonValue } from '../../../model/value.ts';
import { isObject, type JsonObject } from './json.ts';

/** Where desired settings stand beside the points of a twin. */
export const SETTINGS_KEY = 'gatewaySettings';
/** What marks a component in IoT Plug and Play. */
const COMPONENT_MARKER = '__t';

/** What one name of a twin is, or shall be. */
export interface TwinEntry {
  readonly twin: string;
  readonly name: string;
  readonly value: JsonValue;
}

export interface LayoutOptions {
  readonly devices: readonly DevicePlan[];
  /** The only twin of the device in the hub; absent: each twin has a section. */
  readonly onlyTwin: string | undefined;
  readonly plugAndPlay: boolean;
}

/** How the twins of the gateway lie in the properties of one device of the hub: flat, or a section for each. */
export class Layout {
  readonly plugAndPlay: boolean;
  readonly #onlyTwin: string | undefined;
  readonly #keys = new Map<string, string>();
  readonly #twins = new Map<string, string>();

  /** Throws CONFIG_INVALID where two twins would have the same section. */
  constructor({ devices, onlyTwin, plugAndPlay }: LayoutOptions, subject: string) {
    this.#onlyTwin = onlyTwin;
    this.plugAndPlay = plugAndPlay;
    for (const { twin } of devices) {
      const key = sectionName(twin, plugAndPlay);
      const other = this.#twins.get(key);
      if (other !== undefined && onlyTwin === undefined) {
        const message = `the twins \`${other}\` and \`${twin}\` would both be \`${key}\` in the device twin; rename one`;
        throw new GatewayError('CONFIG_INVALID', subject, message);
      }
      this.#keys.set(twin, key);
      this.#twins.set(key, twin);
    }
  }

  /** Levels of objects above a value. */
  get depth(): number {
    return this.#onlyTwin === undefined ? 2 : 1;
  }

  /** Of a twin with a section of its own. */
  section(twin: string): string | undefined {
    return this.#onlyTwin === undefined ? (this.#keys.get(twin) ?? sectionName(twin, this.plugAndPlay)) : undefined;
  }

  /** The twin that a section or its own name stands for. */
  twinOf(name: string): string | undefined {
    if (this.#keys.has(name)) return name;
    return this.#twins.get(name);
  }

  /** The twin of something that names none. */
  get defaultTwin(): string | undefined {
    return this.#onlyTwin ?? (this.#keys.size === 1 ? [...this.#keys.keys()][0] : undefined);
  }

  patch(twin: string, values: JsonObject): JsonObject {
    const section = this.section(twin);
    if (section === undefined) return values;
    return { [section]: this.plugAndPlay ? { [COMPONENT_MARKER]: 'c', ...values } : values };
  }

  /** What stands at a name, in a document of this layout. */
  find(document: JsonObject, twin: string, name: string): JsonValue | undefined {
    const section = this.section(twin);
    const values = section === undefined ? document : own(document, section);
    return isObject(values) ? own(values, name) : undefined;
  }

  /** What a document says of the twins we know. */
  entries(document: JsonObject): readonly TwinEntry[] {
    if (this.#onlyTwin !== undefined) return entriesOf(this.#onlyTwin, document);
    return Object.entries(document).flatMap(([key, values]) => {
      const twin = this.#twins.get(key);
      return twin !== undefined && isObject(values) ? entriesOf(twin, values) : [];
    });
  }

  /** Twins of which a document says that everything is taken back. */
  removed(document: JsonObject): readonly string[] {
    if (this.#onlyTwin !== undefined) return [];
    return Object.entries(document).flatMap(([key, values]) => (values === null ? (this.#twins.get(key) ?? []) : []));
  }
}

function entriesOf(twin: string, values: JsonObject): readonly TwinEntry[] {
  return Object.entries(values)
    .filter(([name]) => !name.startsWith('$') && name !== COMPONENT_MARKER)
    .map(([name, value]) => ({ twin, name, value }));
}

function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A twin's name without what a key of a device twin cannot hold; as a component, without what DTDL does not allow. */
function sectionName(twin: string, isComponent: boolean): string {
  if (!isComponent) return twin.replaceAll('.', '_');
  const name = twin.replace(/[^A-Za-z0-9_]/g, '_').replace(/_+$/, '');
  return /^[A-Za-z]/.test(name) ? name : `t${name}`;
}
