import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { GatewayError } from '../model/error.ts';
import { Secret } from '../model/secret.ts';

/** A secret that the gateway itself keeps in a file. Rejects with HUB_UNAUTHORIZED where it cannot be read. */
export async function fileSecret(name: string, path: string): Promise<Secret> {
  try {
    return new Secret(name, await readFile(path), () => readAnew(path));
  } catch (cause) {
    throw new GatewayError('HUB_UNAUTHORIZED', path, `${path} cannot be read`, { cause });
  }
}

function readAnew(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
