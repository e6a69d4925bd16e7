import { inspect } from 'node:util';

/** A secret named in the configuration. Shows itself as `***` to logs, JSON and `util.inspect`; only `reveal` gives it away. */
export class Secret {
  readonly name: string;
  readonly #bytes: Uint8Array;

  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.#bytes = bytes;
  }

  /** The secret as text, without one trailing newline. */
  reveal(): string {
    return Buffer.from(this.#bytes)
      .toString('utf8')
      .replace(/\r?\n$/, '');
  }

  revealBytes(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [inspect.custom](): string {
    return `Secret(${this.name})`;
  }
}
