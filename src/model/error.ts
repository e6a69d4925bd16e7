/** Every error of the gateway has a code of this table; code and tests look at the code, never at the text. */
export interface ErrorRule {
  readonly kind: 'config' | 'link' | 'device' | 'data' | 'hub' | 'storage' | 'command' | 'bug';
  /** Whether trying again without a person may help. */
  readonly retryable: boolean;
  /** What the person in the plant should do; printed with the error. */
  readonly action: string;
}

const rule = (kind: ErrorRule['kind'], retryable: boolean, action: string): ErrorRule => ({ kind, retryable, action });

export const ERRORS = {
  CONFIG_SYNTAX: rule('config', false, 'mend the line shown; the caret stands where the reader got lost'),
  CONFIG_INVALID: rule('config', false, 'mend the key shown; the reference lists what each key takes'),
  CONFIG_DUPLICATE: rule('config', false, 'give each twin, point and connection one place only'),
  CONFIG_SECRET_MISSING: rule('config', false, 'put the secret in the credentials directory, readable by the service only'),
  LINK_REFUSED: rule('link', true, 'check that the device is switched on, its address and port, and its number of clients'),
  LINK_FULL: rule('link', true, 'the device has no session left: close forgotten clients of it; the gateway waits'),
  LINK_TIMEOUT: rule('link', true, 'check cable, address and power of the device'),
  LINK_CLOSED: rule('link', true, 'the other side closed the connection; the gateway tries again by itself'),
  LINK_UNAUTHORIZED: rule('link', true, 'check user, password or certificate that the device expects'),
  LINK_UNTRUSTED: rule('link', true, 'do what the reason asks for; trust a certificate only after its thumbprint was compared'),
  LINK_PROTOCOL: rule('link', true, 'the other side does not speak this protocol; check port and protocol'),
  LINK_DOWN: rule('link', true, 'the connection is down; see its own error'),
  PORT_BUSY: rule('link', true, 'another program holds the serial port; stop it'),
  STATE_WRITE: rule('link', true, 'let the gateway write its state directory: owner, space, mount'),
  OPERATIONS_UNAVAILABLE: rule('link', true, 'choose an `operations` host and port that are free on this machine'),
  GATEWAY_UNAVAILABLE: rule(
    'link',
    true,
    'see whether it runs: `systemctl status fieldmarshal`, `journalctl -u fieldmarshal -n 50`; and that this is its configuration',
  ),
  DEVICE_TIMEOUT: rule('device', true, 'check unit number, wiring and termination, and the response timeout'),
  DEVICE_EXCEPTION: rule('device', false, 'the device refuses this address or function; compare with its register list'),
  DEVICE_UNREACHABLE: rule(
    'device',
    true,
    'the converter does not reach the unit: check unit number, power and wiring, and its line settings',
  ),
  DEVICE_BUSY: rule('device', true, 'the device is busy; poll less often'),
  DEVICE_BAD_FRAME: rule('device', true, 'check the unit number; on a line baud rate, parity, termination, a second master'),
  VALUE_OUT_OF_RANGE: rule('data', false, 'check range, scale and word order of the point'),
  VALUE_TYPE: rule('data', false, 'check type and word order of the point'),
  HUB_REFUSED: rule('hub', true, 'check host and port of the hub, and the way there through the firewall'),
  HUB_HOST_OFFLINE: rule('hub', true, 'start the primary host application; until it is there the spool keeps the messages'),
  HUB_TIMEOUT: rule('hub', true, 'the hub does not answer in time; check the network; the spool keeps the messages'),
  HUB_THROTTLED: rule('hub', true, 'the hub takes less than is sent; send less or buy a larger tier'),
  HUB_UNAUTHORIZED: rule('hub', true, 'check credential, client id and rights at the hub'),
  HUB_MESSAGE_FORBIDDEN: rule('hub', true, 'give the gateway the right to publish there; until then its messages wait'),
  HUB_UNTRUSTED: rule('hub', true, 'check the CA file, the host name and the clock of the gateway'),
  HUB_MESSAGE_REJECTED: rule('hub', false, 'the hub will not take this message; the gap record tells which'),
  HUB_MESSAGE_TOO_LARGE: rule(
    'hub',
    false,
    'the hub takes no message so large: lower `message.maxBytes`; the gap record tells which',
  ),
  SPOOL_BUSY: rule('storage', false, 'another gateway owns this spool; stop it or use another directory'),
  SPOOL_LOCKED: rule('storage', false, 'name the key it was written with among `oldKeys`, or move the spool directory away'),
  SPOOL_FULL: rule('storage', true, 'enlarge spool.maxBytes or mend the way to the hub'),
  SPOOL_CORRUPT: rule('storage', false, 'check the disk; damaged data was set aside in quarantine'),
  SPOOL_WRITE: rule('storage', true, 'check the disk: space, mount and health'),
  AUDIT_MISSING: rule('storage', false, 'name the configuration of the gateway with `--config`, or the directory of the log'),
  COMMAND_INVALID: rule('command', false, 'send a command as the reference describes it'),
  COMMAND_UNKNOWN: rule('command', false, 'the mapping has no such twin or point'),
  COMMAND_READ_ONLY: rule('command', false, 'add `write:` to the point if it shall be writable'),
  COMMAND_OUT_OF_RANGE: rule('command', false, 'send a value within the limits of `write:`'),
  COMMAND_TOO_OFTEN: rule('command', true, 'wait for `atMostEvery` of the point'),
  COMMAND_INTERLOCKED: rule('command', false, 'the condition in `onlyIf` does not hold'),
  COMMAND_EXPIRED: rule('command', false, 'send the command again; check both clocks'),
  COMMAND_REPLAYED: rule('command', false, 'use a new id for each command'),
  COMMAND_NOT_APPROVED: rule(
    'command',
    false,
    'have another person approve it in time, and say who asks and who approves (`by`)',
  ),
  COMMAND_FAILED: rule('command', false, 'the device did not take the value; see the cause'),
  USAGE: rule('command', false, 'see --help'),
  BUG: rule('bug', false, 'report this with the log lines around it'),
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERRORS;

/** The one error of the gateway. `subject` says where: a file with line, a connection, a point id, a hub. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly subject: string;

  constructor(code: ErrorCode, subject: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.subject = subject;
  }

  get rule(): ErrorRule {
    return ERRORS[this.code];
  }
}

/** For catch blocks at the edge: what is not ours is a bug, and stays as the cause. */
export function toGatewayError(error: unknown, subject: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new GatewayError('BUG', subject, text, { cause: error });
}
