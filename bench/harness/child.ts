import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program of ours in a process of its own, so that it shares no event loop with what is measured. */
export interface Child<Ready> {
  /** The first message that the program sent. */
  readonly ready: Ready;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** What `bin/fieldmarshal` gives Node; for programs whose memory is looked at, as is its environment. */
export const GATEWAY_NODE_OPTIONS = ['--max-semi-space-size=8', '--heap-growing-percent=40'];
const GATEWAY_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };

const STOP_WITHIN_MS = 2_000;

/** `file` beside `base`, which is the caller's `import.meta.url`. Rejects when the program ends before it says anything. */
export async function startChild<Ready>(
  base: string,
  file: string,
  args: readonly string[] = [],
  nodeOptions: readonly string[] = [],
): Promise<Child<Ready>> {
  const path = fileURLToPath(new URL(file, base));
  const env = nodeOptions.length === 0 ? process.env : { ...process.env, ...GATEWAY_ENVIRONMENT };
  const child = fork(path, [...args], { execArgv: ['--disable-warning=ExperimentalWarning', ...nodeOptions], env });
  const ended = new AbortController();
  child.once('exit', () => ended.abort(new Error(`${file} ended before it was ready`)));
  const [ready] = (await once(child, 'message', { signal: ended.signal }).catch((error) => {
    throw ended.signal.reason ?? error;
  })) as [Ready];
  return { ready, process: child, stop: () => stop(child) };
}

/** It ends with the connection to us and cleans up; one that does not is killed. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  if (child.connected) child.disconnect();
  await exited;
  clearTimeout(impatience);
}

/** To be called in the child: tells the parent, and ends with it, however it ends. */
export function tellReady(message: unknown): void {
  process.send?.(message);
  process.once('disconnect', () => process.exit());
}
