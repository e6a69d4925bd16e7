import { type JsonObject, type Sending, sendingOf } from './envelope.ts';
import type { Encoded, Shape, ShapeContext } from './shape.ts';

export const JSON_TYPE = 'application/json;charset=utf-8';

/** A shape of one JSON object with our own envelope for each message. */
export function jsonShape(toBody: (sending: Sending) => JsonObject): (context: ShapeContext) => Shape {
  return (context) => ({ encode: (stored, sentTimeMs) => [encodeBody(toBody(sendingOf(context, stored, sentTimeMs)))] });
}

/** What is said beside the payload too, so that it need not be parsed to be sorted. */
const BESIDE = ['schema', 'history', 'clock'];

export function encodeBody(body: JsonObject): Encoded {
  const told = BESIDE.flatMap((name) => (body[name] === undefined ? [] : [[name, String(body[name])] as const]));
  return { payload: JSON.stringify(body), contentType: JSON_TYPE, properties: Object.fromEntries(told) };
}
