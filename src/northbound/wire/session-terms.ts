import type { IConnackPacket } from 'mqtt';
import { GatewayError } from '../../model/error.ts';
import type { WireSettings } from '../dialect.ts';

/** Receive maximum where the hub names none (MQTT 5 §3.2.2.3.3). */
const MAX_RECEIVE_MAXIMUM = 65_535;

/** What the hub allows in one session (MQTT 5 §3.2.2.3). Its keep-alive is kept by MQTT.js. */
export interface SessionTerms {
  /** Publishes in flight. */
  readonly window: number;
  /** Bytes. */
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
  readonly keepsRetained: boolean;
  readonly takesWildcards: boolean;
}

export function termsOf({ properties = {} }: Pick<IConnackPacket, 'properties'>, { window }: WireSettings): SessionTerms {
  const { receiveMaximum, maximumPacketSize, topicAliasMaximum, retainAvailable, wildcardSubscriptionAvailable } = properties;
  return {
    window: Math.min(window, receiveMaximum ?? MAX_RECEIVE_MAXIMUM),
    maximumPacketSize: maximumPacketSize ?? Number.POSITIVE_INFINITY,
    topicAliasMaximum: topicAliasMaximum ?? 0,
    keepsRetained: retainAvailable ?? true,
    takesWildcards: wildcardSubscriptionAvailable ?? true,
  };
}

/** Why no session is possible although the hub has accepted the connection. */
export function termsFault({ properties }: Pick<IConnackPacket, 'properties'>, subject: string): GatewayError | undefined {
  if (properties?.maximumQoS !== 0) return undefined;
  const text = 'the hub takes messages in QoS 0 only; without acknowledgements nobody would know what has arrived';
  return new GatewayError('HUB_REFUSED', subject, `${text}: let it take QoS 1`);
}

/** Why the hub would not let the gateway listen on these topics. */
export function filterFault(
  { takesWildcards }: SessionTerms,
  topics: readonly string[],
  subject: string,
): GatewayError | undefined {
  const wildcard = topics.find((topic) => /[+#]/.test(topic));
  if (takesWildcards || wildcard === undefined) return undefined;
  return new GatewayError('HUB_REFUSED', subject, `the hub takes no wildcards in subscriptions, and \`${wildcard}\` has one`);
}
