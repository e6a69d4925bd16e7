import type { PointPlan } from '../../../model/plan.ts';
import type { Quality } from '../../../model/quality.ts';
import type { PropertySet, PropertyValue } from './payload/payload.ts';
import { PROPERTY_SET, SCALARS } from './values/datatypes.ts';

/** Sparkplug 3.0 §6.4.18 knows three; what is uncertain is not fresh, and its exact status stands beside it. */
const QUALITIES: Readonly<Record<Quality, number>> = { good: 192, uncertain: 500, bad: 0 };

type Entries = Readonly<Record<string, PropertyValue | undefined>>;

export function qualityProperties(quality: Quality, status: string | undefined): Entries {
  const value = { case: 'intValue', value: QUALITIES[quality] } as const;
  return {
    Quality: { type: SCALARS.Int32, value },
    Status: quality === 'good' || status === undefined ? undefined : text(status),
  };
}

/** Of a time that was not known when it was stamped; `before`: what hosts were told of the one before, which stays until it is taken back. */
export function clockProperty(clock: string | undefined, before?: string): Entries {
  const told = clock ?? (before === undefined ? undefined : 'synchronised');
  return { Clock: told === undefined ? undefined : text(told) };
}

/** What a host can show of a point without knowing the mapping: unit, range, limits of writing, and the words of its numbers. */
export function pointProperties({ point, keys, write }: PointPlan): Entries {
  const { min, max } = (keys.range ?? {}) as { readonly min?: number; readonly max?: number };
  const words = keys.labels as Readonly<Record<string, string>> | undefined;
  return {
    engUnit: point.unit === undefined ? undefined : text(point.unit),
    engLow: number(min),
    engHigh: number(max),
    readOnly: { type: SCALARS.Boolean, value: { case: 'booleanValue', value: write === undefined } },
    writeLow: number(write?.min),
    writeHigh: number(write?.max),
    labels: words === undefined ? undefined : labelled(words),
  };
}

function labelled(words: Readonly<Record<string, string>>): PropertyValue {
  const set = propertySet(Object.fromEntries(Object.entries(words).map(([key, word]) => [key, text(word)])));
  return { type: PROPERTY_SET, value: { case: 'propertysetValue', value: set ?? { keys: [], values: [] } } };
}

/** `undefined`: nothing is in it. */
export function propertySet(entries: Entries): PropertySet | undefined {
  const given = Object.entries(entries).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  return given.length === 0 ? undefined : { keys: given.map(([key]) => key), values: given.map(([, value]) => value) };
}

function text(value: string): PropertyValue {
  return { type: SCALARS.String, value: { case: 'stringValue', value } };
}

function number(value: number | undefined): PropertyValue | undefined {
  return value === undefined ? undefined : { type: SCALARS.Double, value: { case: 'doubleValue', value } };
}
