import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../model/secret.ts';
import type { ProblemList } from './problem-list.ts';
import type { Span } from './source-file.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** `LoadCredential=secret:DIRECTORY` of the unit names each file of the directory so. */
const DIRECTORY_PREFIX = 'secret_';
const MAX_SECRET_BYTES = 65_536;
const GROUP_AND_OTHERS = 0o077;

interface Candidate {
  readonly path: string;
  /** For people. */
  readonly shown: string;
  /** Only its owner may read it. */
  readonly isGuarded: boolean;
}

/** Where secrets lie: systemd's credentials directory first, then files beside the configuration that only their owner may read. */
export class SecretStore {
  readonly #credentialsDirectory: string | undefined;
  readonly #directory: string;
  readonly #problems: ProblemList;

  constructor(directory: string, credentialsDirectory: string | undefined, problems: ProblemList) {
    this.#directory = directory;
    this.#credentialsDirectory = credentialsDirectory;
    this.#problems = problems;
  }

  /** The secret, or an empty one and a problem at the place that names it. */
  read(name: string, at: Span): Secret {
    if (!NAME.test(name)) return this.#refuse(name, at, `\`${name}\` is not the name of a secret`, 'a file name without path');
    for (const candidate of this.#candidates(name)) {
      const mode = modeOf(candidate.path);
      if (mode === undefined) continue;
      if (candidate.isGuarded && (mode & GROUP_AND_OTHERS) !== 0) return this.#refuseOpen(name, at, candidate.shown, mode);
      return this.#take(name, candidate, at);
    }
    const credentials = this.#credentialsDirectory === undefined ? '' : ' as a systemd credential (LoadCredential=) or';
    const hint = `put it${credentials} into the file secrets/${name} beside the configuration, chmod 0600`;
    return this.#refuse(name, at, `there is no secret \`${name}\``, undefined, hint);
  }

  #candidates(name: string): readonly Candidate[] {
    const own = [`secrets/${name}`, name, `credentials/${name}`].map((shown) => ({
      path: join(this.#directory, shown),
      shown,
      isGuarded: true,
    }));
    if (this.#credentialsDirectory === undefined) return own;
    const credentials = [name, DIRECTORY_PREFIX + name].map((shown) => ({ shown, isGuarded: false }));
    const directory = this.#credentialsDirectory;
    return [...credentials.map((credential) => ({ ...credential, path: join(directory, credential.shown) })), ...own];
  }

  #take(name: string, candidate: Candidate, at: Span): Secret {
    const { path } = candidate;
    const { size } = statSync(path);
    if (size === 0) return this.#refuse(name, at, `the secret \`${name}\` is empty`);
    if (size > MAX_SECRET_BYTES) return this.#refuse(name, at, `the secret \`${name}\` has more than ${MAX_SECRET_BYTES} bytes`);
    try {
      return new Secret(name, readFileSync(path), () => readAnew(candidate));
    } catch (error) {
      return this.#refuse(name, at, `the secret \`${name}\` cannot be read (${String(error)})`);
    }
  }

  #refuseOpen(name: string, at: Span, shown: string, mode: number): Secret {
    const message = `others than its owner may read the secret \`${name}\``;
    const got = `mode 0${(mode & 0o777).toString(8)}`;
    this.#problems.add({
      at,
      code: 'CONFIG_SECRET_MISSING',
      message,
      expected: 'mode 0600 or 0400',
      got,
      hint: `chmod 0600 ${shown}`,
    });
    return new Secret(name, new Uint8Array());
  }

  #refuse(name: string, at: Span, message: string, expected?: string, hint?: string): Secret {
    this.#problems.add({ at, code: 'CONFIG_SECRET_MISSING', message, expected, hint });
    return new Secret(name, new Uint8Array());
  }
}

/** `undefined` where it is gone, empty, too large, or open to others: whoever renews it may be at work. */
function readAnew({ path, isGuarded }: Candidate): Uint8Array | undefined {
  try {
    const mode = modeOf(path);
    if (mode === undefined || (isGuarded && (mode & GROUP_AND_OTHERS) !== 0)) return undefined;
    const bytes = readFileSync(path);
    return bytes.length === 0 || bytes.length > MAX_SECRET_BYTES ? undefined : bytes;
  } catch {
    return undefined;
  }
}

/** Mode bits of a regular file. */
/** `undefined` also where this user may not look: the credentials of the service lie in a directory that only root may enter. */
function modeOf(path: string): number | undefined {
  try {
    const status = statSync(path);
    return status.isFile() ? status.mode : undefined;
  } catch {
    return undefined;
  }
}
