import fc from 'fast-check';
import type { Request } from '../../../../connectors/modbus/protocol/request.ts';
import { type Mutation, mutation } from '../../../support/mutation.ts';
import { request } from './request-arbitrary.ts';

/** What the device says to one request, and how it comes. */
export interface Damage {
  readonly request: Request;
  /** The device refuses with this exception. */
  readonly exception: number | undefined;
  /** To unit and PDU, before they are framed: a whole frame with wrong contents. */
  readonly inside: readonly Mutation[];
  /** To the framed bytes. */
  readonly outside: readonly Mutation[];
  /** Whole answers to something else, before and behind. */
  readonly strays: readonly (Request | undefined)[];
  /** It comes in so many pieces, so far apart. */
  readonly pieces: number;
  readonly gapMs: number;
}

export function undamaged(wanted: Request): Damage {
  return { request: wanted, exception: undefined, inside: [], outside: [], strays: [], pieces: 1, gapMs: 0 };
}

/** Nothing but the line can have made a wrong value of it. */
export function isOutsideOnly({ inside, strays }: Damage): boolean {
  return inside.length === 0 && strays.every((stray) => stray === undefined);
}

const some = (max: number) => fc.array(mutation, { minLength: 1, maxLength: max });
const rarely = <T>(arbitrary: fc.Arbitrary<T>, oneIn: number): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const stray = rarely(request, 6);

/** One answer in eight comes as it should. */
export const damage: fc.Arbitrary<Damage> = fc.record({
  request,
  exception: rarely(fc.integer({ min: 0, max: 255 }), 12),
  inside: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: some(2) }),
  outside: fc.oneof({ weight: 1, arbitrary: fc.constant([]) }, { weight: 3, arbitrary: some(3) }),
  strays: fc.tuple(stray, stray),
  pieces: fc.constantFrom(1, 1, 1, 2, 3),
  gapMs: fc.constantFrom(0, 1, 60, 700),
});
