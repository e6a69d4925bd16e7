import { inspect } from 'node:util';

/**
 * A secret named in the configuration, read anew each time it is revealed, so that a renewed one needs no restart. Shows itself as `***` to logs, JSON and `util.inspect`; only `reveal`
 * gives it away.
 */
export class Secret {
  readonly name: string;
  #bytes: Uint8Array;
  readonly #readAnew: () => Uint8Array | undefined;

  /** `readAnew`: the secret where it lies, or `undefined` where it cannot be had now; the last one known is then used on. */
  constructor(name: string, bytes: Uint8Array, readAnew: () => Uint8Array | undefined = () => undefined) {
    this.name = name;
    this.#bytes = bytes;
    this.#readAnew = readAnew;
  }

  /** The secret as text, without one trailing newline. */
  reveal(): string {
    return Buffer.from(this.revealBytes())
      .toString('utf8')
      .replace(/\r?\n$/, '');
  }

  revealBytes(): Uint8Array {
    this.#bytes = this.#readAnew() ?? this.#bytes;
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
