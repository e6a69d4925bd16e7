import { GatewayError } from '../../../model/error.ts';
import { readStrictJson } from '../../strict-json.ts';

export type JsonMap = Readonly<Record<string, unknown>>;

/** A shadow of 30 KB with its metadata stays well below. */
const MAX_BYTES = 256 * 1_024;

/** What AWS sent. Integers that a double cannot hold stay exact, as bigint. Throws COMMAND_INVALID where it is no JSON map. */
export function readJson(payload: Uint8Array, subject: string): JsonMap {
  const value = readStrictJson(payload, MAX_BYTES, (reason, cause) => invalid(subject, reason, cause));
  if (!isMap(value)) throw invalid(subject, 'not a JSON map');
  return value;
}

export function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The map at a key, an empty one where there is none. */
export function mapAt(map: JsonMap, key: string): JsonMap {
  const value = Object.hasOwn(map, key) ? map[key] : undefined;
  return isMap(value) ? value : {};
}

/** As `readJson` reads it. */
export function writeJson(value: unknown): string {
  return JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? rawNumber(one) : one));
}

function rawNumber(value: bigint): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return rawJSON(value.toString());
}

export function invalid(subject: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('COMMAND_INVALID', subject, `what AWS sent cannot be read: ${reason}`, { cause });
}
