import type { ErrorCode } from '../model/error.ts';
import type { Clock } from './clock.ts';
import type { LinkState } from './link.ts';
import type { Log } from './log.ts';

/** Logs the states of one link: each change of mind as a line, the same refusal again and again only at debug. */
export function createLinkLog(): (state: LinkState, log: Log, clock: Clock) => void {
  let told: ErrorCode | undefined;
  return (state, log, clock) => {
    if (state.state === 'up') {
      told = undefined;
      log.info('link up');
    }
    if (state.state !== 'waiting') return;
    const { code, message, rule } = state.error;
    const fields = { code, reason: message, action: rule.action, retry_in_ms: Math.round(state.retryAtMs - clock.nowMs()) };
    if (code === told) log.debug('link still down', fields);
    else log.warn('link lost', fields);
    told = code;
  };
}
