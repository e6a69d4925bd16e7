import { closeSync, constants, mkdirSync, openSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ReadStream } from 'node:tty';
import * as pty from '@lydell/node-pty';
import { pace } from './pace.ts';
import type { Wire } from './wire.ts';

export interface SerialLineOptions {
  /** A name that stays the same when the line is plugged in again, as udev makes one. */
  readonly link?: string;
  /** Bytes take as long as on a real line: 11 bits each. Absent: no time at all. */
  readonly baudRate?: number;
}

/** A serial line made of a pseudo-terminal: a path for a program's serial port, a wire for the simulator. */
export interface SerialLine extends Wire {
  /** The link if there is one, else the terminal itself, which is another one after each `plug`. */
  readonly path: string;
  readonly isPlugged: boolean;
  /** The adapter is pulled out: whoever has the port open loses it, and the path is gone. */
  unplug(): void;
  plug(): void;
  close(): void;
}

/** The parts of a pair without a process that the library does not declare. */
interface Pair {
  readonly _pty: string;
  readonly _master: ReadStream;
  /** The same as a file. */
  readonly _fd: number;
  readonly _slave: ReadStream;
}

interface Plugged {
  readonly path: string;
  readonly master: ReadStream;
  readonly masterFile: number;
  /** Held open and never read, so that the pair outlives a program that closes the port. */
  readonly heldFile: number;
}

export function openSerialLine({ link, baudRate }: SerialLineOptions = {}): SerialLine {
  let listener: (bytes: Buffer) => void = () => {};
  let plugged: Plugged | undefined;
  const receive = pace(baudRate, (bytes) => listener(bytes));
  const send = pace(baudRate, (bytes) => {
    if (plugged !== undefined) writeAsFarAsItGoes(plugged.masterFile, bytes);
  });

  const unplug = (): void => {
    if (plugged === undefined) return;
    const { master, heldFile } = plugged;
    plugged = undefined;
    if (link !== undefined) rmSync(link, { force: true });
    closeSync(heldFile);
    master.destroy();
  };
  const plug = (): void => {
    if (plugged !== undefined) return;
    plugged = openPair(receive);
    if (link !== undefined) relink(link, plugged.path);
  };
  plug();
  return {
    get path() {
      return link ?? plugged?.path ?? '';
    },
    get isPlugged() {
      return plugged !== undefined;
    },
    listen: (onBytes) => {
      listener = onBytes;
    },
    send,
    reset: () => {},
    end: () => {},
    freeze: () => {},
    unplug,
    plug,
    close: unplug,
  };
}

function openPair(onBytes: (bytes: Buffer) => void): Plugged {
  // The declared types know terminals with a process only.
  const { open } = pty as unknown as { open(options: { encoding: null }): Pair };
  const { _pty: path, _master: master, _fd: masterFile, _slave: slave } = open({ encoding: null });
  const heldFile = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  // The library reads this end itself and would eat what is meant for the program.
  slave.destroy();
  master.on('data', onBytes);
  master.on('error', () => {});
  return { path, master, masterFile, heldFile };
}

function relink(link: string, path: string): void {
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(path, link);
}

/**
 * What does not fit, because nobody reads at the other end, is lost, as on a real line. The stream itself would try again without
 * a pause until it fits, and nothing else would run meanwhile.
 */
function writeAsFarAsItGoes(file: number, bytes: Buffer): void {
  try {
    writeSync(file, bytes);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EAGAIN' && code !== 'EIO') throw error;
  }
}
