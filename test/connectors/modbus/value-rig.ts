import { type Encoded, NoValue } from '../../../connectors/modbus/codec/codec.ts';
import { layoutOf } from '../../../connectors/modbus/codec/layout.ts';
import type { Value } from '../../../src/model/value.ts';
import { type PointSketch, pointOf } from './modbus-plan.ts';

export const registersOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');
export const hexOf = (bytes: Buffer | undefined) => bytes?.toString('hex').toUpperCase().match(/.{4}/g)?.join(' ');

/** One point, whose registers are at holding 100 where nothing else is said. */
export interface ValueRig {
  /** Registers. */
  readonly size: number;
  /** The value, or the status of the bad reading. */
  read(hex: string): Value;
  write(value: Value): string | undefined;
  encode(value: Value): Encoded;
}

export function valueRig(keys: Omit<PointSketch, 'address'> & { readonly address?: unknown }): ValueRig {
  const { codec, size } = layoutOf(pointOf('point', { address: { holding: 100 }, ...keys }, 'device'), 0);
  const encode = (value: Value) => codec.encode(value, 'device/point');
  return {
    size,
    read: (hex) => {
      const value = codec.decode(registersOf(hex));
      return value instanceof NoValue ? value.status : value;
    },
    write: (value) => hexOf(encode(value).registers),
    encode,
  };
}
