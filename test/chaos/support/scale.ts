/** `CHAOS=long npm run chaos` makes as many trials as the promise asks for, which takes hours; without it a few of each. */
export const IS_LONG = process.env.CHAOS === 'long';

/** How many trials. Any other number by its own variable, e.g. `CHAOS_KILLS=50`. */
export function trials(name: string, short: number, long: number): number {
  const given = Number(process.env[`CHAOS_${name}`]);
  return Number.isSafeInteger(given) && given > 0 ? given : IS_LONG ? long : short;
}

/** Longest time for a trial of the long form. */
export const LONG_MS = 12 * 3_600_000;
