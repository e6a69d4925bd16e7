import { z } from 'zod';
import { Secret } from './secret.ts';

/**
 * The scalars of the configuration files, declared once: parser, JSON Schema and reference page come from here. A declaration
 * carries its documentation in `.meta({ description, examples })`.
 */
const DURATION_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const DURATION = /^(\d+(?:\.\d+)?) ?(ms|s|min|h|d)$/;
const SIZE = /^(\d+(?:\.\d+)?) ?(B|kB|MB|GB|KiB|MiB|GiB)$/;

function quantity(pattern: RegExp, units: Readonly<Record<string, number>>, expected: string) {
  return z.string(expected).transform((text, context) => {
    const [, amount, unit] = pattern.exec(text) ?? [];
    if (amount === undefined || unit === undefined) {
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    }
    return Number(amount) * (units[unit] ?? Number.NaN);
  });
}

/** `500 ms`, `1 s`, `5 min`, `2 h`, `14 d`; parsed to milliseconds. */
export function duration() {
  return quantity(DURATION, DURATION_UNITS_MS, 'a duration with its unit, e.g. `500 ms`, `1 s`, `5 min`, `14 d`').meta({
    title: 'duration',
    format: 'duration',
  });
}

/** `4 GiB`, `100 kB`; parsed to bytes. */
export function byteSize() {
  return quantity(SIZE, SIZE_UNITS_BYTES, 'a size with its unit, e.g. `100 kB`, `4 GiB`').meta({ title: 'size', format: 'size' });
}

/** `!secret NAME`; the reader has already replaced it by the secret itself. */
export function secret() {
  return z
    .custom<Secret>((value) => value instanceof Secret, 'a secret that is only named, e.g. `!secret hub.key`')
    .meta({ title: 'secret', format: 'secret' });
}

/** A file named relative to the file that names it; the reader makes it absolute and checks that it can be read. */
export function filePath() {
  return z.string().min(1).meta({ title: 'file', format: 'file' });
}

/** A file for each twin, e.g. `keys/{twin}.key`, relative as `filePath`; that they are there is not checked by the reader. */
export function filePattern() {
  return z
    .string()
    .regex(/\{twin\}/, 'a file name that holds `{twin}`, e.g. `keys/{twin}.key`')
    .meta({ title: 'file for each twin', format: 'file-pattern' });
}

/**
 * A PEM file as `filePath`; the reader also checks that it holds X.509 certificates, that none is expired, and, where a secret
 * named `privateKey` stands beside a `certificate`, that the two belong together.
 */
export function certificateFile() {
  return z.string().min(1).meta({ title: 'certificate', format: 'certificate' });
}

export function portNumber() {
  return z.int().min(1).max(65_535).meta({ title: 'port' });
}
