import type { Clock } from './clock.ts';

/** Resolves when `work` has settled, or after `ms`, whichever comes first: a stop does not wait for a dead disk. */
export async function atMost(ms: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  const done = new AbortController();
  const settled = work.then(
    () => done.abort(),
    () => done.abort(),
  );
  await Promise.race([settled, clock.sleep(ms, done.signal).catch(() => {})]);
}
