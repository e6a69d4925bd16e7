import fc from 'fast-check';

/** One thing that happens to bytes. Places are shares of their length, so that they fit whatever the bytes are. */
export type Mutation =
  | { readonly kind: 'flip'; readonly place: number; readonly bit: number }
  | { readonly kind: 'set'; readonly place: number; readonly byte: number }
  | { readonly kind: 'insert'; readonly place: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly place: number; readonly count: number }
  | { readonly kind: 'cut'; readonly place: number }
  | { readonly kind: 'repeat'; readonly place: number; readonly count: number }
  | { readonly kind: 'swap'; readonly place: number }
  | { readonly kind: 'replace'; readonly bytes: Uint8Array };

/** The first bytes decide about framing, so they are hit more often than those behind. */
const place = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 999 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 100 }) },
);
/** Values that lengths, counts and codes are wrong by. */
const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 0x7f, 0x80, 0x81, 0x83, 0xfe, 0xff), fc.integer({ min: 0, max: 255 }));

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip'), place, bit: fc.integer({ min: 0, max: 7 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set'), place, byte }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('insert'), place, bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove'), place, count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut'), place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat'), place, count: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('swap'), place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace'), bytes: fc.uint8Array({ maxLength: 40 }) }) },
) as fc.Arbitrary<Mutation>;

export function mutate(bytes: Buffer, mutations: readonly Mutation[]): Buffer {
  return mutations.reduce(mutateOnce, bytes);
}

function mutateOnce(bytes: Buffer, change: Mutation): Buffer {
  const at = 'place' in change ? Math.floor((change.place * bytes.length) / 1_000) : 0;
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (change.kind) {
    case 'flip':
      return changed(bytes, at, (value) => value ^ (1 << change.bit));
    case 'set':
      return changed(bytes, at, () => change.byte);
    case 'insert':
      return Buffer.concat([before, change.bytes, behind]);
    case 'remove':
      return Buffer.concat([before, behind.subarray(change.count)]);
    case 'cut':
      return Buffer.from(before);
    case 'repeat':
      return Buffer.concat([before, behind.subarray(0, change.count), behind]);
    case 'swap':
      return Buffer.concat([before, Buffer.from(behind.subarray(0, 2)).reverse(), behind.subarray(2)]);
    case 'replace':
      return Buffer.from(change.bytes);
  }
}

function changed(bytes: Buffer, at: number, change: (value: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  const value = copy[at];
  if (value !== undefined) copy[at] = change(value);
  return copy;
}
