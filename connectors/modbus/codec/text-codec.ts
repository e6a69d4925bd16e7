import type { Value } from '../../../src/model/value.ts';
import { type Codec, outOfRange, wrongType } from './codec.ts';

export type TextEncoding = 'utf8' | 'latin1' | 'utf16';
/** On which sides of a text NULs and blanks are no part of it. */
export type Trim = 'end' | 'start' | 'both' | 'none';

/** Of bytes in the order of the text. What is no character of the encoding becomes the replacement character. */
export function textCodec(encoding: TextEncoding, trim: Trim, size: number): Codec {
  return {
    decode: (registers) => trimmed(toText(registers, encoding), trim),
    encode: (value, subject) => ({ registers: padded(toBytes(value, encoding, subject), trim, size, subject) }),
  };
}

function toText(bytes: Buffer, encoding: TextEncoding): string {
  return encoding === 'utf16' ? Buffer.from(bytes).swap16().toString('utf16le').toWellFormed() : bytes.toString(encoding);
}

/** At the end a text stops at its first NUL, whatever an earlier, longer text has left behind. */
function trimmed(text: string, trim: Trim): string {
  if (trim === 'none') return text;
  const begun = trim === 'end' ? text : text.replace(/^[\0\s]+/, '');
  if (trim === 'start') return begun;
  const end = begun.indexOf('\0');
  return (end < 0 ? begun : begun.slice(0, end)).trimEnd();
}

function toBytes(value: Value, encoding: TextEncoding, subject: string): Buffer {
  if (typeof value !== 'string') throw wrongType('text', value, subject);
  if (encoding === 'utf16') return Buffer.from(value, 'utf16le').swap16();
  const bytes = Buffer.from(value, encoding);
  if (encoding === 'latin1' && bytes.toString('latin1') !== value) throw outOfRange(JSON.stringify(value), 'latin1', subject);
  return bytes;
}

/** With NULs behind; where the device's texts begin with blanks, with those. */
function padded(text: Buffer, trim: Trim, size: number, subject: string): Buffer {
  const rest = 2 * size - text.length;
  if (rest < 0) throw outOfRange(`text of ${text.length} bytes`, `${size} registers`, subject);
  return trim === 'start' ? Buffer.concat([Buffer.alloc(rest, ' '), text]) : Buffer.concat([text], 2 * size);
}

/** Bytes as they are; base64 text for everybody else. */
export function bytesCodec(size: number): Codec {
  return {
    decode: (registers) => registers.toString('base64'),
    encode: (value, subject) => {
      if (typeof value !== 'string') throw wrongType('base64 text', value, subject);
      const bytes = Buffer.from(value, 'base64');
      if (bytes.length > 2 * size) throw outOfRange(`${bytes.length} bytes`, `${size} registers`, subject);
      return { registers: Buffer.concat([bytes], 2 * size) };
    },
  };
}
