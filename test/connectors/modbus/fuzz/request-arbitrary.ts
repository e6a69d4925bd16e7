import fc from 'fast-check';
import type { Request } from '../../../../connectors/modbus/protocol/request.ts';
import { UNITS, WRITABLE_FROM } from './spec.ts';

const unit = fc.constantFrom(...UNITS);
const word = fc.integer({ min: 0, max: 0xffff });
const from = fc.integer({ min: 0, max: 50_000 });
const to = fc.integer({ min: WRITABLE_FROM, max: 65_000 });
const few = (max: number) => fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max }));
const registers = fc.uint8Array({ minLength: 1, maxLength: 8 }).map((bytes) => Buffer.concat([bytes, bytes]));

export const reads: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ function: fc.constantFrom(3 as const, 4 as const), unit, address: from, count: few(125) }),
  fc.record({ function: fc.constantFrom(1 as const, 2 as const), unit, address: from, count: few(2_000) }),
);
const others = fc.oneof(
  fc.record({ function: fc.constant(5 as const), unit, address: to, value: fc.boolean() }),
  fc.record({ function: fc.constant(6 as const), unit, address: to, value: word }),
  fc.record({
    function: fc.constant(15 as const),
    unit,
    address: to,
    values: fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
  }),
  fc.record({ function: fc.constant(16 as const), unit, address: to, registers }),
  fc.record({ function: fc.constant(22 as const), unit, address: to, and: word, or: word }),
  fc.record({ function: fc.constant(23 as const), unit, address: from, count: few(125), writeAddress: to, registers }),
  fc.record({
    function: fc.constant(43 as const),
    unit,
    category: fc.constantFrom(1 as const, 2 as const),
    object: fc.constant(0),
  }),
);

/** Every function, reads most often: theirs is the value that could be wrong. */
export const request: fc.Arbitrary<Request> = fc.oneof({ weight: 3, arbitrary: reads }, { weight: 1, arbitrary: others });
