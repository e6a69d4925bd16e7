import type { GatewayError } from '../model/error.ts';
import { jsonFault } from './json-fault.ts';

/** Makes the error for what cannot be read. */
export type Refuse = (reason: string, cause?: unknown) => GatewayError;

/** JSON that anybody may have sent: UTF-8, at most `maxBytes`. Integers that a double cannot hold stay exact, as bigint. Throws what `refuse` makes. */
export function readStrictJson(payload: Uint8Array, maxBytes: number, refuse: Refuse): unknown {
  if (payload.length > maxBytes) throw refuse(`${payload.length} bytes, at most ${maxBytes} are read`);
  const text = decode(payload, refuse);
  const fault = jsonFault(text);
  if (fault !== undefined) throw refuse(fault);
  try {
    return JSON.parse(text, exactInteger);
  } catch (cause) {
    throw refuse(cause instanceof Error ? `not JSON: ${cause.message}` : 'not JSON', cause);
  }
}

function decode(payload: Uint8Array, refuse: Refuse): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch (cause) {
    throw refuse('not UTF-8', cause);
  }
}

/** What is beyond any double stays that, for whoever checks the values. */
function exactInteger(this: unknown, _key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d{1,20}$/.test(source) ? BigInt(source) : value;
}
