import { messageId } from '../../model/twin-message.ts';
import { clockMarks, isHistory, type Sending } from './envelope.ts';

/** What a format without a place for it says beside the payload: which message of which sequence this is. */
export function identityOf(schema: string, sending: Sending): Readonly<Record<string, string>> {
  const { gateway, stored } = sending;
  const { class: urgency, message, sequence, epoch } = stored;
  return {
    schema,
    history: String(isHistory(sending)),
    ...{ id: messageId(gateway, stored), gateway, class: urgency, seq: String(sequence), epoch },
    ...asTexts(clockMarks(message)),
  };
}

/** User properties and attributes are texts. */
export function asTexts(entries: object): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name, String(value)]));
}

/** Of a message that is several packets: each has an id of its own, and says which one of how many it is, from 1. */
export function partOf(id: string, index: number, count: number): { readonly id: string; readonly part?: string } {
  return count === 1 ? { id } : { id: `${id}:${index + 1}`, part: `${index + 1}/${count}` };
}
