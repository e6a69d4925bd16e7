import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type IConnackPacket, MqttClient, type Packet as MqttPacket } from 'mqtt';
import { type ErrorCode, GatewayError, toGatewayError } from '../../model/error.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Session } from '../../runtime/link.ts';
import type { Packet, WireSettings } from '../dialect.ts';
import { clientOptions, MAX_INCOMING_BYTES, toPacket } from './client-options.ts';
import {
  type Circumstances,
  clientFault,
  closedFault,
  notMqttFault,
  saidIn,
  streamFault,
  subscribeFault,
} from './connection-fault.ts';
import { Deliveries, type Delivery } from './deliveries.ts';
import { PacketIds } from './packet-ids.ts';
import { packetSize } from './packet-size.ts';
import { encodePublish } from './publish-packet.ts';
import { connectionError, publishError, type Said, tooLarge } from './reason-code.ts';
import { RoundTrips } from './round-trips.ts';
import { SendWindow } from './send-window.ts';
import { filterFault, type SessionTerms, termsFault, termsOf } from './session-terms.ts';
import { SizeGuard } from './size-guard.ts';
import { ALIAS_BYTES, TopicAliases } from './topic-aliases.ts';

/** DISCONNECT, the same two bytes in MQTT 3.1.1 §3.14 and 5 §3.14: the hub then forgets the will. */
const DISCONNECT = Uint8Array.of(0xe0, 0x00);
/** MQTT 5 §3.14.2.1, reason code 0x04: the hub sends the will nevertheless. */
const DISCONNECT_WITH_WILL = Uint8Array.of(0xe0, 0x01, 0x04);
const DISCONNECT_WAIT_MS = 1_000;
/** Reason codes below tell of success (MQTT 5 §2.4). */
const REFUSED_FROM = 0x80;

export interface WireOptions {
  readonly settings: WireSettings;
  /** Names the hub in errors. */
  readonly subject: string;
  readonly clock: Clock;
  readonly onPacket: (packet: Packet) => void;
}

/** Refusals that say nothing of the connection. */
const OF_THE_MESSAGE: readonly ErrorCode[] = ['HUB_MESSAGE_REJECTED', 'HUB_MESSAGE_FORBIDDEN', 'HUB_THROTTLED'];

/**
 * One MQTT connection over an open stream. MQTT.js writes and reads the packets, all but our PUBLISH, and keeps the connection alive; it
 * never connects again, and nothing is given to it that does not go out at once. `close` of the stream is the only truth about its end.
 */
export class MqttWire implements Session {
  readonly lost: Promise<GatewayError>;
  readonly #options: WireOptions;
  readonly #stream: Duplex;
  readonly #client: MqttClient;
  readonly #closed: Promise<void>;
  readonly #over = new AbortController();
  readonly #deliveries = new Deliveries();
  readonly #ids = new PacketIds();
  readonly #roundTrips = new RoundTrips(() => this.#client.sendPing());
  readonly #resolveLost: (error: GatewayError) => void;
  #window = new SendWindow(1);
  #terms: SessionTerms;
  #aliases = new TopicAliases(0);
  #isConnected = false;
  #end: GatewayError | undefined;
  #connackSaid: Said = {};
  readonly #incoming = new SizeGuard(MAX_INCOMING_BYTES);

  constructor(stream: Duplex, options: WireOptions) {
    const { promise, resolve } = Promise.withResolvers<GatewayError>();
    this.lost = promise;
    this.#resolveLost = resolve;
    this.#options = options;
    this.#terms = termsOf({}, options.settings);
    this.#stream = stream;
    this.#closed = new Promise((closed) => void stream.once('close', () => closed()));
    this.#client = new MqttClient(() => stream, {
      ...clientOptions(options.settings),
      messageIdProvider: this.#ids,
    });
    this.#listen();
  }

  /** Publishes in flight the hub allows, and we. */
  get window(): number {
    return this.#window.size;
  }

  /** Resolves after CONNACK; rejects with its refusal, or with the signal's reason. The wire is over then. */
  async handshake(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#lose(toGatewayError(signal.reason, this.#options.subject));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const connected = new Promise<IConnackPacket>((resolve) => void this.#client.once('connect', resolve));
      const outcome = await Promise.race([connected, this.lost]);
      if (outcome instanceof Error) throw outcome;
      const fault = termsFault(outcome, this.#options.subject);
      if (fault !== undefined) throw fault;
      this.#accept(outcome);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Resolves when the hub listens for us on every topic. MQTT 3.1.1 always sends what is retained there, MQTT 5 `withRetained`. */
  async subscribe(topics: readonly string[], withRetained = false): Promise<void> {
    if (topics.length === 0) return;
    const fault = filterFault(this.#terms, topics, this.#options.subject);
    if (fault !== undefined) throw fault;
    const granted = new Promise<GatewayError | undefined>((resolve) => {
      this.#client.subscribe([...topics], { qos: 1, nl: true, rap: false, rh: withRetained ? 0 : 2 }, (error, _, packet) =>
        resolve(error === null ? undefined : subscribeFault(error, packet, this.#options.subject)),
      );
    });
    const error = await Promise.race([granted, this.lost]);
    if (error !== undefined) throw error;
  }

  /** Whether the hub takes a packet of that size. */
  fits(packet: Packet): boolean {
    return packetSize(packet) <= this.#terms.maximumPacketSize;
  }

  /** Resolves at PUBACK (QoS 1). Rejects with its refusal or the cause of the loss. Packets go out in the order of the calls. */
  publish(packet: Packet): Promise<void> {
    const bytes = packetSize(packet);
    const { subject } = this.#options;
    const { maximumPacketSize } = this.#terms;
    if (bytes > maximumPacketSize) return Promise.reject(tooLarge(subject, packet.topic, bytes, maximumPacketSize));
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      const delivery = this.#deliveries.add(packet, bytes, { resolve, reject });
      this.#window.enter(() => this.#send(delivery));
    });
  }

  /** Resolves when the hub has read everything sent before the call. Rejects with the cause of the loss. */
  roundTrip(): Promise<void> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    return this.#roundTrips.ask(this.#options.clock.monotonicMs());
  }

  /** Says goodbye if there is somebody to hear it. */
  async close(): Promise<void> {
    if (this.#finish(new GatewayError('LINK_CLOSED', this.#options.subject, 'the connection was closed by the gateway'))) {
      const { protocolVersion, willAtClose = false } = this.#options.settings;
      this.#stream.end(willAtClose && protocolVersion === 5 ? DISCONNECT_WITH_WILL : DISCONNECT);
      await Promise.race([this.#closed, this.#options.clock.sleep(DISCONNECT_WAIT_MS, undefined)]);
    }
    this.#client.end(true);
    this.#stream.destroy();
    await this.#closed;
  }

  #listen(): void {
    const client = this.#client;
    this.#stream.on('error', (error) => this.#lose(streamFault(error, this.#circumstances())));
    this.#stream.on('data', (chunk: Buffer) => this.#guardSize(chunk));
    client.on('error', (error) => this.#lose(clientFault(error, this.#circumstances())));
    client.on('close', () => this.#lose(closedFault(this.#circumstances())));
    client.on('disconnect', ({ reasonCode = 0, properties }) =>
      this.#lose(connectionError(reasonCode, this.#options.subject, 'the hub ended the connection', properties)),
    );
    client.on('packetsend', ({ cmd }) => {
      if (cmd === 'pingreq') this.#roundTrips.sent();
    });
    client.on('packetreceive', (packet) => {
      this.#incoming.parsed();
      if (packet.cmd === 'puback') this.#acknowledged(packet);
      if (packet.cmd === 'pingresp') this.#roundTrips.answered();
      if (packet.cmd === 'connack') this.#connackSaid = saidIn(packet);
      else if (!this.#isConnected) this.#lose(notMqttFault(this.#circumstances()));
    });
    client.on('message', (topic, _, packet) => {
      if (this.#end === undefined) this.#options.onPacket(toPacket(topic, packet));
    });
  }

  #accept(connack: IConnackPacket): void {
    const { settings } = this.#options;
    this.#isConnected = true;
    this.#terms = termsOf(connack, settings);
    this.#window = new SendWindow(this.#terms.window);
    this.#aliases = new TopicAliases(this.#terms.topicAliasMaximum);
    void this.#watchAcknowledgements(settings.acknowledgeTimeoutMs);
  }

  #send(delivery: Delivery): void {
    if (this.#end !== undefined) return;
    const { packet, bytes } = delivery;
    const { topic } = packet;
    delivery.sentMs = this.#options.clock.monotonicMs();
    const aliased = bytes + ALIAS_BYTES > this.#terms.maximumPacketSize ? { topic } : this.#aliases.use(topic);
    const { keepsRetained } = this.#terms;
    const { protocolVersion } = this.#options.settings;
    // Never none: no window is as large as there are ids.
    if (packet.qos === 1) delivery.id = this.#ids.allocate() ?? 0;
    const encoded = encodePublish(packet, { protocolVersion, id: delivery.id ?? 0, aliased, keepsRetained });
    this.#gather();
    if (packet.qos === 1) this.#stream.write(encoded);
    else this.#stream.write(encoded, (error) => error ?? this.#settle(delivery));
  }

  #acknowledged(puback: Extract<MqttPacket, { cmd: 'puback' }>): void {
    const { messageId, reasonCode = 0 } = puback;
    const delivery = this.#deliveries.withId(messageId);
    if (delivery?.id === undefined) return;
    this.#ids.deallocate(delivery.id);
    const { subject } = this.#options;
    const isTaken = reasonCode < REFUSED_FROM;
    this.#settle(delivery, isTaken ? undefined : publishError(reasonCode, subject, delivery.packet.topic, saidIn(puback)));
  }

  /** What is sent in one turn of the event loop leaves in one write: the kernel is asked once, not for each packet. */
  #gather(): void {
    if (this.#stream.writableCorked > 0) return;
    this.#stream.cork();
    setImmediate(() => this.#stream.uncork());
  }

  #settle(delivery: Delivery, refusal?: GatewayError): void {
    if (!this.#deliveries.settle(delivery)) return;
    this.#window.leave();
    if (refusal === undefined) delivery.resolve();
    else this.#settleRefused(delivery, refusal);
  }

  #settleRefused({ reject }: Delivery, error: GatewayError): void {
    reject(error);
    if (!OF_THE_MESSAGE.includes(error.code)) this.#lose(error);
  }

  /** A frozen hub, or one that forgets messages, keeps a connection alive for ever: only missing acknowledgements show it. */
  async #watchAcknowledgements(timeoutMs: number): Promise<void> {
    const { clock, subject } = this.#options;
    for (;;) {
      await clock.sleep(timeoutMs / 4, this.#over.signal).catch(() => {});
      if (this.#over.signal.aborted) return;
      const sinceMs = Math.min(this.#deliveries.oldestSentMs, this.#roundTrips.oldestMs ?? Number.POSITIVE_INFINITY);
      if (clock.monotonicMs() - sinceMs < timeoutMs) continue;
      this.#lose(new GatewayError('HUB_TIMEOUT', subject, `no acknowledgement of a message within ${timeoutMs} ms`));
    }
  }

  #guardSize(chunk: Buffer): void {
    if (this.#incoming.take(chunk)) return;
    const message = `the hub sends a packet of more than ${MAX_INCOMING_BYTES} bytes`;
    this.#lose(new GatewayError('HUB_REFUSED', this.#options.subject, message));
  }

  #lose(error: GatewayError): void {
    if (this.#finish(error)) this.#resolveLost(error);
    this.#stream.destroy();
  }

  /** False when it was over before. */
  #finish(error: GatewayError): boolean {
    if (this.#end !== undefined) return false;
    this.#end = error;
    this.#over.abort();
    this.#deliveries.rejectAll(error);
    this.#roundTrips.fail(error);
    return true;
  }

  #circumstances(): Circumstances {
    const { settings, subject } = this.#options;
    const { clientId } = settings;
    return {
      subject,
      clientId,
      isBareTcp: this.#stream instanceof Socket && !(this.#stream instanceof TLSSocket),
      isConnected: this.#isConnected,
      firstBytes: this.#incoming.first,
      connackSaid: this.#connackSaid,
    };
  }
}
