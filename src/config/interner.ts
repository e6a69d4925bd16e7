/**
 * One object for all that are equal: thousands of points have the same few settings. Texts are copied, for a part of a file that is
 * kept would keep the whole file. Only for plain data; what comes back is shared and must not be changed.
 */
export class Interner {
  readonly #known = new Map<string, unknown>();

  of<T>(data: T): T {
    const text = JSON.stringify(data, bigintAsText);
    if (text === undefined) return data;
    const known = this.#known.get(text);
    if (known !== undefined) return known as T;
    const own = typeof data === 'string' ? Buffer.from(data).toString() : data;
    this.#known.set(text, own);
    return own as T;
  }
}

function bigintAsText(_key: string, part: unknown): unknown {
  return typeof part === 'bigint' ? `${part}n` : part;
}
