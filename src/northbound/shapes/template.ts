import type { DevicePlan } from '../../model/plan.ts';
import { worseQuality } from '../../model/quality.ts';
import { messageId } from '../../model/twin-message.ts';
import type { JsonValue } from '../../model/value.ts';
import { clockMarks, encodeWithoutValues, isHistory, isoTime, jsonValue, type Sending, sendingOf } from './envelope.ts';
import { encodeExpandedPoints } from './expanded.ts';
import { identityOf, partOf } from './identity.ts';
import { encodeBody, JSON_TYPE } from './json-shape.ts';
import type { Encoded, Shape, ShapeContext } from './shape.ts';
import { type Step, type StepValue, stepsOf } from './steps.ts';
import { compileBody, compileLine, type Lookup, type TemplateBody } from './template-body.ts';

const TEXT_TYPE = 'text/plain;charset=utf-8';

export interface TemplateSettings {
  readonly each: 'message' | 'time' | 'value';
  readonly body: TemplateBody;
  readonly contentType?: string | undefined;
}

type Names = Readonly<Record<string, JsonValue>>;

const OF_EVERY = [
  ...['gateway', 'twin', 'model', 'kind', 'class', 'id', 'seq', 'epoch', 'sent', 'history', 'time', 'timeMs'],
  ...['clock', 'correctedByMs', 'sentClock'],
];
const OF_EACH: Readonly<Record<TemplateSettings['each'], readonly string[]>> = {
  message: ['values', 'points'],
  time: ['values', 'quality', 'statuses'],
  value: ['point', 'value', 'quality', 'status', 'unit'],
};

/** What placeholders may be named, beside labels. */
export function templateNames(each: TemplateSettings['each']): readonly string[] {
  return [...OF_EVERY, ...OF_EACH[each]];
}

/** A body of the integrator's own for values; events, gaps and status have our own. */
export function templateShape(settings: TemplateSettings, context: ShapeContext): Shape {
  const { each, body, contentType } = settings;
  const isText = typeof body === 'string';
  const fill = isText ? compileLine(body) : stringified(compileBody(body));
  const type = contentType ?? (isText ? TEXT_TYPE : JSON_TYPE);
  const unitOf = unitsOf(context);
  return {
    encode(stored, sentTimeMs) {
      const sending = sendingOf(context, stored, sentTimeMs);
      const { kind } = stored.message;
      if (kind !== 'telemetry' && kind !== 'property') return [encodeBody(encodeWithoutValues(sending))];
      return SCOPES[each](sending, unitOf).map((own, index, all) => {
        const properties = identityOf(`gw.${kind}.template/1`, sending);
        const part = partOf(messageId(sending.gateway, stored), index, all.length);
        const payload = fill(lookupIn({ ...namesOf(sending), ...part, ...own }, sending.labels));
        return { payload, contentType: type, properties: { ...properties, ...part } } satisfies Encoded;
      });
    },
  };
}

function stringified(fill: (lookup: Lookup) => JsonValue): (lookup: Lookup) => string {
  return (lookup) => JSON.stringify(fill(lookup));
}

/** Our own names are stronger than labels. */
function lookupIn(names: Names, labels: Readonly<Record<string, string>>): Lookup {
  return (name) =>
    Object.hasOwn(names, name) ? (names[name] ?? null) : Object.hasOwn(labels, name) ? (labels[name] ?? null) : null;
}

function namesOf(sending: Sending): Names {
  const { gateway, stored, sentTimeMs } = sending;
  const { message, class: urgency, sequence, epoch } = stored;
  return {
    ...{ gateway, twin: message.twin, model: message.model ?? null, kind: message.kind, class: urgency, seq: sequence, epoch },
    ...{ sent: isoTime(sentTimeMs), history: isHistory(sending) },
    ...timeNames(message.startTimeMs),
    ...clockMarks(message),
  };
}

function timeNames(timeMs: number): Names {
  return { time: isoTime(timeMs), timeMs };
}

type UnitOf = (twin: string, point: string) => string | null;
type Scopes = (sending: Sending, unitOf: UnitOf) => readonly Names[];

const SCOPES: Readonly<Record<TemplateSettings['each'], Scopes>> = {
  message: ({ stored: { message } }) => {
    const values = Object.entries(message.values).map(([name, timed]) => [name, jsonValue(timed.at(-1)?.[1] ?? null)]);
    return [{ values: Object.fromEntries(values), points: encodeExpandedPoints(message) as JsonValue }];
  },
  time: ({ stored }) => stepsOf(stored.message).map(stepNames),
  value: ({ stored: { message } }, unitOf) =>
    stepsOf(message).flatMap(({ timeMs, values }) =>
      [...values.values()].map((one) => ({ ...timeNames(timeMs), ...valueNames(one), unit: unitOf(message.twin, one.name) })),
    ),
};

function stepNames({ timeMs, values }: Step): Names {
  const all = [...values.values()];
  const quality = all.map((one) => one.quality).reduce(worseQuality, 'good');
  const notGood = all.filter(({ status }) => status !== undefined).map(({ name, status }) => [name, status]);
  return {
    ...timeNames(timeMs),
    values: Object.fromEntries(all.map(({ name, value }) => [name, jsonValue(value)])),
    quality,
    statuses: Object.fromEntries(notGood),
  };
}

function valueNames({ name, value, quality, status = 'Good' }: StepValue): Names {
  return { point: name, value: jsonValue(value), quality, status };
}

/** Looked up when a twin first sends, and when it has other points. */
function unitsOf({ deviceOf, describe }: ShapeContext): UnitOf {
  const units = new Map<string, { readonly device: DevicePlan | undefined; readonly byPoint: ReadonlyMap<string, string> }>();
  return (twin, point) => {
    const device = deviceOf(twin);
    let ofTwin = units.get(twin);
    if (ofTwin === undefined || ofTwin.device !== device) {
      const named = device === undefined ? [] : describe(device).map(({ name, unit = '' }) => [name, unit] as const);
      ofTwin = { device, byPoint: new Map(named.filter(([, unit]) => unit !== '')) };
      units.set(twin, ofTwin);
    }
    return ofTwin.byPoint.get(point) ?? null;
  };
}
