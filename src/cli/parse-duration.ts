import { InvalidArgumentError } from 'commander';
import { duration } from '../model/schema.ts';

/** An option such as `--for 20s`, in milliseconds. */
export function parseDuration(text: string): number {
  const { success, data } = duration().safeParse(text);
  if (!success) throw new InvalidArgumentError('a duration with its unit, e.g. `20s` or `5 min`.');
  return data;
}
