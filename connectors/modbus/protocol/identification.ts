import { GatewayError } from '../../../src/model/error.ts';
import { READ_DEVICE_IDENTIFICATION } from './encode-request.ts';
import type { IdentifyRequest } from './request.ts';

/**
 * Read Device Identification (Modbus Application Protocol 1.1b3, section 6.21): unit, 43, 14, category, conformity level,
 * "more follows", next object, number of objects, then each with its id, its length and its text.
 */
const HEAD_BYTES = 8;
const MORE_FOLLOWS = 0xff;

export interface IdentificationPart {
  readonly objects: ReadonlyMap<number, string>;
  /** The object to ask for next, where not all fitted into one answer. */
  readonly next?: number;
}

/** What contradicts the request or itself, or `undefined`. */
export function findIdentificationMismatch({ category }: IdentifyRequest, body: Buffer): string | undefined {
  if (body[2] !== READ_DEVICE_IDENTIFICATION) return `MEI type ${body[2]}`;
  if (body[3] !== category) return `identification of category ${body[3]}, expected ${category}`;
  const more = body[5];
  if (more !== 0 && more !== MORE_FOLLOWS) return `"more follows" is ${more}`;
  const end = identificationBytes(body);
  return end === body.length ? undefined : `identification of ${body.length} bytes, its lengths say ${end ?? 'more'}`;
}

/** Length of unit and PDU as the lengths in it tell; `undefined` while too little of it is there. */
export function identificationBytes(bytes: Buffer): number | undefined {
  const count = bytes[HEAD_BYTES - 1];
  if (count === undefined) return undefined;
  let end = HEAD_BYTES;
  for (let object = 0; object < count; object += 1) {
    const length = bytes[end + 1];
    if (length === undefined) return undefined;
    end += 2 + length;
  }
  return end;
}

/** Of unit and PDU that were checked. What is not UTF-8 becomes the replacement character. */
export function decodeIdentification(body: Buffer): IdentificationPart {
  const objects = new Map<number, string>();
  for (let at = HEAD_BYTES; at < body.length; at += 2 + (body[at + 1] ?? 0)) {
    const text = body.toString('utf8', at + 2, at + 2 + (body[at + 1] ?? 0));
    objects.set(body[at] ?? 0, text.replace(/[\0\s]+$/, ''));
  }
  return body[5] === MORE_FOLLOWS ? { objects, next: body[6] ?? 0 } : { objects };
}

/** More parts than a device with every object in an answer of its own would need are a device that goes in circles. */
const MAX_PARTS = 256;

/** All objects of a category, in as many requests as the device needs. `ask` rejects as `Ask` of `line.ts` does. */
export async function readIdentification(
  ask: (request: IdentifyRequest) => Promise<unknown>,
  unit: number,
  category: 1 | 2 | 3,
): Promise<ReadonlyMap<number, string>> {
  const all = new Map<number, string>();
  let object: number | undefined = 0;
  for (let part = 0; object !== undefined; part += 1) {
    const answer = (await ask({ function: 43, unit, category, object })) as IdentificationPart;
    for (const [id, text] of answer.objects) all.set(id, text);
    const isCircle = answer.next !== undefined && (answer.next <= object || part >= MAX_PARTS);
    if (isCircle) throw new GatewayError('DEVICE_BAD_FRAME', `unit ${unit}`, `identification goes on with ${answer.next} again`);
    object = answer.next;
  }
  return all;
}
