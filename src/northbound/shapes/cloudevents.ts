import { messageId } from '../../model/twin-message.ts';
import { clockMarks, isoTime, type Sending, sendingOf } from './envelope.ts';
import { asTexts } from './identity.ts';
import { encodeBody, JSON_TYPE } from './json-shape.ts';
import type { Encoded, Shape, ShapeContext } from './shape.ts';
import { encodeTwin } from './twin.ts';

const STRUCTURED_TYPE = 'application/cloudevents+json; charset=utf-8';
/** The extension `sequence` is compared as text. */
const SEQUENCE_DIGITS = 20;

export type CloudEventsMode = 'structured' | 'binary';

/** CloudEvents 1.0 with the message of the shape `twin` as data; CloudEvents MQTT binding 1.0.2 §3 says what the modes are. */
export function cloudEventsShape(mode: CloudEventsMode, context: ShapeContext): Shape {
  const encode = mode === 'structured' ? encodeStructured : encodeBinary;
  return { encode: (stored, sentTimeMs) => [encode(sendingOf(context, stored, sentTimeMs))] };
}

function encodeStructured(sending: Sending): Encoded {
  const data = encodeTwin(sending);
  const event = { ...attributes(sending), datacontenttype: JSON_TYPE, data };
  return { ...encodeBody(data), payload: JSON.stringify(event), contentType: STRUCTURED_TYPE };
}

function encodeBinary(sending: Sending): Encoded {
  const encoded = encodeBody(encodeTwin(sending));
  return { ...encoded, properties: { ...encoded.properties, ...asTexts(attributes(sending)) } };
}

/**
 * CloudEvents 1.0 §3, extensions `recordedtime` and `sequence`. Ours are `class` and `epoch`, within which the sequence counts, and where a
 * time was not known `clock` (of `time`), `correctedbyms` and `sentclock` (of `recordedtime`).
 */
function attributes({ gateway, stored, sentTimeMs }: Sending): Readonly<Record<string, string | number>> {
  const { class: urgency, message, sequence, epoch } = stored;
  return {
    specversion: '1.0',
    id: messageId(gateway, stored),
    source: `/${gateway}/${message.twin}`,
    type: `fieldmarshal.${message.kind}.v1`,
    subject: message.twin,
    time: isoTime(message.startTimeMs),
    recordedtime: isoTime(sentTimeMs),
    sequence: String(sequence).padStart(SEQUENCE_DIGITS, '0'),
    class: urgency,
    epoch,
    ...inSmallLetters(clockMarks(message)),
  };
}

/** Names of attributes are of small letters and digits. */
function inSmallLetters(entries: object): Readonly<Record<string, string | number>> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name.toLowerCase(), value]));
}
