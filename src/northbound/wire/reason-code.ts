import { type ErrorCode, GatewayError } from '../../model/error.ts';
import { Referral } from './referral.ts';

/** What the hub says beside a reason code. */
export interface Said {
  readonly reasonString?: string;
  readonly serverReference?: string;
}

/** Reason codes of MQTT 3.1.1 §3.2.2.3 (1 to 5) and MQTT 5 §2.4. */
const REASONS: Readonly<Record<number, string>> = {
  1: 'it does not speak this version of MQTT',
  2: 'it does not accept the client id',
  3: 'it is not available',
  4: 'user name or password is wrong',
  5: 'the gateway has no right to connect',
  128: 'unspecified error',
  129: 'malformed packet',
  130: 'protocol error',
  131: 'an error of its own making',
  132: 'it does not speak this version of MQTT',
  133: 'it does not accept the client id',
  134: 'user name or password is wrong',
  135: 'the gateway has no right to do this',
  136: 'it is not available',
  137: 'it is busy',
  138: 'the gateway is banned',
  139: 'it is shutting down',
  140: 'it wants another authentication method',
  141: 'it heard nothing for the keep-alive time',
  142: 'another client has connected with the same client id',
  143: 'topic filter not accepted',
  144: 'topic not accepted',
  145: 'packet id in use',
  146: 'packet id not found',
  147: 'more messages in flight than it allows',
  148: 'topic alias not accepted',
  149: 'packet too large',
  150: 'messages come too fast',
  151: 'quota exceeded',
  152: 'an administrator ended the connection',
  153: 'payload format invalid',
  154: 'it does not keep retained messages; say `retain: false`',
  155: 'it takes QoS 0 only, and the gateway needs acknowledgements',
  156: 'another server is to be used for now',
  157: 'it has moved to another server',
  158: 'it takes no shared subscriptions',
  159: 'connections come too fast',
  160: 'longest connection time reached',
  161: 'it takes no subscription identifiers',
  162: 'it takes no wildcards in subscriptions',
};

const UNAUTHORIZED = new Set([2, 4, 5, 133, 134, 135, 138, 140]);
const THROTTLED = new Set([137, 150, 151, 159]);
/** With them the hub may name another server. */
const REFERRALS = new Set([156, 157]);
const MAX_REFERENCE_LENGTH = 200;
const NOT_AUTHORIZED = 135;
/** In a PUBACK: the connection is at fault, not the message. */
const PACKET_ID_IN_USE = 145;
const TOO_LARGE = 149;
const UNSPECIFIED = 128;

/** A refusal in CONNACK or DISCONNECT. */
export function connectionError(reasonCode: number, subject: string, what: string, said: Said = {}): GatewayError {
  const code: ErrorCode = UNAUTHORIZED.has(reasonCode)
    ? 'HUB_UNAUTHORIZED'
    : THROTTLED.has(reasonCode)
      ? 'HUB_THROTTLED'
      : 'HUB_REFUSED';
  const { reasonString, serverReference } = said;
  if (serverReference === undefined || !REFERRALS.has(reasonCode))
    return new GatewayError(code, subject, `${what}: ${textOf(reasonCode, reasonString)}`);
  const text = `${what}: ${textOf(reasonCode, reasonString)}; it refers to ${serverReference.slice(0, MAX_REFERENCE_LENGTH)}`;
  return new GatewayError(code, subject, text, { cause: new Referral(serverReference) });
}

/**
 * A refusal in PUBACK. A quota passes by itself, and a person may mend a right; any other answer to this message would be the same for
 * ever, and the messages behind it would wait as long.
 */
export function publishError(reasonCode: number, subject: string, topic: string, said: Said = {}): GatewayError {
  const text = `the hub does not take a message for ${topic}: ${textOf(reasonCode, said.reasonString)}`;
  if (reasonCode === PACKET_ID_IN_USE) return new GatewayError('HUB_REFUSED', subject, text);
  if (reasonCode === NOT_AUTHORIZED) return new GatewayError('HUB_MESSAGE_FORBIDDEN', subject, text);
  return new GatewayError(THROTTLED.has(reasonCode) ? 'HUB_THROTTLED' : 'HUB_MESSAGE_REJECTED', subject, text);
}

/**
 * A refusal in SUBACK: the hub lets the gateway in, and does not let it listen. 0x80 is all that MQTT 3.1.1 can say, and mostly means that
 * the right is missing.
 */
export function subscribeError(reasonCode: number, subject: string, said?: Said): GatewayError {
  const error = connectionError(reasonCode, subject, 'the hub does not let the gateway listen for commands', said);
  return reasonCode === UNSPECIFIED ? new GatewayError('HUB_UNAUTHORIZED', subject, error.message) : error;
}

export function tooLarge(subject: string, topic: string, bytes: number, maxBytes: number): GatewayError {
  const text = `a message for ${topic} has ${bytes} bytes, the hub takes ${maxBytes} at most (${textOf(TOO_LARGE)})`;
  return new GatewayError('HUB_MESSAGE_TOO_LARGE', subject, text);
}

function textOf(reasonCode: number, detail?: string): string {
  const text = REASONS[reasonCode] ?? 'no reason known';
  return `${text} (0x${reasonCode.toString(16).padStart(2, '0')})${detail === undefined ? '' : `, "${detail}"`}`;
}
