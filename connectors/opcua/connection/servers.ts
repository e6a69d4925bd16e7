import { once } from 'node:events';
import { GatewayError } from '../../../src/model/error.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { abortError } from '../protocol/deadline.ts';
import { toLinkError } from '../protocol/errors.ts';
import type { OpenClient } from './client.ts';
import { Preference, readServiceLevel } from './service-level.ts';

/** A session with one of the redundant servers. */
export interface OpenServer {
  readonly url: string;
  readonly open: OpenClient;
  readonly level: number;
}

export type OpenOne = (url: string, signal: AbortSignal) => Promise<OpenClient>;

/** When one server has answered, the others get so long. */
const GRACE_MS = 2_000;

/** Opens a session with each server that answers, keeps that with the highest ServiceLevel (the first of equals), and closes the others. */
export async function openBest(
  urls: readonly string[],
  openOne: OpenOne,
  signal: AbortSignal,
  subject: string,
): Promise<OpenServer> {
  const late = new AbortController();
  const attempts = urls.map((url) => openLevel(url, openOne, AbortSignal.any([signal, late.signal])));
  const found: readonly (OpenServer | undefined)[] = await Promise.race([settled(attempts), aborted(signal, late.signal)]);
  late.abort(new GatewayError('LINK_CLOSED', subject, 'another server was faster'));
  const opened = found.filter((one) => one !== undefined);
  const best = signal.aborted ? undefined : opened.toSorted((a, b) => b.level - a.level)[0];
  const close = (one: OpenServer) => (one === best ? undefined : one.open.close(signal.aborted ? 0 : 1_000));
  for (const attempt of attempts) void attempt.then(close).catch(() => {});
  if (best !== undefined) return best;
  if (signal.aborted) throw abortError(signal, subject);
  const errors = await Promise.all(attempts.map((attempt) => attempt.then(() => undefined).catch((error: unknown) => error)));
  throw combine(urls, errors, subject);
}

async function openLevel(url: string, openOne: OpenOne, signal: AbortSignal): Promise<OpenServer> {
  const open = await openOne(url, signal);
  try {
    return { url, open, level: await readServiceLevel(open.session) };
  } catch (error) {
    await open.close(0);
    throw error;
  }
}

/** Rejects when nobody waits for that any more. */
async function aborted(signal: AbortSignal, over: AbortSignal): Promise<readonly undefined[]> {
  if (!signal.aborted) await once(signal, 'abort', { signal: over });
  return [];
}

/** What is there when all have answered or failed, or the grace after the first answer is over. In the order of the attempts. */
async function settled(attempts: readonly Promise<OpenServer>[]): Promise<readonly (OpenServer | undefined)[]> {
  const found: (OpenServer | undefined)[] = attempts.map(() => undefined);
  const all = attempts.map((attempt, at) =>
    attempt.then(
      (one) => {
        found[at] = one;
      },
      () => {},
    ),
  );
  let timer: NodeJS.Timeout | undefined;
  const grace = Promise.any(attempts).then(
    () =>
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, GRACE_MS);
      }),
    () => {},
  );
  await Promise.race([Promise.all(all), grace]);
  clearTimeout(timer);
  return [...found];
}

function combine(urls: readonly string[], errors: readonly unknown[], subject: string): GatewayError {
  const first = toLinkError(errors[0], subject, 'opening');
  if (urls.length === 1) return first;
  const texts = errors.map((error, at) => `${urls[at]}: ${toLinkError(error, subject, 'opening').message}`);
  return new GatewayError(first.code, subject, texts.join('; '), { cause: errors[0] });
}

export interface RivalsOptions {
  readonly name: string;
  readonly current: OpenServer;
  readonly urls: readonly string[];
  readonly openOne: OpenOne;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly keepAliveMs: number;
  readonly isAway: () => boolean;
  readonly onLevel: (level: number) => void;
  /** Another server is to be preferred. */
  readonly onBetter: (error: GatewayError) => void;
}

/** The others are looked at every so many keep-alives; a server is kept at least as long. */
const HOLD_KEEP_ALIVES = 6;

/** Watches the ServiceLevel of the current server, and now and then that of the others, by a session that lives for one question. */
export async function watchRivals(options: RivalsOptions): Promise<void> {
  const { name, current, urls, openOne, clock, signal, keepAliveMs, isAway, onLevel, onBetter } = options;
  const others = urls.filter((url) => url !== current.url);
  if (others.length === 0) return;
  const holdMs = HOLD_KEEP_ALIVES * keepAliveMs;
  const preference = new Preference(holdMs, clock.monotonicMs());
  let lookedMs = clock.monotonicMs();
  while (!signal.aborted) {
    await clock.sleep(keepAliveMs, signal).catch(() => {});
    if (signal.aborted || isAway()) continue;
    const own = await readServiceLevel(current.open.session).catch(() => undefined);
    if (own === undefined) continue;
    onLevel(own);
    if (!Preference.isIll(own) && clock.monotonicMs() - lookedMs < holdMs) continue;
    lookedMs = clock.monotonicMs();
    const best = await openBest(others, openOne, signal, name).catch(() => undefined);
    if (best === undefined) continue;
    void best.open.close(1_000);
    if (!preference.isToLeave(own, best.level, clock.monotonicMs()) || isAway()) continue;
    const text = `${current.url} has ServiceLevel ${own}, ${best.url} ${best.level}: going over to it`;
    onBetter(new GatewayError('LINK_CLOSED', name, text));
  }
}
