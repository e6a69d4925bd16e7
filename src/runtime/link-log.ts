import type { GatewayError } from '../model/error.ts';
import type { Clock } from './clock.ts';
import type { LinkState } from './link.ts';
import type { Log } from './log.ts';

/** Some reasons quote the other side, which may say something else each time. */
const MOST_REASONS = 8;

/**
 * Logs the states of one link: each change of mind as a line, the same refusal again and again only at debug. A new reason for the
 * same code is told once until the link is up again: the first one says how it broke off, the second why it does not come back.
 */
export function createLinkLog(): (state: LinkState, log: Log, clock: Clock) => void {
  let before: GatewayError | undefined;
  let reasons = new Set<string>();
  return (state, log, clock) => {
    if (state.state === 'up') {
      before = undefined;
      log.info('link up');
    }
    if (state.state !== 'waiting') return;
    const { error } = state;
    if (error.code !== before?.code) reasons = new Set();
    before = error;
    const fields = { code: error.code, reason: error.message, action: error.rule.action };
    const isNews = !reasons.has(kindOf(error.message)) && reasons.size < MOST_REASONS;
    reasons.add(kindOf(error.message));
    log[isNews ? 'warn' : 'debug'](isNews ? 'link lost' : 'link still down', {
      ...fields,
      retry_in_ms: Math.round(state.retryAtMs - clock.nowMs()),
    });
  };
}

/** Times and counts differ from one attempt to the next. */
function kindOf(reason: string): string {
  return reason.replaceAll(/\d+/g, '0');
}
