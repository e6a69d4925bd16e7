import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { GatewayError } from '../../../model/error.ts';

/** What provisioning gave the gateway. */
export interface Identity {
  readonly thing: string;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
}

export interface NewIdentity {
  readonly thing: string;
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: string;
}

const thingSchema = z.object({ thing: z.string().regex(/^[a-zA-Z0-9:_-]{1,128}$/) });

/**
 * Certificate, key and thing in one directory, which is there whole or not at all: it is written beside its place, synced, and renamed.
 * Nobody but the owner may read it.
 */
export class IdentityStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** `undefined`: not provisioned. Rejects with HUB_UNAUTHORIZED where something is there and cannot be read. */
  async load(): Promise<Identity | undefined> {
    const place = this.#place;
    const text = await readFile(join(place, 'thing.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw unreadable(place, error);
    });
    if (text === undefined) return undefined;
    const { thing } = parse(text, place);
    return { thing, certificateFile: join(place, 'certificate.pem'), privateKeyFile: join(place, 'private-key.pem') };
  }

  /** Whether others than the owner may read the key. */
  async isOpenToOthers(): Promise<boolean> {
    const { mode } = await stat(join(this.#place, 'private-key.pem'));
    return (mode & 0o077) !== 0;
  }

  async save({ thing, certificate, privateKey }: NewIdentity): Promise<void> {
    const staging = `${this.#place}.new`;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    // Left by a crash: nobody has ever used it.
    await rm(staging, { recursive: true, force: true });
    await mkdir(staging, { mode: 0o700 });
    await writeSynced(join(staging, 'private-key.pem'), privateKey);
    await writeSynced(join(staging, 'certificate.pem'), certificate);
    await writeSynced(join(staging, 'thing.json'), `${JSON.stringify({ thing })}\n`);
    await sync(staging);
    await rename(staging, this.#place);
    await sync(this.#directory);
  }

  get #place(): string {
    return join(this.#directory, 'identity');
  }
}

function parse(text: string, place: string): z.output<typeof thingSchema> {
  try {
    return thingSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw unreadable(place, cause);
  }
}

function unreadable(place: string, cause: unknown): GatewayError {
  const message = `the identity in ${place} cannot be read; mend it, or delete the directory to be provisioned anew`;
  return new GatewayError('HUB_UNAUTHORIZED', place, message, { cause });
}

async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
