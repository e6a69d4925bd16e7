import { GatewayError } from '../../model/error.ts';
import { connectionError, type Said, subscribeError } from './reason-code.ts';
import { isEnded, streamError } from './stream-error.ts';

/** What is known of a connection when something goes wrong with it. */
export interface Circumstances {
  readonly subject: string;
  readonly clientId: string;
  /** Nothing but TCP lies below. */
  readonly isBareTcp: boolean;
  /** The hub has accepted the connection. */
  readonly isConnected: boolean;
  /** What the other side sent first. */
  readonly firstBytes: string;
  /** What the hub said beside its answer to CONNECT. */
  readonly connackSaid: Said;
}

/** An error of MQTT.js as one of ours: with a number it is a refusal, with a text code of the stream, with neither of its parser. */
export function clientFault(error: unknown, circumstances: Circumstances): GatewayError {
  const { subject, connackSaid } = circumstances;
  const reasonCode = numberCode(error);
  if (reasonCode !== undefined) return connectionError(reasonCode, subject, 'the hub refuses the connection', connackSaid);
  if (!(error instanceof Error)) return notMqttFault(circumstances, error);
  if (error.message === 'Keepalive timeout')
    return new GatewayError('HUB_TIMEOUT', subject, 'the hub is silent', { cause: error });
  return 'code' in error ? streamFault(error, circumstances) : notMqttFault(circumstances, error);
}

export function streamFault(error: Error, circumstances: Circumstances): GatewayError {
  const { subject, isConnected } = circumstances;
  return isEnded(error) && !isConnected ? closedFault(circumstances, error) : streamError(error, subject);
}

export function notMqttFault({ subject, isConnected, firstBytes }: Circumstances, cause?: unknown): GatewayError {
  const message = isConnected
    ? 'the hub sent what is not MQTT'
    : `what answers at this port does not speak MQTT; it begins with ${JSON.stringify(firstBytes)}`;
  return new GatewayError('HUB_REFUSED', subject, message, { cause });
}

export function closedFault({ subject, clientId, isConnected, isBareTcp }: Circumstances, cause?: unknown): GatewayError {
  const message = isConnected
    ? `the hub closed the connection; if it does so again and again, see that no other client uses the client id \`${clientId}\``
    : `the hub closed the connection without an answer${isBareTcp ? '; is this a port with TLS, that of `mqtts://`?' : ''}`;
  return new GatewayError('HUB_REFUSED', subject, message, { cause });
}

/** `packet`: the SUBACK, where there was one. */
export function subscribeFault(error: Error, packet: unknown, subject: string): GatewayError {
  const { granted } = (packet ?? {}) as { readonly granted?: readonly number[] };
  const reasonCode = granted?.find((code) => code >= 128);
  if (reasonCode === undefined) return new GatewayError('HUB_REFUSED', subject, error.message, { cause: error });
  return subscribeError(reasonCode, subject, saidIn(packet));
}

/** In a packet of the hub, whatever MQTT.js hands over. */
export function saidIn(packet: unknown): Said {
  return (packet as { readonly properties?: Said } | undefined)?.properties ?? {};
}

export function numberCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}
