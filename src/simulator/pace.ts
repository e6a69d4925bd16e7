const BITS_PER_CHARACTER = 11;

/**
 * Hands bytes on as slowly as a line of this baud rate: a burst is over when its last character would be, and never overtakes
 * the one before. Without a baud rate at once.
 */
export function pace(baudRate: number | undefined, handOn: (bytes: Buffer) => void): (bytes: Buffer) => void {
  if (baudRate === undefined) return handOn;
  const characterMs = (BITS_PER_CHARACTER * 1_000) / baudRate;
  let freeAtMs = 0;
  return (bytes) => {
    const nowMs = performance.now();
    freeAtMs = Math.max(nowMs, freeAtMs) + bytes.length * characterMs;
    setTimeout(() => handOn(bytes), freeAtMs - nowMs).unref();
  };
}
