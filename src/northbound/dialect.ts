import type { Observable } from 'rxjs';
import type { Command, CommandResult } from '../model/command.ts';
import type { DialectDeclaration } from '../model/declaration.ts';
import type { GatewayError } from '../model/error.ts';
import type { DevicePlan, GatewayIdentity, HubPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { PointDescription } from '../model/point-description.ts';
import type { Reading } from '../model/reading.ts';
import type { Secret } from '../model/secret.ts';
import type { MessageKind, Stored } from '../model/twin-message.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { DeliveryLimits } from './delivery-limits.ts';
import type { IdentifiedMessage } from './identified-message.ts';
import type { ShapeContext } from './shapes/shape.ts';

/** An MQTT application message; `properties` are user properties of MQTT 5, ignored on 3.1.1. */
export interface Packet {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly properties?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  /** MQTT 5: how long the message is of use to receivers, from now; seconds. The hub forgets it then. */
  readonly expiryS?: number;
  /** The payload is no text; MQTT 5 tells the receiver. */
  readonly isBinary?: true;
  /** MQTT 5 request/response. */
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Protocol that TLS asks for (RFC 7301), where one port serves several. */
  readonly alpn?: string;
  /** MQTT over WebSocket at this path, with its leading `/`; absent: MQTT straight over the stream. */
  readonly webSocketPath?: string;
}

/** An HTTP proxy; everything goes through its `CONNECT`. */
export interface ProxySettings {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: Secret;
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
  /** What the hub's certificate or its key has to be; with a `caFile` both hold, without one it is trusted for its pin alone. */
  readonly pins?: readonly string[];
  readonly certificateFile?: string;
  readonly privateKey?: Secret;
  /** In place of `privateKey`: used where it lies, by an OpenSSL engine. Every handshake waits for the token, and the event loop with it. */
  readonly keyOnToken?: { readonly engine: string; readonly uri: string };
  readonly proxy?: ProxySettings;
  /** Topics in one SUBSCRIBE at most; absent: as many as are usual. */
  readonly topicsPerSubscribe?: number;
  readonly keepAliveMs: number;
  readonly connectTimeoutMs: number;
  /** No PUBACK for that long: the session is lost. */
  readonly acknowledgeTimeoutMs: number;
  /** Publishes in flight at most. */
  readonly window: number;
  readonly will?: Packet;
  /** The hub sends the will after a planned disconnect too; MQTT 5 only. */
  readonly willAtClose?: boolean;
}

/** How one cloud is spoken to over MQTT. Remembers and opens nothing by itself; what changes from session to session is a `Conversation`. */
export interface Dialect {
  /** The endpoints, and how to connect unless `prepare` says otherwise. */
  readonly wire: WireSettings;
  readonly limits: DeliveryLimits;
  /** Every topic that messages of the configuration use: what a receiver of all messages subscribes to. Absent: nobody can. */
  messageTopics?(): readonly string[];
  /** Which message a packet on `messageTopics` is, where its payload does not say it in JSON; `undefined`: none. */
  identify?(packet: Packet): IdentifiedMessage | undefined;
  /**
   * How a receiver connects with the identity of the gateway, where `wire` does not know it. Asks nobody, changes nothing. Rejects with
   * HUB_UNAUTHORIZED where there is no identity yet.
   */
  receiverSettings?(): Promise<WireSettings>;
  /** Where a twin is spoken of and to, for those who describe it. Absent: not by topics that anybody could use. */
  topicsOf?(twin: string): TwinTopics;
  /**
   * What a message is on the wire, without sending it: mostly one packet, never none, in the order in which they have to be sent. Pure; the
   * id stays the same at every attempt. `sentTimeMs`: UTC, of this attempt.
   */
  encode(stored: Stored, sentTimeMs: number): readonly Packet[];
  /** What of a packet the hub bills, bytes; `undefined`: it is free. Absent: the payload of what it takes. */
  billedBytes?(packet: Packet, direction: 'sent' | 'received'): number | undefined;
  /**
   * Called before each attempt to connect, for what cannot be known earlier: tokens, a will that counts, the hub that a provisioning
   * service assigns. One attempt: rejects with a GatewayError, or with the signal's reason.
   */
  prepare?(attempt: Attempt): Promise<Prepared>;
  /** Called once for each connection, before it subscribes. */
  converse(line: Line): Conversation;
}

export interface TwinTopics {
  of(kind: MessageKind): string;
  /** Absent: no commands are listened to. */
  readonly command?: string;
  /** Where commands are answered. */
  readonly results?: string;
  /** Name of the shape that messages have. */
  readonly shape: string;
}

export interface Attempt {
  /** Whose turn it is of `wire.endpoints`. */
  readonly endpoint: Endpoint;
  /** Why the attempt or the session before this one ended; absent at the first. */
  readonly previous?: GatewayError;
  readonly signal: AbortSignal;
  /** Talks to a service on a connection of its own, which is closed afterwards. */
  ask<T>(question: Question<T>): Promise<T>;
}

export interface Prepared {
  readonly endpoint: Endpoint;
  readonly settings: WireSettings;
  /** UTC, milliseconds since 1970: the session is then retired, and opened anew with a new preparation. Nothing is lost by it. */
  readonly renewAtMs?: number;
}

export interface Question<T> {
  readonly endpoint: Endpoint;
  readonly settings: WireSettings;
  readonly subscriptions: readonly string[];
  talk(line: QuestionLine): Promise<T>;
}

export interface QuestionLine {
  /** Its `sleep` rejects when the attempt is given up. */
  readonly clock: Clock;
  publish(packet: Packet): Promise<void>;
  /** The next packet that matches, those that came before the call too. Rejects with HUB_TIMEOUT, or with the cause of the loss. */
  next(matches: (packet: Packet) => boolean, withinMs: number): Promise<Packet>;
}

/** One connection, as a conversation sees it. */
export interface Line {
  /** Names the hub in errors. */
  readonly subject: string;
  readonly clock: Clock;
  /** Aborted when the session is lost or closed; its reason is a GatewayError, of a loss its cause. */
  readonly over: AbortSignal;
  /** Resolves at PUBACK (QoS 1), or when it is written (QoS 0). Rejects as `HubSession.publish`. Packets go out in the order of the calls. */
  publish(packet: Packet): Promise<void>;
  /** Whether the hub takes a packet of that size: what `publish` of a larger one would be refused for. */
  fits(packet: Packet): boolean;
  /** Resolves when the hub has read everything published before: what QoS 0 can be told of. Rejects with the cause of the loss. */
  roundTrip(): Promise<void>;
  /** Something nobody waits for: that it was not delivered is counted. */
  tell(packet: Packet): void;
  /** Hands a command on; `respond` follows once. False, and counted, where too many are unanswered: there will be no `respond`. */
  command(command: Command): boolean;
  /** What came is no command, as if `receive` had thrown; for what turns out later. Nothing is answered. */
  refused(reason: GatewayError): void;
  /** What came asked for nothing: an answer, news, a wish that is known. */
  heard(): void;
  /** Something was asked of the session itself, and is done; `what` for people, e.g. `rebirth`. */
  obeyed(what: string): void;
  /** A planned end: nothing more is sent; when everything sent is acknowledged the session is lost with this cause, and opened anew. */
  retire(cause: GatewayError): void;
  /** The session is of no use any more. */
  lose(cause: GatewayError): void;
}

/** What is said in one session: its state lives and dies with the connection. */
export interface Conversation {
  readonly subscriptions: readonly string[];
  /** As `subscriptions`, where what is retained is wanted, too. */
  readonly retained?: readonly string[];
  /** After the hub listens, before any message: births, the state the hub has of us. The session is open when it resolves. */
  start?(signal: AbortSignal): Promise<void>;
  /** As `HubSession.publish`: resolves with the bytes of the payload when the hub has taken the message. */
  publish(stored: Stored): Promise<number>;
  /**
   * Every packet that comes. Throws COMMAND_INVALID with what a person could mend; that is counted and answered by `refusal`. Whatever
   * comes is told to the line once, or thrown, so that every packet is accounted for; a wish of several things is a command for each.
   */
  receive(packet: Packet): void;
  /** The answer to a packet that `receive` refused; `undefined` where nobody could know what is answered. */
  refusal?(packet: Packet, error: GatewayError): Packet | undefined;
  /** Resolves when the answer is with the hub; rejects like `publish`. */
  respond(result: CommandResult): Promise<void>;
  /** Before a planned disconnect; bounded by the caller. `cause`: of a session that was retired, to be opened anew at once. */
  end?(cause?: GatewayError): Promise<void>;
}

export interface DialectContext {
  readonly gateway: GatewayIdentity;
  /** Of Fieldmarshal. */
  readonly version: string;
  /** All of the configuration; which messages reach this hub is decided before. */
  readonly devices: readonly DevicePlan[];
  /** Devices with the points that their patterns stand for now: those that are known when subscribed to, then each that changes. */
  readonly resolved: Observable<DevicePlan>;
  /** What a device sends: names, types, units. */
  describe(device: DevicePlan): readonly PointDescription[];
  /** The last engineering reading of a point. */
  latest(point: Point): Reading | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Where state may be kept over restarts; made by whoever needs it. */
  readonly stateDirectory: string;
}

/** Remembers, opens nothing. Throws CONFIG_INVALID. */
export type CreateDialect = (plan: HubPlan, context: DialectContext) => Dialect;

/** The one export of a dialect folder that the list names. Light: libraries are loaded by `load` only. */
export interface DialectDefinition extends DialectDeclaration {
  load(): Promise<CreateDialect>;
}

/** Labels of a twin that enrich messages and topics: the gateway's and the mapping's, merged. */
export type TwinLabels = Readonly<Record<string, string>>;

export function labelsByTwin({ gateway, devices }: Pick<DialectContext, 'gateway' | 'devices'>): ReadonlyMap<string, TwinLabels> {
  return new Map(devices.map(({ twin, labels }) => [twin, { ...gateway.labels, ...labels }]));
}

/** What every dialect with a `shape:` tells it. */
export function shapeContext(context: DialectContext, historyAfterMs: number): ShapeContext {
  const { gateway, devices, describe, clock } = context;
  const labels = labelsByTwin(context);
  const labelsOf = (twin: string) => labels.get(twin) ?? gateway.labels;
  const now = new Map(devices.map((device) => [device.twin, device]));
  context.resolved.subscribe((device) => now.set(device.twin, device));
  const deviceOf = (twin: string) => now.get(twin);
  return { gateway: gateway.id, labelsOf, devices, deviceOf, describe, historyAfterMs, startTimeMs: clock.nowMs() };
}
