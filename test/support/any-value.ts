import fc from 'fast-check';
import type { Scalar, Value } from '../../src/model/value.ts';

export const anyScalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.boolean(),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, '', '{"$bigint":"1"}'),
);

/** Names as a structure of a device may have them, also those that mean something to JavaScript or to the spool. */
const anyName = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom('$bigint', '$$bigint', '$', '__proto__', 'length', 'toJSON'),
);

const { compound } = fc.letrec<{ compound: Value; part: Value | null }>((tie) => ({
  part: fc.oneof({ depthSize: 'small' }, fc.constant(null), anyScalar, tie('compound')),
  compound: fc.oneof(
    fc.array(tie('part'), { maxLength: 5 }),
    fc.array(fc.tuple(anyName, tie('part')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

export const anyCompound: fc.Arbitrary<Value> = compound;

export const anyValue: fc.Arbitrary<Value> = fc.oneof({ weight: 3, arbitrary: anyScalar }, { weight: 1, arbitrary: compound });
