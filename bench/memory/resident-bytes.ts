import { setTimeout as sleep } from 'node:timers/promises';

/** What is left when the garbage of the start is gone. Needs `--expose-gc`. */
export async function residentBytes(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await sleep(50);
  }
  return process.memoryUsage.rss();
}
