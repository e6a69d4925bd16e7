import { z } from 'zod';
import { duration } from '../../../model/schema.ts';
import type { TwinMessage } from '../../../model/twin-message.ts';
import type { Packet } from '../../dialect.ts';
import { lastTimeMs } from '../../shapes/envelope.ts';

/** A gap record or a status is not among them: it is what tells of messages that do not come. */
const KINDS = ['telemetry', 'property', 'event'] as const;

/** By kind, milliseconds. */
export type ExpireAfter = { readonly [kind in TwinMessage['kind']]?: number | undefined };

function life(what: string) {
  return duration()
    .optional()
    .meta({ description: `Of messages with ${what}`, examples: ['10 min'] });
}

export function expireAfterSetting() {
  return z
    .union([duration(), z.strictObject({ telemetry: life('streamed values'), property: life('states'), event: life('events') })])
    .transform(
      (asked): ExpireAfter => (typeof asked === 'number' ? Object.fromEntries(KINDS.map((kind) => [kind, asked])) : asked),
    )
    .optional()
    .meta({
      description:
        'How long a message is of use, counted from its newest value: MQTT 5 tells the broker what is left of it, and the broker then forgets the message for receivers that are away. The gateway itself drops nothing for it; `gap` and `status` never expire',
      examples: ['1 h', { telemetry: '10 min', property: '7 d' }],
    });
}

/** What is left of its time. A message that is older goes all the same, with the shortest life there is, to whoever listens now. */
export function expiryOf(message: TwinMessage, sentTimeMs: number, expireAfter: ExpireAfter = {}): Pick<Packet, 'expiryS'> {
  const afterMs = expireAfter[message.kind];
  if (afterMs === undefined) return {};
  const leftMs = lastTimeMs(message) + afterMs - sentTimeMs;
  return { expiryS: Math.max(1, Math.round(Math.min(leftMs, afterMs) / 1_000)) };
}
