import { messageId } from '../../model/twin-message.ts';
import {
  clockMarks,
  encodeWithoutValues,
  isHistory,
  isoTime,
  type JsonObject,
  jsonValue,
  type Sending,
  sendingOf,
} from './envelope.ts';
import { asTexts, identityOf, partOf } from './identity.ts';
import type { Encoded, Shape, ShapeContext } from './shape.ts';
import { type Step, type StepValue, stepsOf } from './steps.ts';

const DITTO_TYPE = 'application/vnd.eclipse.ditto+json';
const MERGE_TYPE = 'application/merge-patch+json';

/**
 * Eclipse Ditto protocol: values are merged into the features of the thing `namespace:twin`, one command for each time, so that the
 * last one stands in the twin. What is no state of now (events, gaps, status, what a device told from its history) is a live message.
 */
export function dittoShape(namespace: string, context: ShapeContext): Shape {
  return {
    encode(stored, sentTimeMs) {
      const sending = sendingOf(context, stored, sentTimeMs);
      const { twin, kind } = stored.message;
      const thing = `${namespace}/${twin}/things`;
      if (kind !== 'telemetry' && kind !== 'property') return [encodeLive(thing, kind, encodeWithoutValues(sending), sending)];
      const isPast = stored.message.isHistory === true;
      return stepsOf(stored.message).map((step, index, steps) => {
        const part = { index, count: steps.length };
        return isPast
          ? encodeLive(thing, 'history', { features: featuresOf(step, sending) }, sending, part)
          : encodeMerge(thing, step, sending, part);
      });
    },
  };
}

interface Part {
  readonly index: number;
  readonly count: number;
}

function encodeMerge(thing: string, step: Step, sending: Sending, part: Part): Encoded {
  const envelope = {
    topic: `${thing}/twin/commands/merge`,
    headers: headersOf(MERGE_TYPE, sending, part),
    path: '/features',
    value: featuresOf(step, sending),
  };
  return encode(envelope, sending);
}

function encodeLive(thing: string, subject: string, value: JsonObject, sending: Sending, part: Part = { index: 0, count: 1 }) {
  const envelope = {
    topic: `${thing}/live/messages/${subject}`,
    headers: headersOf('application/json', sending, part),
    path: `/outbox/messages/${subject}`,
    value,
  };
  return encode(envelope, sending);
}

function encode(envelope: JsonObject, sending: Sending): Encoded {
  const { schema, history, clock } = identityOf(`gw.${sending.stored.message.kind}.ditto/1`, sending);
  return {
    payload: JSON.stringify(envelope),
    contentType: DITTO_TYPE,
    properties: asTexts({ schema, history, ...(clock === undefined ? {} : { clock }) }),
  };
}

function headersOf(contentType: string, sending: Sending, { index, count }: Part): JsonObject {
  const { gateway, stored } = sending;
  const { id, part } = partOf(messageId(gateway, stored), index, count);
  return {
    'content-type': contentType,
    'response-required': false,
    'correlation-id': id,
    ...(part === undefined ? {} : { part }),
    gateway,
    class: stored.class,
    seq: stored.sequence,
    epoch: stored.epoch,
    history: isHistory(sending),
    ...clockMarks(stored.message),
  };
}

/** Said always: in a merge what is not said stays as it was. */
function featuresOf({ timeMs, values }: Step, { stored }: Sending): JsonObject {
  const { clock = 'synchronised' } = clockMarks(stored.message);
  const times = { timestamp: isoTime(timeMs), clock };
  return Object.fromEntries([...values].map(([name, one]) => [name, { properties: propertiesOf(one, times) }]));
}

/** In a merge `null` deletes: of a value that is not there the last one stays, and its quality tells. */
function propertiesOf({ value, quality, status = 'Good' }: StepValue, times: JsonObject): JsonObject {
  return { ...(value === null ? {} : { value: jsonValue(value) }), ...times, quality, status };
}
