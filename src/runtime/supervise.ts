import { type ErrorCode, type GatewayError, toGatewayError } from '../model/error.ts';
import { type BackOffSettings, backOffMs, DEFAULT_BACK_OFF } from './back-off.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Link, LinkState, Session } from './link.ts';

export interface SuperviseOptions<S extends Session> {
  readonly signal: AbortSignal;
  /** Called once per session, as soon as it is up. What it throws counts as the cause of a loss. */
  readonly onSession: (session: S) => void;
  readonly onState: (state: LinkState) => void;
  readonly backOff?: BackOffSettings;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** A person has to act: waiting a little would only fill logs and lock accounts. */
const LONGEST_WAIT_AT_ONCE: ReadonlySet<ErrorCode> = new Set([
  'LINK_UNAUTHORIZED',
  'LINK_UNTRUSTED',
  'HUB_UNAUTHORIZED',
  'HUB_UNTRUSTED',
]);

/** Sessions that were left over end by themselves, and not sooner for being asked. */
const FULL_WAIT_MS = 30_000;

function waitMs(code: ErrorCode, failures: number, backOff: BackOffSettings, random: () => number): number {
  if (LONGEST_WAIT_AT_ONCE.has(code)) return backOff.maxMs;
  return Math.max(backOffMs(failures, backOff, random), code === 'LINK_FULL' ? FULL_WAIT_MS : 0);
}

/**
 * Owns every retry, back-off and jitter: opens, waits for the loss, closes, waits, opens again, until the signal is aborted.
 * Resolves when the last session is closed; never rejects.
 */
export async function supervise<S extends Session>(link: Link<S>, options: SuperviseOptions<S>): Promise<void> {
  const { signal, onState, clock = systemClock, random = Math.random, backOff = DEFAULT_BACK_OFF } = options;
  let failures = 0;
  let downSinceMs = clock.nowMs();
  while (!signal.aborted) {
    onState({ state: 'opening', attempt: failures + 1, downSinceMs });
    const attempt = await liveOnce(link, options, clock);
    if (signal.aborted || attempt.error === undefined) break;
    failures = attempt.livedMs >= backOff.resetAfterMs ? 1 : failures + 1;
    const forMs = waitMs(attempt.error.code, failures, backOff, random);
    const nowMs = clock.nowMs();
    if (attempt.wasUp) downSinceMs = nowMs;
    onState({ state: 'waiting', error: attempt.error, retryAtMs: Math.round(nowMs + forMs), downSinceMs });
    await clock.sleep(forMs, signal).catch(() => {});
  }
  onState({ state: 'stopped' });
}

interface Attempt {
  /** Absent when the stop came first. */
  readonly error?: GatewayError;
  readonly livedMs: number;
  readonly wasUp: boolean;
}

async function liveOnce<S extends Session>(link: Link<S>, options: SuperviseOptions<S>, clock: Clock): Promise<Attempt> {
  let session: S;
  try {
    session = await link.open(options.signal);
  } catch (error) {
    return { error: toGatewayError(error, link.name), livedMs: 0, wasUp: false };
  }
  const upSinceMs = clock.monotonicMs();
  try {
    options.onState({ state: 'up', sinceMs: clock.nowMs() });
    options.onSession(session);
    const error = await lossOrStop(session.lost, options.signal);
    return { ...(error === undefined ? {} : { error }), livedMs: clock.monotonicMs() - upSinceMs, wasUp: true };
  } catch (error) {
    return { error: toGatewayError(error, link.name), livedMs: clock.monotonicMs() - upSinceMs, wasUp: true };
  } finally {
    await session.close().catch(() => {});
  }
}

/** `undefined`: the stop came first. A long run has many sessions, so none may leave a listener behind. */
function lossOrStop(lost: Promise<GatewayError>, signal: AbortSignal): Promise<GatewayError | undefined> {
  return new Promise((resolve) => {
    const onStop = () => resolve(undefined);
    if (signal.aborted) onStop();
    signal.addEventListener('abort', onStop, { once: true });
    void lost.then(resolve).finally(() => signal.removeEventListener('abort', onStop));
  });
}
