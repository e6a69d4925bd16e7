import type { ErrorRule, GatewayError } from '../model/error.ts';
import type { ErrorStatus, LinkStatus } from '../model/status.ts';
import type { LinkState } from './link.ts';

/** A link state as `/status` shows it. */
export function toLinkStatus(state: LinkState): LinkStatus {
  switch (state.state) {
    case 'up':
      return { state: 'up', sinceMs: state.sinceMs };
    case 'waiting':
      return { state: 'waiting', ...down(state), retryAtMs: state.retryAtMs, error: toErrorStatus(state.error) };
    case 'opening':
      return { state: 'opening', ...down(state) };
    case 'stopped':
      return { state: 'stopped' };
  }
}

function down({ downSinceMs }: { readonly downSinceMs?: number }): Pick<LinkStatus, 'downSinceMs'> {
  return downSinceMs === undefined ? {} : { downSinceMs };
}

export function toErrorStatus(error: GatewayError): ErrorStatus {
  const { action }: ErrorRule = error.rule;
  return { code: error.code, subject: error.subject, message: error.message, action };
}
