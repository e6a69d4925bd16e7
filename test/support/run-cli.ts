import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export const LAUNCHER = join(import.meta.dirname, '../../bin/fieldmarshal');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the launcher as a user would, to its end. */
export async function runCli(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  const child = spawn(LAUNCHER, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exitOf(child)]);
  return { code, stdout, stderr };
}

export function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}
