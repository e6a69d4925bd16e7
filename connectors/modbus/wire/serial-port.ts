import { writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SerialPort } from 'serialport';
import { GatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { SerialSettings } from '../mapping/settings.ts';
import { type BytePort, PortEnd } from './byte-port.ts';
import { Inbox } from './inbox.ts';
import { findPortHolder } from './port-holder.ts';
import { enableRs485 } from './rs485.ts';
import { readAtOnce } from './serial-reader.ts';

/** Some hosts never tell that an adapter was pulled; its device node goes nevertheless. */
const WATCH_EVERY_MS = 1_000;
/** A driver whose adapter is gone may never call back. */
const CLOSE_WITHIN_MS = 1_000;

/** One attempt. The name is resolved at each open, so a link of `/dev/serial/by-id` finds its adapter under any number. */
export async function openSerialPort(
  name: string,
  settings: SerialSettings,
  clock: Clock,
  signal: AbortSignal,
): Promise<BytePort> {
  signal.throwIfAborted();
  const { port: path, baudRate, dataBits, parity, stopBits } = settings;
  const port = new SerialPort({ path, baudRate, dataBits, parity, stopBits, lock: true, autoOpen: false });
  port.on('error', () => {});
  const device = await deviceAt(path);
  await new Promise<void>((resolve, reject) => {
    port.open((error) => (error === null ? resolve() : reject(error)));
  }).catch(async (error: unknown) => {
    throw await translate(error, name, path);
  });
  try {
    if (settings.rs485 !== undefined) await enableRs485(descriptorOf(port), settings.rs485, { name, path });
    signal.throwIfAborted();
    if (settings.pauseAfterConnect > 0) await clock.sleep(settings.pauseAfterConnect, signal);
  } catch (error) {
    await closed(port, clock);
    throw error;
  }
  return wrap(port, { name, path, device }, clock);
}

/** The bindings of every Unix have it, the common interface does not tell. */
function descriptorOf({ port }: SerialPort): number {
  return port !== undefined && 'fd' in port && typeof port.fd === 'number' ? port.fd : -1;
}

interface Opened {
  readonly name: string;
  readonly path: string;
  /** Where the path led before it was opened. */
  readonly device: string | undefined;
}

function wrap(port: SerialPort, { name, path, device }: Opened, clock: Clock): BytePort {
  const inbox = new Inbox(clock);
  const watching = new AbortController();
  let released = Promise.resolve();
  const end = new PortEnd(name, inbox, () => {
    watching.abort();
    released = closed(port, clock);
  });
  const gone = (why: string, cause?: unknown) => end.fail(new GatewayError('LINK_CLOSED', name, `${path}: ${why}`, { cause }));
  port.on('error', (error) => gone(error.message, error));
  port.on('close', () => gone('the adapter is gone'));
  readAtOnce(port, { onBytes: (bytes) => inbox.append(bytes), onGone: (cause) => gone('the adapter is gone', cause) });
  void watch({ path, device }, clock, watching.signal).then(
    () => gone('the adapter is gone'),
    () => {},
  );
  return {
    inbox,
    lost: end.lost,
    isAsleep: false,
    wake: async () => {},
    write: (bytes) => {
      if (!end.isOver) writeAtOnce(port, Buffer.from(bytes));
    },
    fail: (error) => end.fail(error),
    close: async () => {
      end.close();
      await released;
    },
  };
}

/** The bindings write in another thread, which takes as long as a character; the port never blocks, so that needs none. */
function writeAtOnce(port: SerialPort, bytes: Buffer): void {
  let written = 0;
  try {
    if (port.writableLength === 0) written = writeSync(descriptorOf(port), bytes);
  } catch {
    // Full for now, or gone: the bindings wait, or tell.
  }
  if (written < bytes.length) port.write(bytes.subarray(written));
}

/** Resolves when the path no longer leads to the device that was opened; rejects when aborted. */
async function watch({ path, device }: Pick<Opened, 'path' | 'device'>, clock: Clock, signal: AbortSignal): Promise<void> {
  while (device !== undefined && (await deviceAt(path)) === device) await clock.sleep(WATCH_EVERY_MS, signal);
}

async function deviceAt(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : `${found.ino}:${found.rdev}`;
}

async function closed(port: SerialPort, clock: Clock): Promise<void> {
  if (!port.isOpen) return;
  const done = new AbortController();
  const closing = new Promise<void>((resolve) => port.close(() => resolve()));
  await Promise.race([closing, clock.sleep(CLOSE_WITHIN_MS, done.signal).catch(() => {})]);
  done.abort();
}

async function translate(error: unknown, name: string, path: string): Promise<GatewayError> {
  const text = error instanceof Error ? error.message : String(error);
  if (/lock|busy/i.test(text)) {
    const holder = await findPortHolder(path);
    return new GatewayError('PORT_BUSY', name, `${path} is held by ${holder ?? 'another program'}`, { cause: error });
  }
  if (/no such file/i.test(text))
    return new GatewayError('LINK_REFUSED', name, `${path} is not there; is the adapter plugged in?`, { cause: error });
  if (/permission/i.test(text)) {
    return new GatewayError('LINK_REFUSED', name, `${path} may not be opened; the service needs the group that owns it`, {
      cause: error,
    });
  }
  return new GatewayError('LINK_REFUSED', name, `${path}: ${text}`, { cause: error });
}
