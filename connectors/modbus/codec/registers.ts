import type { ModbusPoint } from '../mapping/point-settings.ts';

type Orders = Pick<ModbusPoint, 'wordOrder' | 'byteOrder'>;

/**
 * Registers as on the wire to bytes with the most significant first, and back: each order is its own inverse. `wordOrder`
 * reverses the registers, swaps those of each pair, or both; `byteOrder` swaps the bytes of each register.
 */
export function arrange(bytes: Buffer, { wordOrder, byteOrder }: Orders): Buffer {
  if (wordOrder === 'big-endian' && byteOrder === 'big-endian') return bytes;
  const arranged = Buffer.from(bytes);
  if (wordOrder === 'little-endian' || wordOrder === 'little-endian-swapped') arranged.reverse().swap16();
  if (wordOrder.endsWith('-swapped')) swapPairs(arranged);
  return byteOrder === 'little-endian' ? arranged.swap16() : arranged;
}

/** ABCD to CDAB: twice the bytes swapped, in fours and in twos. */
function swapPairs(bytes: Buffer): void {
  if (bytes.length % 4 === 0) bytes.swap32().swap16();
}

/** Registers as people write them: `42F6 E979`. */
export function toHex(registers: Buffer): string {
  return (registers.toString('hex').toUpperCase().match(/.{4}/g) ?? []).join(' ');
}
