const FIRST_BYTES = 64 * 1024;
/** Of a varint of 32 bits, of a double, of a tag: what is written between two looks at the room. */
const STEP_BYTES = 16;

/** Writes small things one after the other, little-endian, into one growing buffer that is used again. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  reset(): void {
    this.#at = 0;
  }

  /** A copy of what was written. */
  take(): Buffer {
    const copy = Buffer.allocUnsafe(this.#at);
    this.#bytes.copy(copy, 0, 0, this.#at);
    return copy;
  }

  byte(value: number): void {
    this.#room(STEP_BYTES);
    this.#bytes[this.#at++] = value;
  }

  /** Seven bits a byte, low ones first, the high bit set where more follow; 0 to 2^32 - 1. */
  varint(value: number): void {
    this.#room(STEP_BYTES);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  /** A signed integer of 32 bits, small ones short: 0, -1, 1, -2 … */
  zigzag(value: number): void {
    this.varint((value << 1) ^ (value >> 31));
  }

  float32(value: number): void {
    this.#room(STEP_BYTES);
    this.#at = this.#bytes.writeFloatLE(value, this.#at);
  }

  float64(value: number): void {
    this.#room(STEP_BYTES);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  /** UTF-8 with its length before it. */
  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.#room(length);
    this.#at += this.#bytes.write(value, this.#at);
  }

  block(bytes: Buffer): void {
    this.varint(bytes.length);
    this.#room(bytes.length);
    this.#at += bytes.copy(this.#bytes, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
