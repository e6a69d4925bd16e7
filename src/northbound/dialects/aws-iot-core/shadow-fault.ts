import { type ErrorCode, GatewayError } from '../../../model/error.ts';
import type { JsonMap } from './read-json.ts';

/**
 * What a rejection of a shadow means for a report: too many requests and faults of AWS pass; a right or a thing that lacks is for a person,
 * and nothing may be lost meanwhile; anything else is the fault of this one report.
 */
const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'HUB_UNAUTHORIZED',
  403: 'HUB_UNAUTHORIZED',
  404: 'HUB_UNAUTHORIZED',
  409: 'HUB_THROTTLED',
  429: 'HUB_THROTTLED',
  500: 'HUB_THROTTLED',
  503: 'HUB_THROTTLED',
};
const MAX_TEXT_LENGTH = 200;

export function shadowFault(subject: string, shadow: string, { code, message }: JsonMap): GatewayError {
  const text = String(message ?? '').slice(0, MAX_TEXT_LENGTH);
  const hint = code === 404 ? '; is there a thing of this name, and may the gateway update its shadows?' : '';
  return new GatewayError(
    CODES[Number(code)] ?? 'HUB_MESSAGE_REJECTED',
    subject,
    `the shadow ${shadow} refuses: ${String(code)} ${text}${hint}`,
  );
}
