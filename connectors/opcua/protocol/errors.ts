import { type ErrorCode, GatewayError, toGatewayError } from '../../../src/model/error.ts';

/** The library tells most failures as text: the OPC UA symbolic name, or the name of the system call's error. */
const CODES: readonly (readonly [pattern: RegExp, code: ErrorCode])[] = [
  [/BadTooManySessions|BadMaxConnections/, 'LINK_FULL'],
  [/user token policy|BadIdentityToken|BadUserAccessDenied|BadUserSignatureInvalid|BadNoValidCertificates/, 'LINK_UNAUTHORIZED'],
  [
    /BadCertificate|BadSecurityChecksFailed|BadSecurityModeRejected|BadSecurityPolicyRejected|BadApplicationSignatureInvalid/,
    'LINK_UNTRUSTED',
  ],
  [
    /BadTcp(EndpointUrl|Message)|BadProtocolVersion|BadDecoding|BadServiceUnsupported|BadResponseTooLarge|BadTcpMessageTooLarge/,
    'LINK_PROTOCOL',
  ],
  [/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|BadTcpServerTooBusy|BadTcpNotEnoughResources/, 'LINK_REFUSED'],
  [/ETIMEDOUT|BadTimeout|BadRequestTimeout|[Tt]imeout|timed out/, 'LINK_TIMEOUT'],
  [/Bad[A-Z]\w+|ECONNRESET|EPIPE|ECONNABORTED|[Dd]isconnect|[Cc]losed|[Cc]onnection|socket|[Cc]hannel|[Ss]ession/, 'LINK_CLOSED'],
];

/** The OPC UA symbolic name in a library error, e.g. `BadUserAccessDenied`. */
export function statusNameOf(error: unknown): string | undefined {
  return /\b(?:Bad|Uncertain)[A-Z]\w+/.exec(textOf(error))?.[0];
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

interface Reason {
  readonly code?: ErrorCode;
  readonly text: string;
}

/** What the library's words mean that say less than they know, or something else. */
const REASONS: readonly (readonly [pattern: RegExp, reason: Reason])[] = [
  [/ECONNREFUSED/, { text: 'nobody listens there (ECONNREFUSED)' }],
  [/ENOTFOUND/, { text: 'no such host name (ENOTFOUND)' }],
  [/EAI_AGAIN/, { text: 'the name server does not answer (EAI_AGAIN)' }],
  [/EHOSTUNREACH|ENETUNREACH/, { text: 'there is no way to its host' }],
  [
    /waiting for data on socket.*hadError *true/s,
    { code: 'LINK_PROTOCOL', text: 'what listens there breaks off at the first message: it does not speak OPC UA' },
  ],
  [
    /max message size exceeded/,
    {
      code: 'LINK_PROTOCOL',
      text: 'the server sent more in one message than is taken (16 MiB): ask for fewer large arrays at once',
    },
  ],
  [/waiting for data on socket/, { text: 'no answer to the first message' }],
  [
    /may have been rejected by server.*disconnected by third party/s,
    { text: 'hung up at the first message; is this the port of an OPC UA server? (disconnected by third party)' },
  ],
];

export function toLinkError(error: unknown, subject: string, doing: string): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof TypeError || error instanceof RangeError) return toGatewayError(error, subject);
  const text = textOf(error);
  const reason = REASONS.find(([pattern]) => pattern.test(text))?.[1];
  const code = reason?.code ?? CODES.find(([pattern]) => pattern.test(text))?.[1] ?? 'LINK_PROTOCOL';
  return new GatewayError(code, subject, `${doing}: ${reason?.text ?? text.split('\n')[0]?.trim()}`, { cause: error });
}

const WRITE_CODES: Readonly<Record<string, ErrorCode>> = {
  BadTypeMismatch: 'VALUE_TYPE',
  BadOutOfRange: 'VALUE_OUT_OF_RANGE',
  BadIndexRangeInvalid: 'VALUE_OUT_OF_RANGE',
  BadTimeout: 'DEVICE_TIMEOUT',
  BadServerTooBusy: 'DEVICE_BUSY',
  BadTooManyOperations: 'DEVICE_BUSY',
  BadResourceUnavailable: 'DEVICE_BUSY',
};

const WRITE_ADVICE: Readonly<Record<string, string>> = {
  BadNotWritable: 'the server lets nobody write this node',
  BadUserAccessDenied: 'the server does not let this user write the node; give `user` more rights there',
  BadTypeMismatch: 'the node holds another data type',
  BadOutOfRange: 'the server takes only values within its own limits',
  BadNodeIdUnknown: 'the server has no such node; check `address`',
  BadWriteNotSupported: 'the server cannot write this node',
};

/** Why the server did not take one value. */
export function toWriteError(status: string, subject: string): GatewayError {
  const advice = WRITE_ADVICE[status];
  return new GatewayError(
    WRITE_CODES[status] ?? 'DEVICE_EXCEPTION',
    subject,
    advice === undefined ? status : `${status}: ${advice}`,
  );
}

const CALL_ADVICE: Readonly<Record<string, string>> = {
  BadNodeIdUnknown: 'the server has no such node; check `object` and `method`',
  BadMethodInvalid: 'the object has no such method; check `object` and `method`',
  BadUserAccessDenied: 'the server does not let this user call the method; give `user` more rights there',
  BadNotExecutable: 'the server lets nobody call the method now',
  BadArgumentsMissing: 'the method takes more arguments; compare `arguments` with what the server shows',
  BadInvalidArgument: 'the method does not take this value',
  BadInvalidState: 'the device is not in a state for that',
  BadEventIdUnknown: 'the alarm has gone on since; take `eventId` of its latest event',
  BadConditionBranchAlreadyAcked: 'somebody has acknowledged the alarm already',
  BadConditionBranchAlreadyConfirmed: 'somebody has confirmed the alarm already',
};

/** Why the server did not do what was called; `argument`: which it did not like, counted from 0, where it says so. */
export function toCallError(status: string, subject: string, argument = -1): GatewayError {
  const advice = CALL_ADVICE[status];
  const text = [argument < 0 ? status : `${status} (argument ${argument + 1})`, advice].filter((part) => part !== undefined);
  const code = status === 'BadInvalidArgument' ? 'VALUE_OUT_OF_RANGE' : (WRITE_CODES[status] ?? 'DEVICE_EXCEPTION');
  return new GatewayError(code, subject, text.join(': '));
}
