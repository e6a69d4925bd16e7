import { GatewayError } from '../model/error.ts';

/** Somebody must act: these do not heal by waiting. */
const FOR_PEOPLE: Readonly<Record<string, string>> = {
  EACCES: 'this user may not: change the owner of the directory and of what is in it',
  EPERM: 'this user may not: change the owner of the directory and of what is in it',
  EEXIST: 'there is a file of this name: move it away or choose another directory',
  ENOTDIR: 'a part of the path is a file: move it away or choose another directory',
  ENOENT: 'a part of the path is missing: make it, or mount its disk',
  ELOOP: 'the path leads in a circle: mend its links',
  ENAMETOOLONG: 'the path is too long: choose a shorter one',
};

/** An error of the disk that may go away by itself: a full, read-only, broken or slow one. */
export function mayHeal(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return !(error instanceof GatewayError) && typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) && !(code in FOR_PEOPLE);
}

export function toSpoolError(error: unknown, directory: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (!/^E[A-Z0-9]+$/.test(code)) return new GatewayError('BUG', directory, message, { cause: error });
  const hint = FOR_PEOPLE[code] ?? 'check the disk: space, mount and health';
  return new GatewayError('SPOOL_WRITE', directory, `${message}; ${hint}`, { cause: error });
}
