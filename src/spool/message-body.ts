import type { TimedValue, TwinMessage } from '../model/twin-message.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { readValues, untag, type ValueFacts, writeValues } from './values-codec.ts';

/**
 * The body of a record: 1 byte 0x01; the message without its values in JSON, as text; its values (values-codec.ts). A body that
 * begins with `{` is the whole message in JSON, as versions before wrote it.
 */
const VERSION = 1;
const JSON_BEGINS = 0x7b;
/** Twins whose names of points are kept ready. */
const MAX_KNOWN = 2_000;

interface Names {
  readonly names: readonly string[];
  readonly bytes: Buffer;
}

/** Makes bodies; keeps what most messages of a twin have in common. */
export class BodyEncoder {
  readonly #writer = new ByteWriter();
  readonly #known = new Map<string, Names>();

  encode({ values, ...rest }: TwinMessage): ValueFacts & { readonly body: Buffer } {
    const writer = this.#writer;
    const names = this.#namesOf(rest.twin, Object.keys(values));
    writer.reset();
    writer.byte(VERSION);
    writer.text(JSON.stringify(rest));
    const facts = writeValues(values, names, writer);
    return { ...facts, body: writer.take() };
  }

  #namesOf(twin: string, names: readonly string[]): Buffer {
    const known = this.#known.get(twin);
    if (known !== undefined && isSame(known.names, names)) return known.bytes;
    const bytes = Buffer.from(JSON.stringify(names));
    keep(this.#known, twin, { names, bytes: alone(bytes) });
    return bytes;
  }
}

function keep(known: Map<string, Names>, twin: string, names: Names): void {
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(twin, names);
}

/** A copy that lives long: of the pool of Node it would keep 64 KiB. */
function alone(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

/** Reads bodies; keeps what most messages of a twin have in common. */
export class BodyDecoder {
  readonly #known = new Map<string, Names>();

  /** `undefined` where the bytes are whole and yet no message: treated as damage. */
  decode(body: Buffer): TwinMessage | undefined {
    try {
      return body[0] === JSON_BEGINS ? decodeJson(body.toString()) : this.#decodeBytes(body);
    } catch {
      return undefined;
    }
  }

  #decodeBytes(body: Buffer): TwinMessage | undefined {
    if (body[0] !== VERSION) return undefined;
    const reader = new ByteReader(body, 1);
    const rest = JSON.parse(reader.text()) as Omit<TwinMessage, 'values'>;
    const names = this.#namesOf(rest.twin, reader.block());
    const values = readValues(names, reader);
    return reader.isAtEnd ? { ...rest, values } : undefined;
  }

  #namesOf(twin: string, bytes: Buffer): readonly string[] {
    const known = this.#known.get(twin);
    if (known?.bytes.equals(bytes) === true) return known.names;
    const names = JSON.parse(bytes.toString()) as readonly string[];
    keep(this.#known, twin, { names, bytes: alone(bytes) });
    return names;
  }
}

function decodeJson(text: string): TwinMessage {
  const message = JSON.parse(text) as TwinMessage;
  return text.includes('{"$') || text.includes(',"$') ? { ...message, values: mapValues(message.values) } : message;
}

function mapValues(values: TwinMessage['values']): TwinMessage['values'] {
  const mapped = Object.entries(values).map(([name, list]) => [
    name,
    list.map(([offsetMs, value, ...more]) => [offsetMs, untag(value), ...more] as unknown as TimedValue),
  ]);
  return Object.fromEntries(mapped) as TwinMessage['values'];
}
