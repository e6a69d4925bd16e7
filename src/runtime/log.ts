import type { Writable } from 'node:stream';
import pino from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * One event a line: noun and past verb in lower case, fields after it, snake case with units: `log.warn('link lost',
 * { link: 'hall-3', code: 'LINK_TIMEOUT', retry_in_ms: 4000 })`. Quiet in steady state; nothing per reading above debug.
 */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log whose lines all carry `fields`. */
  with(fields: LogFields): Log;
}

/** A log whose level may be changed while it runs, for all that were made of it. */
export interface AdjustableLog extends Log {
  setLevel(level: LogLevel): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /**
   * `json`: one JSON object a line; `journal`: the same behind `<3>` … `<7>`, which journald takes as the priority;
   * `text`: `12:00:01.250 warn link lost link=hall-3`, for people.
   */
  readonly format: 'json' | 'journal' | 'text';
  readonly destination: Writable;
}

/** Bytes that may wait in the destination; what comes above is dropped and counted, so that a stuck reader costs no memory. */
const MAX_WAITING_BYTES = 1 << 20;

const JOURNAL_PRIORITY: Readonly<Record<number, string>> = { 20: '<7>', 30: '<6>', 40: '<4>', 50: '<3>', 60: '<2>' };

export function createLog(options: LogOptions): AdjustableLog {
  let dropped = 0;
  const destination = {
    write(line: string): void {
      if (options.destination.writableLength > MAX_WAITING_BYTES) {
        dropped += 1;
        return;
      }
      const note = dropped > 0 ? `${JSON.stringify({ level: 40, msg: 'log lines dropped', lines: dropped })}\n` : '';
      dropped = 0;
      options.destination.write(format(note + line, options.format));
    },
  };
  options.destination.on('error', () => {});
  const logger = pino({ level: 'debug', base: null, serializers: { error: serializeError } }, destination);
  const threshold = { least: LEVELS.indexOf(options.level) };
  const setLevel = (level: LogLevel) => {
    threshold.least = LEVELS.indexOf(level);
  };
  return { ...wrap(logger, threshold), setLevel };
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

function wrap(logger: pino.Logger, threshold: { readonly least: number }): Log {
  const write =
    (level: LogLevel) =>
    (event: string, fields?: LogFields): void => {
      if (LEVELS.indexOf(level) >= threshold.least) logger[level](fields ?? {}, event);
    };
  const [debug, info, warn, error] = [write('debug'), write('info'), write('warn'), write('error')];
  return { debug, info, warn, error, with: (fields) => wrap(logger.child(fields), threshold) };
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  return { name: error.name, message: error.message, stack: error.stack, ...(cause === undefined ? {} : { cause }) };
}

function format(lines: string, kind: LogOptions['format']): string {
  if (kind === 'json') return lines;
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `${kind === 'journal' ? journalLine(line) : textLine(line)}\n`)
    .join('');
}

function journalLine(line: string): string {
  const { level } = JSON.parse(line) as { level: number };
  return `${JOURNAL_PRIORITY[level] ?? '<6>'}${line}`;
}

function textLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const clock = typeof time === 'number' ? new Date(time).toISOString().slice(11, 23) : '';
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${textValue(value)}`);
  return [clock, pino.levels.labels[Number(level)], msg, ...pairs].join(' ');
}

function textValue(value: unknown): string {
  if (typeof value === 'object') return JSON.stringify(value);
  const text = String(value);
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

/** For tests and for the parts of a command that must stay silent. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLog };
