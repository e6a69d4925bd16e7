import { messageId } from '../../model/twin-message.ts';
import { isHistory, type Sending } from './envelope.ts';

/** What a format without a place for it says beside the payload: which message of which sequence this is. */
export function identityOf(schema: string, sending: Sending): Readonly<Record<string, string>> {
  const { gateway, stored } = sending;
  const { class: urgency, sequence, epoch } = stored;
  return {
    schema,
    history: String(isHistory(sending)),
    ...{ id: messageId(gateway, stored), gateway, class: urgency, seq: String(sequence), epoch },
  };
}

/** Of a message that is several packets: each has an id of its own, and says which one of how many it is, from 1. */
export function partOf(id: string, index: number, count: number): { readonly id: string; readonly part?: string } {
  return count === 1 ? { id } : { id: `${id}:${index + 1}`, part: `${index + 1}/${count}` };
}
