/** An answer to a command waits behind a burst of values for about so long. */
const STRETCH_MS = 5;

let isRunning = false;
let untilMs = 0;

/**
 * Resolves when it is the caller's turn. Servers publish in the same moment; what all connections have to handle of it is done in
 * short stretches, with a look at the sockets between them.
 */
export async function turn(): Promise<void> {
  while (isRunning && performance.now() >= untilMs) await new Promise((resolve) => setImmediate(resolve));
  if (isRunning) return;
  isRunning = true;
  untilMs = performance.now() + STRETCH_MS;
  setImmediate(() => {
    isRunning = false;
  });
}
