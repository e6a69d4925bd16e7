import type { Point } from '../../../src/model/point.ts';
import type { ConnectorSession } from '../../../src/southbound/connector.ts';
import { IDENTIFICATION_NAMES } from '../mapping/identification-objects.ts';
import { pointSchema } from '../mapping/point-settings.ts';
import { twinOf } from './scan-target.ts';

export type Answer =
  | { readonly kind: 'answers'; readonly text: string }
  /** Nobody, or a converter that says so. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'damaged'; readonly reason: string };

/** What the status of a reading says about the unit that gave it. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  BadNotSupported: 'exception 1, it does not know function 3',
  BadOutOfRange: 'exception 2, it has no holding register 0',
  BadInvalidArgument: 'exception 3',
  BadDeviceFailure: 'exception 4 or 8, it has a failure',
  BadWaitingForResponse: 'exception 5, it is busy',
  BadResourceUnavailable: 'exception 6, it is busy',
};

/** A point that stands in no mapping. */
export function scanPoint(unit: number, name: string, keys: Readonly<Record<string, unknown>>, type?: Point['type']): Point {
  return {
    id: `${twinOf(unit)}/${name}`,
    device: twinOf(unit),
    name,
    address: pointSchema.parse(keys),
    ...(type === undefined ? {} : { type }),
    access: 'read',
    kind: 'telemetry',
    intervalMs: 1_000,
  };
}

/** Asks for holding register 0. Rejects only when the connection is lost. */
export async function probe(session: ConnectorSession, unit: number, signal: AbortSignal): Promise<Answer> {
  const point = scanPoint(unit, 'probe', { address: { holding: 0 } }, 'uint16');
  const [reading] = await session.read([point], signal);
  if (reading?.quality === 'good') return { kind: 'answers', text: `answers, holding 0 is ${reading.raw}` };
  const status = reading?.status ?? '';
  if (status === 'BadCommunicationError') return { kind: 'damaged', reason: reading?.reason ?? '' };
  const text = EXCEPTIONS[status];
  return text === undefined ? { kind: 'silent' } : { kind: 'answers', text: `answers with ${text}` };
}

/** What the unit says of itself, by name; empty where it says nothing. */
export async function identify(
  session: ConnectorSession,
  unit: number,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const points = IDENTIFICATION_NAMES.map((name) => scanPoint(unit, name, { address: { identification: name } }));
  const readings = await session.read(points, signal);
  const told = readings.filter(({ quality, value }) => quality === 'good' && value !== '');
  return Object.fromEntries(told.map(({ point, value }) => [point.name, String(value)]));
}
