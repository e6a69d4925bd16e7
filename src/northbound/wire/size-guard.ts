/** MQTT.js would gather a packet of any size before it looks at it. */
export class SizeGuard {
  readonly #maxBytes: number;
  #unparsedBytes = 0;
  #first = '';

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What the other side sent first, for people. */
  get first(): string {
    return this.#first;
  }

  /** False where more came since the last whole packet than one may have. */
  take(chunk: Buffer): boolean {
    if (this.#first === '') this.#first = chunk.subarray(0, 24).toString('latin1');
    this.#unparsedBytes += chunk.length;
    return this.#unparsedBytes <= this.#maxBytes;
  }

  parsed(): void {
    this.#unparsedBytes = 0;
  }
}
