import assert from 'node:assert/strict';
import { type ChildProcessByStdio, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** A program that serves Modbus and is given commands; its words are told at the top of the program itself. */
export interface ForeignModbusProgram {
  readonly name: 'pymodbus' | 'libmodbus';
  /** What it speaks. */
  readonly framings: readonly ('modbus-tcp' | 'modbus-rtu' | 'modbus-ascii')[];
  /** What is missing here, and how to get it. */
  readonly whyNot?: string;
  /** Makes it ready to run, in a directory for temporary files; returns the beginning of its command line. */
  prepare(directory: string): readonly string[];
}

export const HOW_TO = 'pending: run scripts/install-test-peers/modbus.sh as root';
// Debian's own, whatever else comes first in PATH.
const PYTHON = '/usr/bin/python3';
const PYMODBUS =
  'import serial_asyncio; from pymodbus.server.async_io import ModbusSerialServer; from pymodbus.payload import BinaryPayloadBuilder';

const fileHere = (name: string): string => fileURLToPath(import.meta.resolve(`./${name}`));
const works = (program: string, ...words: readonly string[]): boolean => spawnSync(program, words).status === 0;

export function isSocatHere(): boolean {
  return works('socat', '-V');
}

export const pymodbus: ForeignModbusProgram = {
  name: 'pymodbus',
  framings: ['modbus-tcp', 'modbus-rtu', 'modbus-ascii'],
  ...(works(PYTHON, '-c', PYMODBUS) ? {} : { whyNot: `${HOW_TO}; needs pymodbus 3.0, as Debian 12 has it` }),
  prepare: () => [PYTHON, fileHere('pymodbus_server.py')],
};

/** The beginning of the command line of a master, which is given requests to make. */
export function pymodbusClient(): readonly string[] {
  return [PYTHON, fileHere('pymodbus_client.py')];
}

export const libmodbus: ForeignModbusProgram = {
  name: 'libmodbus',
  framings: ['modbus-tcp', 'modbus-rtu'],
  ...(works('pkg-config', '--exists', 'libmodbus') && works('gcc', '--version') ? {} : { whyNot: HOW_TO }),
  prepare: (directory) => {
    const program = `${directory}/libmodbus_server`;
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'libmodbus'], { encoding: 'utf8' }).trim().split(' ');
    execFileSync('gcc', ['-O1', '-Wall', '-Werror', fileHere('libmodbus_server.c'), '-o', program, ...flags]);
    return [program];
  },
};

/** One running server, which listens when it is returned. */
export class ForeignModbusServer {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #ended: Promise<never>;

  private constructor(command: readonly string[]) {
    const [program = '', ...words] = command;
    this.#process = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#ended = once(this.#process, 'exit').then(() => assert.fail(`${program} ended`));
    this.#ended.catch(() => {});
  }

  static async start(command: readonly string[]): Promise<ForeignModbusServer> {
    const server = new ForeignModbusServer(command);
    assert.equal(await server.#line(), 'ready');
    return server;
  }

  /** One command at a time. */
  async ask(command: string): Promise<string> {
    this.#process.stdin.write(`${command}\n`);
    return this.#line();
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  async #line(): Promise<string> {
    const [line] = await Promise.race([once(this.#lines, 'line'), this.#ended]);
    return String(line);
  }
}
