import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import {
  parser as createParser,
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type Packet,
} from 'mqtt-packet';

export interface SinkPublish {
  readonly connection: number;
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
  readonly qos: number;
  readonly dup: boolean;
  readonly packetId: number | undefined;
  readonly properties: IPublishPacket['properties'];
}

/** What the broker does with one PUBLISH in QoS 1. `others-again` acknowledges every other one a second time, and this one not. `later` answers when `release` is called; `cut` resets the connection unanswered. */
export type Answer =
  | 'acknowledge'
  | 'twice'
  | 'others-again'
  | 'unknown-id'
  | 'never'
  | 'later'
  | 'cut'
  | 'cut-after'
  | { readonly reasonCode: number; readonly reasonString?: string };

/** A client of the broker, as the service behind it sees it. */
export interface SinkClient {
  readonly number: number;
  readonly socket: Socket;
  readonly connect: IConnectPacket | undefined;
  readonly subscriptions: ReadonlySet<string>;
  /** In QoS 1, whatever it has subscribed to. */
  send(topic: string, payload: string | Buffer): void;
  /** With a DISCONNECT where its version of MQTT has one for brokers. */
  end(reasonCode: number): void;
}

/** What stands behind the broker: it decides who may do what, and answers. */
export interface SinkService {
  /** The code of CONNACK; 0 accepts. */
  connect?(client: SinkClient, packet: IConnectPacket): number;
  /** Codes of SUBACK; `undefined`: the client was ended. */
  subscribe?(client: SinkClient, packet: ISubscribePacket): readonly number[] | undefined;
  /** What happens with the PUBLISH; `undefined`: what the script says. Called before that. */
  publish?(client: SinkClient, publish: SinkPublish): Answer | undefined;
  close?(client: SinkClient): void;
}

export interface SinkScript {
  service?: SinkService;
  /** CONNACK code; 0 accepts. */
  connackCode?: number;
  connackProperties?: IConnackPacket['properties'];
  /** `silent`: accepts TCP and answers nothing. Bytes: sent at once in place of MQTT. */
  greeting?: 'mqtt' | 'silent' | Buffer;
  subackCode?: number;
  /** Called for each PUBLISH in QoS 1 of a client, in order. */
  answer?: (publish: SinkPublish, index: number) => Answer;
  /** What becomes of a PINGREQ: read and answered, held until `release`, or read and never answered. */
  pings?: 'answer' | 'later' | 'never';
  /** Sent after SUBACK to whoever subscribes to exactly this topic and wants what is retained. */
  retained?: Readonly<Record<string, string>>;
  tls?: TlsOptions;
  /** Kicks out an older connection with the same client id, as MQTT wants. */
  isJealous?: boolean;
}

interface Connection extends SinkClient {
  connect: IConnectPacket | undefined;
  readonly inFlight: Set<number>;
  readonly held: number[];
  /** What the client has told. */
  readonly aliases: Map<number, string>;
  heldPings: number;
  readonly subscriptions: Set<string>;
  readonly acknowledged: Set<number>;
  isFrozen: boolean;
  isPolite: boolean;
}

/** A strict broker for one purpose: it records everything, answers as its script says, and complains of clients that break the rules. */
export class SinkBroker {
  readonly publishes: SinkPublish[] = [];
  readonly connects: IConnectPacket[] = [];
  /** Every packet of every client, in order. */
  readonly received: { readonly connection: number; readonly packet: Packet }[] = [];
  /** Rules of MQTT that a client broke. */
  readonly violations: string[] = [];
  readonly wills: IConnectPacket[] = [];
  readonly subscriptions: string[] = [];
  readonly subscribed: { readonly connection: number; readonly topic: string; readonly qos: number }[] = [];
  script: SinkScript;
  maxInFlight = 0;
  disconnects = 0;
  /** Reason codes of the DISCONNECTs. */
  readonly goodbyes: number[] = [];
  pings = 0;
  /** Of all PUBLISH packets, with their headers. */
  publishBytes = 0;
  #server: Server;
  #connections = new Set<Connection>();
  #connectionCount = 0;
  #publishCount = 0;
  #port = 0;
  #watchers = new Set<() => void>();
  #nextPacketId = 1;

  private constructor(script: SinkScript) {
    this.script = script;
    this.#server = this.#createServer();
  }

  /** `port` 0: any that is free. */
  static async start(script: SinkScript = {}, port = 0): Promise<SinkBroker> {
    const broker = new SinkBroker(script);
    broker.#port = port;
    await broker.listen();
    return broker;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `${this.script.tls === undefined ? 'mqtt' : 'mqtts'}://127.0.0.1:${this.#port}`;
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  /** Messages for twins: everything but the status of the gateway. */
  get messages(): readonly Record<string, unknown>[] {
    return this.publishes
      .filter(({ retain }) => !retain)
      .map(({ payload }) => JSON.parse(payload.toString()) as Record<string, unknown>);
  }

  async listen(): Promise<void> {
    this.#server = this.#createServer();
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Nobody listens any more; all connections are reset. */
  async stop(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  /** Resets every connection. */
  cut(): void {
    for (const { socket } of this.#connections) reset(socket);
  }

  /** Reads and answers nothing any more, on the connections of now. */
  freeze(): void {
    for (const connection of this.#connections) connection.isFrozen = true;
  }

  /** Answers what was held back with `later`, last first when `reversed`. */
  release(isReversed = false): void {
    for (const connection of this.#connections) {
      for (; connection.heldPings > 0; connection.heldPings -= 1) this.#write(connection, { cmd: 'pingresp' });
      const held = connection.held.splice(0);
      for (const packetId of isReversed ? held.reverse() : held) this.#acknowledge(connection, packetId, 0);
    }
  }

  /** Sends a message to every client. */
  send(topic: string, payload: string | Buffer, more: Partial<IPublishPacket> = {}): void {
    for (const connection of this.#connections) this.#sendTo(connection, topic, payload, more);
  }

  /** What was written down of packets so far, for runs that are so long that it would fill the memory. */
  forget(): void {
    this.publishes.length = 0;
    this.received.length = 0;
  }

  #sendTo(connection: Connection, topic: string, payload: string | Buffer, more: Partial<IPublishPacket> = {}): void {
    const messageId = this.#nextPacketId++ % 65_535 || 1;
    this.#write(connection, { cmd: 'publish', topic, payload, qos: 1, dup: false, retain: false, messageId, ...more });
  }

  #end(connection: Connection, reasonCode: number, serverReference?: string): void {
    const properties = serverReference === undefined ? {} : { properties: { serverReference } };
    if (connection.connect?.protocolVersion === 5)
      this.#write(connection, { cmd: 'disconnect', reasonCode, ...properties } as Packet);
    connection.isFrozen = true;
    connection.socket.end();
  }

  /** Ends every connection with a DISCONNECT of MQTT 5. */
  disconnect(reasonCode: number, serverReference?: string): void {
    for (const connection of this.#connections) this.#end(connection, reasonCode, serverReference);
  }

  /** Resolves when `condition` holds; looks at it after everything that happens here. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => void this.#watchers.add(resolve));
  }

  #notify(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }

  #createServer(): Server {
    const onSocket = (socket: Socket) => this.#open(socket);
    if (this.script.tls === undefined) return createServer(onSocket);
    return createTlsServer(this.script.tls, onSocket).on('tlsClientError', () => {});
  }

  #open(socket: Socket): void {
    const { greeting = 'mqtt' } = this.script;
    const connection: Connection = {
      number: ++this.#connectionCount,
      socket,
      connect: undefined,
      inFlight: new Set(),
      held: [],
      aliases: new Map(),
      heldPings: 0,
      acknowledged: new Set(),
      subscriptions: new Set(),
      isFrozen: greeting !== 'mqtt',
      isPolite: false,
      send: (topic, payload) => this.#sendTo(connection, topic, payload),
      end: (reasonCode) => this.#end(connection, reasonCode),
    };
    this.#connections.add(connection);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => this.#close(connection));
    if (Buffer.isBuffer(greeting)) socket.end(greeting);
    const onUnreadable = (error: Error) => {
      this.violations.push(`unreadable: ${error.message}`);
      socket.destroy();
    };
    let parser = createParser();
    parser.on('error', onUnreadable);
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') {
        parser = createParser({ protocolVersion: packet.protocolVersion ?? 4 });
        parser.on('packet', (next: Packet) => this.#receive(connection, next));
        parser.on('error', onUnreadable);
      }
      this.#receive(connection, packet);
    });
    socket.on('data', (chunk: Buffer) => {
      if (!connection.isFrozen) parser.parse(chunk);
      this.#notify();
    });
    this.#notify();
  }

  #close(connection: Connection): void {
    this.#connections.delete(connection);
    if (connection.connect?.will !== undefined && !connection.isPolite) this.wills.push(connection.connect);
    this.script.service?.close?.(connection);
    this.#notify();
  }

  #receive(connection: Connection, packet: Packet): void {
    if (connection.isFrozen) return;
    this.received.push({ connection: connection.number, packet });
    switch (packet.cmd) {
      case 'connect':
        this.#accept(connection, packet);
        return;
      case 'publish':
        this.#record(connection, packet);
        return;
      case 'subscribe':
        this.#subscribe(connection, packet);
        return;
      case 'pingreq':
        this.#takePing(connection);
        return;
      case 'disconnect':
        this.disconnects += 1;
        this.goodbyes.push(packet.reasonCode ?? 0);
        connection.isPolite = true;
        connection.socket.end();
        return;
      case 'puback':
        return;
      default:
        this.violations.push(`unexpected ${packet.cmd}`);
    }
  }

  #accept(connection: Connection, packet: IConnectPacket): void {
    if (this.script.isJealous === true) {
      for (const other of this.#connections) {
        if (other !== connection && other.connect?.clientId === packet.clientId) other.socket.destroy();
      }
    }
    connection.connect = packet;
    this.connects.push(packet);
    const code = this.script.service?.connect?.(connection, packet) || (this.script.connackCode ?? 0);
    const properties = packet.protocolVersion === 5 ? { properties: this.script.connackProperties ?? {} } : {};
    this.#write(connection, { cmd: 'connack', returnCode: code, reasonCode: code, sessionPresent: false, ...properties });
    if (code !== 0) connection.socket.end();
    this.#notify();
  }

  #subscribe(connection: Connection, packet: ISubscribePacket): void {
    const { subscriptions, messageId } = packet;
    const { service, subackCode } = this.script;
    const codes = service?.subscribe?.(connection, packet);
    if (connection.isFrozen) return;
    for (const { topic, qos } of subscriptions) {
      this.subscriptions.push(topic);
      this.subscribed.push({ connection: connection.number, topic, qos });
      connection.subscriptions.add(topic);
    }
    const granted = codes === undefined || subackCode !== undefined ? subscriptions.map(() => subackCode ?? 1) : [...codes];
    this.#write(connection, { cmd: 'suback', granted, ...(messageId === undefined ? {} : { messageId }) });
    for (const { topic, rh = 0 } of subscriptions) {
      const payload = this.script.retained?.[topic];
      if (payload !== undefined && rh === 0)
        this.#write(connection, { cmd: 'publish', topic, payload, qos: 0, dup: false, retain: true });
    }
    this.#notify();
  }

  #takePing(connection: Connection): void {
    this.pings += 1;
    const { pings = 'answer' } = this.script;
    if (pings === 'answer') this.#write(connection, { cmd: 'pingresp' });
    else if (pings === 'later') connection.heldPings += 1;
  }

  #record(connection: Connection, packet: IPublishPacket): void {
    const { payload, retain, qos, dup, messageId, properties } = packet;
    const topic = this.#topicOf(connection, packet);
    this.publishBytes += 2 + (packet.length ?? 0);
    const publish = {
      connection: connection.number,
      topic,
      payload: Buffer.from(payload),
      retain,
      qos,
      dup,
      packetId: messageId,
      properties,
    };
    this.publishes.push(publish);
    const { service, answer } = this.script;
    const decided = service?.publish?.(connection, publish);
    if (messageId !== undefined && !connection.isFrozen) {
      this.#checkWindow(connection, messageId, packet.length ?? 0);
      this.#answer(connection, messageId, decided ?? answer?.(publish, this.#publishCount++) ?? 'acknowledge');
    }
    this.#notify();
  }

  #topicOf({ aliases }: Connection, { topic, properties }: IPublishPacket): string {
    const { topicAlias } = properties ?? {};
    if (topicAlias === undefined) return topic;
    const { topicAliasMaximum = 0 } = this.script.connackProperties ?? {};
    if (topicAlias > topicAliasMaximum) this.violations.push(`topic alias ${topicAlias}, at most ${topicAliasMaximum} allowed`);
    if (topic !== '') aliases.set(topicAlias, topic);
    const meant = aliases.get(topicAlias);
    if (meant === undefined) this.violations.push(`topic alias ${topicAlias} was never told`);
    return meant ?? '';
  }

  #checkWindow({ inFlight }: Connection, messageId: number, length: number): void {
    const { receiveMaximum = 65_535, maximumPacketSize = Number.POSITIVE_INFINITY } = this.script.connackProperties ?? {};
    if (inFlight.has(messageId)) this.violations.push(`packet id ${messageId} is used twice at the same time`);
    inFlight.add(messageId);
    this.maxInFlight = Math.max(this.maxInFlight, inFlight.size);
    if (inFlight.size > receiveMaximum) this.violations.push(`${inFlight.size} in flight, ${receiveMaximum} allowed`);
    if (length + 5 > maximumPacketSize) this.violations.push(`a packet of ${length} bytes, ${maximumPacketSize} allowed`);
  }

  #answer(connection: Connection, packetId: number, answer: Answer): void {
    if (typeof answer === 'object') {
      this.#acknowledge(connection, packetId, answer.reasonCode, answer.reasonString);
      return;
    }
    switch (answer) {
      case 'acknowledge':
        this.#acknowledge(connection, packetId, 0);
        return;
      case 'twice':
        this.#acknowledge(connection, packetId, 0);
        this.#acknowledge(connection, packetId, 0);
        return;
      case 'others-again':
        for (const id of connection.acknowledged) this.#acknowledge(connection, id, 0);
        return;
      case 'unknown-id':
        this.#acknowledge(connection, 65_000, 0);
        this.#acknowledge(connection, packetId, 0);
        return;
      case 'later':
        connection.held.push(packetId);
        return;
      case 'cut':
        connection.isFrozen = true;
        reset(connection.socket);
        return;
      case 'cut-after':
        this.#acknowledge(connection, packetId, 0);
        connection.isFrozen = true;
        connection.socket.destroySoon();
        return;
      case 'never':
    }
  }

  #acknowledge(connection: Connection, messageId: number, reasonCode: number, reasonString?: string): void {
    connection.inFlight.delete(messageId);
    connection.acknowledged.add(messageId);
    const properties = reasonString === undefined ? {} : { properties: { reasonString } };
    this.#write(connection, { cmd: 'puback', messageId, reasonCode, ...properties });
  }

  #write(connection: Connection, packet: Packet): void {
    const protocolVersion = connection.connect?.protocolVersion ?? 4;
    if (connection.socket.writable) connection.socket.write(generate(packet, { protocolVersion } as never));
  }
}

/** Only a bare TCP socket can be reset; a TLS socket is torn without its farewell. */
function reset(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}
