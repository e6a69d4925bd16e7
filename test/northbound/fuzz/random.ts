import { type Mutation, mutate } from '../../support/mutation.ts';

export type Random = () => number;

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function below(random: Random, count: number): number {
  return Math.floor(random() * count);
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[below(random, choices.length)] as T;
}

/** As often as their weights say. */
export function pickWeighted<T>(random: Random, choices: readonly (readonly [weight: number, choice: T])[]): T {
  let left = random() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, choice] of choices) {
    left -= weight;
    if (left < 0) return choice;
  }
  return choices[0]?.[1] as T;
}

export function noise(random: Random, count: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: count }, () => below(random, 256)));
}

/** Bits, bytes and pieces of it are other ones. */
export function spoilt(bytes: Buffer, random: Random): Buffer {
  return mutate(
    bytes,
    Array.from({ length: 1 + below(random, 4) }, () => anyMutation(random)),
  );
}

function anyMutation(random: Random): Mutation {
  const place = below(random, 1_000);
  return pickWeighted<Mutation>(random, [
    [4, { kind: 'flip', place, bit: below(random, 8) }],
    [4, { kind: 'set', place, byte: below(random, 256) }],
    [2, { kind: 'insert', place, bytes: noise(random, 1 + below(random, 9)) }],
    [2, { kind: 'remove', place, count: 1 + below(random, 6) }],
    [2, { kind: 'cut', place }],
    [1, { kind: 'repeat', place, count: 1 + below(random, 20) }],
    [1, { kind: 'swap', place }],
  ]);
}
