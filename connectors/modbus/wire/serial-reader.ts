import { readSync } from 'node:fs';
import type { SerialPort } from 'serialport';

/** More than a line brings between two turns of the event loop; what is longer comes in pieces. */
const READ_BYTES = 4_096;

/** What the bindings of every Unix have and the common interface does not tell. */
interface UnixBinding {
  readonly fd: number | null;
  readonly poller: {
    once(event: 'readable', listener: (error: (Error & { canceled?: boolean }) | null) => void): unknown;
  };
}

export interface SerialListener {
  /** The bytes are valid during the call only. */
  onBytes(bytes: Buffer): void;
  /** Called once, and not for a port that was closed. */
  onGone(cause: unknown): void;
}

/**
 * Reads in the turn of the event loop that tells of bytes. The stream of the library reads in the thread pool of the process,
 * where a slow disk may hold every thread for seconds, and each answer waits for another thread to wake. The port never blocks.
 */
export function readAtOnce(port: SerialPort, { onBytes, onGone }: SerialListener): void {
  const { port: binding } = port;
  if (!isUnix(binding)) throw new Error('expected an open port of a Unix');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const listen = (): void => {
    binding.poller.once('readable', (error) => {
      if (error?.canceled === true || binding.fd === null) return;
      const { bytes = 0, failure } = error === null ? readSome(binding.fd, buffer) : { failure: error };
      if (failure !== undefined) return onGone(failure);
      listen();
      if (bytes > 0) onBytes(buffer.subarray(0, bytes));
    });
  };
  listen();
}

function readSome(fd: number, buffer: Buffer): { readonly bytes?: number; readonly failure?: unknown } {
  try {
    const bytes = readSync(fd, buffer);
    return bytes > 0 ? { bytes } : { failure: 'hung up' };
  } catch (error) {
    return isForNow(error) ? {} : { failure: error };
  }
}

function isForNow(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR');
}

function isUnix(binding: unknown): binding is UnixBinding {
  return typeof binding === 'object' && binding !== null && 'poller' in binding && 'fd' in binding;
}
