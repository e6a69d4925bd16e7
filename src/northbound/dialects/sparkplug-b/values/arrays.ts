import type { Scalar } from '../../../../model/value.ts';
import { jsonText } from '../json-text.ts';
import { type ElementType, INTEGERS, isInteger } from './datatypes.ts';

/**
 * Arrays are packed into bytes, little-endian (Sparkplug 3.0 §6.4.16; the text, not its examples, some of which are printed in the
 * other order). Booleans: how many in four bytes, then bits, the first in the highest. Texts: UTF-8, each ended by a zero.
 */
export function encodeArray(list: readonly (Scalar | null)[], type: ElementType): Uint8Array {
  if (type === 'Boolean') return encodeBooleans(list);
  if (type === 'String') return Buffer.concat(list.map((part) => Buffer.from(`${textOf(part)}\0`)));
  const bytes = new DataView(new ArrayBuffer(list.length * widthOf(type)));
  for (const [index, part] of list.entries()) write(bytes, index * widthOf(type), part, type);
  return new Uint8Array(bytes.buffer);
}

/** A zero would end a text early. */
function textOf(part: Scalar | null): string {
  if (part === null) return '';
  return (typeof part === 'string' ? part : jsonText(part)).replaceAll('\0', '\u{fffd}');
}

function encodeBooleans(list: readonly (Scalar | null)[]): Uint8Array {
  const bytes = Buffer.alloc(4 + Math.ceil(list.length / 8));
  bytes.writeUInt32LE(list.length);
  for (const [index, part] of list.entries()) {
    if (part === true) bytes[4 + (index >> 3)] = (bytes[4 + (index >> 3)] ?? 0) | (0x80 >> (index & 7));
  }
  return bytes;
}

type Packed = Exclude<ElementType, 'Boolean' | 'String'>;

function widthOf(type: Packed): number {
  return isInteger(type) ? INTEGERS[type].bits / 8 : type === 'Float' ? 4 : 8;
}

function write(bytes: DataView, at: number, part: Scalar | null, type: Packed): void {
  if (type === 'Float') bytes.setFloat32(at, part === null ? Number.NaN : Number(part), true);
  else if (type === 'Double') bytes.setFloat64(at, part === null ? Number.NaN : Number(part), true);
  else if (type === 'DateTime') bytes.setBigUint64(at, BigInt(Date.parse(String(part))), true);
  else writeInteger(bytes, at, BigInt(part ?? 0), INTEGERS[type].bits / 8);
}

function writeInteger(bytes: DataView, at: number, exact: bigint, width: number): void {
  for (let byte = 0; byte < width; byte += 1) bytes.setUint8(at + byte, Number((exact >> BigInt(8 * byte)) & 0xffn));
}

const MAX_ELEMENTS = 65_536;

/** `undefined`: the bytes are no array of this type. */
export function decodeArray(packed: Uint8Array, type: ElementType): Scalar[] | undefined {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  if (type === 'Boolean') return decodeBooleans(bytes);
  if (type === 'String') return decodeTexts(bytes);
  const width = widthOf(type);
  if (bytes.length % width !== 0 || bytes.length / width > MAX_ELEMENTS) return undefined;
  const list = Array.from({ length: bytes.length / width }, (_, index) => read(bytes, index * width, type));
  return list.some((part) => part === undefined) ? undefined : (list as Scalar[]);
}

function decodeBooleans(bytes: Buffer): Scalar[] | undefined {
  const count = bytes.length < 4 ? -1 : bytes.readUInt32LE();
  if (count < 0 || count > MAX_ELEMENTS || bytes.length !== 4 + Math.ceil(count / 8)) return undefined;
  return Array.from({ length: count }, (_, index) => ((bytes[4 + (index >> 3)] ?? 0) & (0x80 >> (index & 7))) !== 0);
}

function decodeTexts(bytes: Buffer): Scalar[] | undefined {
  if (bytes.length === 0) return [];
  if (bytes.at(-1) !== 0) return undefined;
  try {
    const texts = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, -1)).split('\0');
    return texts.length > MAX_ELEMENTS ? undefined : texts;
  } catch {
    return undefined;
  }
}

function read(bytes: Buffer, at: number, type: Packed): Scalar | undefined {
  if (type === 'Float') return finite(bytes.readFloatLE(at));
  if (type === 'Double') return finite(bytes.readDoubleLE(at));
  if (type === 'DateTime') return timeOf(bytes.readBigUInt64LE(at));
  const { bits, isSigned } = INTEGERS[type];
  if (bits === 64) return isSigned ? bytes.readBigInt64LE(at) : bytes.readBigUInt64LE(at);
  return isSigned ? bytes.readIntLE(at, bits / 8) : bytes.readUIntLE(at, bits / 8);
}

function finite(number: number): number | undefined {
  return Number.isFinite(number) ? number : undefined;
}

function timeOf(ms: bigint): string | undefined {
  return ms <= 8_640_000_000_000_000n ? new Date(Number(ms)).toISOString() : undefined;
}
