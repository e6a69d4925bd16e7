import type { ReadValueIdOptions, Variant } from 'node-opcua-client';
import { toRaw } from './raw-value.ts';

/** The library takes the text, and only its types do not say so. */
export function rangeRequest(indexRange: string): Pick<ReadValueIdOptions, 'indexRange'> {
  return { indexRange: indexRange as unknown as NonNullable<ReadValueIdOptions['indexRange']> };
}

/** There are servers that do not know index ranges and give the whole array for a part of it: that is more than the range holds. */
export function fitsRange(variant: Variant, indexRange: string): boolean {
  const { value, dimensions } = toRaw(variant);
  const isText = typeof value === 'string' || Buffer.isBuffer(value);
  const held = isText ? value.length : dimensions.reduce((product, length) => product * length, 1);
  return held <= sizeOf(indexRange);
}

function sizeOf(indexRange: string): number {
  return indexRange
    .split(',')
    .map((part) => part.split(':').map(Number))
    .reduce((product, [from = 0, to = from]) => product * (to - from + 1), 1);
}
