import type { Command, CommandResult } from '../model/command.ts';
import type { DialectDeclaration } from '../model/declaration.ts';
import type { GatewayError } from '../model/error.ts';
import type { GatewayIdentity, HubPlan } from '../model/plan.ts';
import type { Secret } from '../model/secret.ts';
import type { Stored } from '../model/twin-message.ts';
import type { DeliveryLimits } from './delivery-limits.ts';

/** An MQTT application message; `properties` are user properties of MQTT 5, ignored on 3.1.1. */
export interface Packet {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly properties?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  /** MQTT 5 request/response. */
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** What the wire needs to connect; credentials stay secrets until the wire reveals them. */
export interface WireSettings {
  /** Where the hub can be reached, the preferred one first; at least one. */
  readonly endpoints: readonly Endpoint[];
  /** How often it is looked whether a preferred endpoint is back, milliseconds. */
  readonly failBackAfterMs: number;
  readonly protocolVersion: 4 | 5;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: Secret;
  /** Absolute paths; read anew at each connect, so that a renewed certificate needs no restart. */
  readonly caFile?: string;
  readonly certificateFile?: string;
  readonly privateKey?: Secret;
  readonly keepAliveMs: number;
  readonly connectTimeoutMs: number;
  /** No PUBACK for that long: the session is lost. */
  readonly acknowledgeTimeoutMs: number;
  /** Publishes in flight at most. */
  readonly window: number;
  readonly will?: Packet;
}

/** How one cloud speaks over MQTT. Pure: no clock, no socket, no state. */
export interface Dialect {
  readonly wire: WireSettings;
  readonly limits: DeliveryLimits;
  readonly subscriptions: readonly string[];
  /** Every topic that `encode` uses for the twins of the configuration: what a receiver of all messages subscribes to. */
  messageTopics?(): readonly string[];
  /** Sent after each connect, e.g. the retained `online`. */
  birth?(nowMs: number): Packet;
  /** Sent before a planned disconnect, e.g. the retained `offline`. */
  death?(nowMs: number): Packet;
  /** `sentTimeMs` is the time of this attempt. The id stays the same at every attempt. */
  encode(stored: Stored, sentTimeMs: number): Packet;
  /** `undefined`: not for us. Throws COMMAND_INVALID with what a person could mend. */
  decode(packet: Packet, nowMs: number): Command | undefined;
  encodeResult(result: CommandResult): Packet;
  /** The answer to a packet that `decode` refused; `undefined` where nobody could know what is answered. */
  encodeRefusal(packet: Packet, error: GatewayError): Packet | undefined;
}

export interface DialectDefinition extends DialectDeclaration {
  create(plan: HubPlan, gateway: GatewayIdentity, twins: ReadonlyMap<string, TwinLabels>): Dialect;
}

/** Labels of a twin that enrich messages and topics: the gateway's and the mapping's, merged. */
export type TwinLabels = Readonly<Record<string, string>>;
