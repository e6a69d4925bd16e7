import { z } from 'zod';
import { expectedAddress, parseNodeAddress } from './node-address.ts';

/** A node of the server, with its namespace URI. */
export function nodeAddress() {
  return z.string().transform((text, context) => {
    const parsed = parseNodeAddress(text);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: expectedAddress(text) });
    return z.NEVER;
  });
}

export const CONDITION_CALLS = ['acknowledge', 'confirm', 'comment'] as const;

export const methodSchema = z.object({
  object: nodeAddress()
    .optional()
    .meta({ description: 'Node of the object that has the method', examples: ['nsu=urn:acme:press;s=Press'] }),
  method: nodeAddress()
    .optional()
    .meta({ description: 'Node of the method', examples: ['nsu=urn:acme:press;s=Press.Start'] }),
  condition: z
    .enum(CONDITION_CALLS)
    .optional()
    .meta({
      description:
        'Instead of `object` and `method`: acknowledges or confirms an alarm, or comments on it. The arguments are `conditionId` (string), `eventId` (bytes) and `comment` (string), the first two as the event told them',
      examples: ['acknowledge'],
    }),
});

export const eventSchema = z.object({
  source: nodeAddress()
    .prefault('i=2253')
    .meta({
      description: 'The object whose events are wanted; by default the server, which tells those of everything in it',
      examples: ['nsu=urn:acme:press;s=Press'],
    }),
  type: nodeAddress()
    .optional()
    .meta({
      description: 'Only events of this type and its subtypes',
      examples: ['i=2915', 'nsu=urn:acme:press;s=PartDoneEventType'],
    }),
  fields: z
    .array(z.string().regex(/^[^/]+(\/[^/]+)*$/, 'the name of a field, e.g. `Severity` or `ActiveState/Id`'))
    .min(1)
    .optional()
    .meta({
      description:
        'Fields beside EventId, EventType, SourceName, Time, Message and Severity; by default those of conditions: ConditionName, ConditionId, BranchId, Retain, ActiveState, AckedState, ConfirmedState, Comment. Names in the namespace of the event type are found there',
      examples: [['PartNumber', 'ActiveState/Id']],
    }),
  severityAtLeast: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: 'Only events of this severity or worse, 1 to 1 000', examples: [500] }),
});

export type OpcuaMethod = z.output<typeof methodSchema>;
export type OpcuaEvent = z.output<typeof eventSchema>;
