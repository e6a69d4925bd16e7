import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Reading } from '../../../src/model/reading.ts';
import type { CountingOptions } from '../../support/opcua-counting-server.ts';
import { freePort } from '../../support/opcua-server.ts';
import { end } from './support.ts';

/** A server that numbers its changes, in a process of its own, and what it says. */
export class CountingProcess {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly port: number;

  private constructor(child: ChildProcess, lines: Interface, port: number) {
    this.#child = child;
    this.#lines = lines;
    this.port = port;
  }

  static async start(folder: string, given: Partial<CountingOptions> = {}): Promise<CountingProcess> {
    const server = await CountingProcess.prepare(folder, given);
    await server.listen();
    return server;
  }

  /** Ready to listen. Its files lie in `folder`, because a killed process removes nothing. */
  static async prepare(folder: string, given: Partial<CountingOptions> = {}): Promise<CountingProcess> {
    const port = given.port ?? (await freePort());
    const options = { items: 5, stepMs: 20, shift: 0, first: 0, keepsHistory: false, handsOver: true, ...given, port };
    const file = fileURLToPath(import.meta.resolve('../../support/opcua-counting-process.ts'));
    const env = { ...process.env, TMPDIR: folder };
    const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'ignore'], env });
    assert.ok(child.stdout);
    return new CountingProcess(child, createInterface({ input: child.stdout }), port);
  }

  async listen(): Promise<void> {
    const ready = once(this.#lines, 'line');
    this.#child.stdin?.write('listen\n');
    await ready;
  }

  /** The number that its variables hold after the command. */
  async ask(command: 'pause' | 'go on' | 'number'): Promise<number> {
    const answer = once(this.#lines, 'line') as Promise<[string]>;
    this.#child.stdin?.write(`${command}\n`);
    return Number((await answer)[0]);
  }

  kill(): Promise<void> {
    return end(this.#child);
  }
}

export interface Tally {
  readonly first: number;
  readonly last: number;
  readonly lost: number;
  readonly repeated: number;
  readonly isInOrder: boolean;
}

/** Counts the numbers of one point. One that still stands when it is told good again after a break is no repetition. */
export function tally(readings: readonly Reading[]): Tally {
  const seen = new Set<number>();
  let [repeated, before, isInOrder, isToldAgain] = [0, Number.NEGATIVE_INFINITY, true, false];
  for (const { value, quality } of readings) {
    if (quality === 'good') {
      const number = Number(value);
      if (number < before) isInOrder = false;
      if (seen.has(number) && !(isToldAgain && number === before)) repeated += 1;
      seen.add(number);
      before = Math.max(before, number);
    }
    isToldAgain = quality !== 'good';
  }
  const [first, last] = [Math.min(...seen), Math.max(...seen)];
  return { first, last, lost: last - first + 1 - seen.size, repeated, isInOrder };
}
