import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The version of the nearest package.json above this file: the same from a checkout and from `dist/`. */
function readVersion(directory: string): string {
  try {
    const { version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as { version: string };
    return version;
  } catch {
    const above = dirname(directory);
    return above === directory ? 'unknown' : readVersion(above);
  }
}

export const VERSION = readVersion(import.meta.dirname);
