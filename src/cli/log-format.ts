import { fstatSync } from 'node:fs';
import type { LogOptions } from '../runtime/log.ts';

/** For journald, people at a terminal, or programs. JOURNAL_STREAM counts only when this very stream is meant: systemd.exec(5). */
export function chooseLogFormat(stream: NodeJS.WriteStream & { fd?: number }): LogOptions['format'] {
  if (stream.isTTY) return 'text';
  const { dev, ino } = fstatSync(stream.fd ?? 1);
  return process.env.JOURNAL_STREAM === `${dev}:${ino}` ? 'journal' : 'json';
}
