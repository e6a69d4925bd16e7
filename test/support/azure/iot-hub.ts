import type { TlsOptions } from 'node:tls';
import type { IConnectPacket, IPublishPacket, ISubscribePacket, Packet } from 'mqtt-packet';
import type { Answer, SinkPublish } from '../sink-broker.ts';
import { admit, connectFaults, type DeviceEntry } from './admission.ts';
import { DeviceTwin, type JsonMap } from './device-twin.ts';
import { type DeviceMessage, readMessage } from './message-rules.ts';
import { MqttListener, type Peer } from './mqtt-listener.ts';

export interface HubScript {
  /** Called for each telemetry message; `retain` tells the status of the gateway from the rest, as other brokers do. */
  answer?: (publish: SinkPublish, index: number) => Answer;
  connackCode?: number;
  greeting?: 'mqtt' | 'silent' | Buffer;
  /** Status instead of 204; called for each patch of reported properties. `silent`: no answer. */
  patchStatus?: (count: number) => number | 'silent' | undefined;
  /** Called when the document of the answer stands and has not been sent. */
  beforeGetAnswer?: () => void;
  getStatus?: (count: number) => number | 'silent' | undefined;
}

export interface HubOptions {
  readonly address: string;
  readonly port?: number;
  readonly tls: TlsOptions;
  readonly nowMs?: () => number;
  readonly script?: HubScript;
}

interface Client {
  readonly peer: Peer;
  readonly number: number;
  connect: IConnectPacket | undefined;
  device: DeviceEntry | undefined;
  expiresTimeMs: number;
  readonly filters: Set<string>;
  readonly held: number[];
  readonly inFlight: Set<number>;
  isPolite: boolean;
  isFrozen: boolean;
}

interface Invocation {
  resolve(answer: MethodAnswer): void;
}

export interface MethodAnswer {
  readonly status: number;
  readonly payload: string;
}

const MAX_FILTERS = 5;
const TELEMETRY = /^devices\/([^/]+)\/messages\/events\/(.*)$/;

/**
 * An IoT hub as its documents describe it: it lets in who may come in, knows its topics and no others, and closes the connection of whoever
 * breaks a rule. Every such breach stands in `violations`.
 */
export class IotHub {
  readonly violations: string[] = [];
  readonly telemetry: DeviceMessage[] = [];
  readonly connects: IConnectPacket[] = [];
  readonly wills: IConnectPacket[] = [];
  /** Why clients were not let in, or sent away. */
  readonly refusals: string[] = [];
  readonly devices = new Map<string, DeviceEntry>();
  script: HubScript;
  disconnects = 0;
  /** Answers about twins that were sent. */
  twinAnswers = 0;
  maxInFlight = 0;
  readonly #listener: MqttListener;
  readonly #options: HubOptions;
  readonly #clients = new Map<Peer, Client>();
  readonly #invocations = new Map<string, Invocation>();
  readonly #queued = new Map<string, { topic: string; payload: string }[]>();
  #watchers = new Set<() => void>();
  #clientCount = 0;
  #publishCount = 0;
  #patchCount = 0;
  #getCount = 0;
  #requestCount = 0;
  #packetId = 0;

  private constructor(options: HubOptions) {
    this.#options = options;
    this.script = options.script ?? {};
    this.#listener = new MqttListener(
      { address: options.address, port: options.port ?? 0, tls: options.tls },
      {
        onPeer: (peer) => this.#greet(peer),
        onPacket: (peer, packet) => this.#receive(peer, packet),
        onClose: (peer) => this.#forget(peer),
        onUnreadable: (peer, error) => this.#breach(peer, `unreadable: ${error.message}`),
      },
    );
  }

  static async start(options: HubOptions): Promise<IotHub> {
    const hub = new IotHub(options);
    await hub.#listener.start();
    return hub;
  }

  get host(): string {
    return this.#options.address;
  }

  get port(): number {
    return this.#listener.port;
  }

  get webSocketPort(): number {
    return this.#listener.webSocketPort;
  }

  get openConnections(): number {
    return this.#clients.size;
  }

  /** Bodies of the telemetry, without the status of the gateway. */
  get messages(): readonly Record<string, unknown>[] {
    return this.telemetry
      .map(({ body }) => JSON.parse(body) as Record<string, unknown>)
      .filter(({ schema }) => schema !== 'gw.status/1');
  }

  /** A device in the registry; keys in base64. */
  register(id: string, credentials: Partial<Pick<DeviceEntry, 'keys' | 'thumbprints' | 'isCaSigned'>>): DeviceEntry {
    const entry = { keys: [], thumbprints: [], isCaSigned: false, ...credentials, id, isEnabled: true, twin: new DeviceTwin() };
    this.devices.set(id, entry);
    return entry;
  }

  device(id: string): DeviceEntry {
    const entry = this.devices.get(id);
    if (entry === undefined) throw new Error(`no device ${id}`);
    return entry;
  }

  listen(): Promise<void> {
    return this.#listener.start();
  }

  stop(): Promise<void> {
    return this.#listener.stop();
  }

  cut(): void {
    this.#listener.cut();
  }

  freeze(): void {
    for (const client of this.#clients.values()) client.isFrozen = true;
  }

  release(isReversed = false): void {
    for (const client of this.#clients.values()) {
      const held = client.held.splice(0);
      for (const id of isReversed ? held.reverse() : held) this.#acknowledge(client, id);
    }
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => void this.#watchers.add(resolve));
  }

  /** Sends away whose token has ended; called after the clock was moved. */
  expire(): void {
    for (const { expiresTimeMs, peer, device } of this.#clients.values()) {
      if (expiresTimeMs > this.#nowMs()) continue;
      this.refusals.push(`token of ${device?.id} expired`);
      peer.stream.destroy();
    }
  }

  /** As the service does; told to the device where it listens. */
  desire(deviceId: string, patch: JsonMap): void {
    const { twin } = this.device(deviceId);
    const told = twin.updateDesired(patch);
    const topic = `$iothub/twin/PATCH/properties/desired/?$version=${twin.desiredVersion}`;
    for (const client of this.#clients.values()) {
      if (client.device?.id === deviceId && client.filters.has('$iothub/twin/PATCH/properties/desired/#'))
        this.#send(client, topic, JSON.stringify(told), 0);
    }
  }

  /** A direct method; rejects where the device is not there or does not answer. */
  async invoke(deviceId: string, method: string, payload: unknown, timeoutMs = 5_000): Promise<MethodAnswer> {
    const client = [...this.#clients.values()].find(({ device }) => device?.id === deviceId);
    if (client === undefined || !client.filters.has('$iothub/methods/POST/#')) throw new Error('404103 device not online');
    this.#requestCount += 1;
    const requestId = this.#requestCount.toString(16);
    const answer = new Promise<MethodAnswer>((resolve) => void this.#invocations.set(`${deviceId} ${requestId}`, { resolve }));
    this.#send(
      client,
      `$iothub/methods/POST/${method}/?$rid=${requestId}`,
      payload === undefined ? '' : JSON.stringify(payload),
      0,
    );
    const late = new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error('504101 the device did not answer')), timeoutMs).unref(),
    );
    return await Promise.race([answer, late]);
  }

  /** A message from the cloud to the device; kept until it listens. */
  sendToDevice(deviceId: string, bag: string, payload: string): void {
    const queue = this.#queued.get(deviceId) ?? [];
    this.#queued.set(deviceId, queue);
    queue.push({ topic: `devices/${deviceId}/messages/devicebound/${bag}`, payload });
    for (const client of this.#clients.values()) this.#deliver(client);
  }

  /** Anything, as no hub would send it. */
  sendRaw(topic: string, payload: string | Buffer): void {
    for (const client of this.#clients.values()) this.#send(client, topic, payload, 1);
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? Date.now();
  }

  #greet(peer: Peer): void {
    const { greeting = 'mqtt' } = this.script;
    this.#clientCount += 1;
    this.#clients.set(peer, {
      peer,
      number: this.#clientCount,
      connect: undefined,
      device: undefined,
      expiresTimeMs: Number.POSITIVE_INFINITY,
      filters: new Set(),
      held: [],
      inFlight: new Set(),
      isPolite: false,
      isFrozen: greeting !== 'mqtt',
    });
    if (Buffer.isBuffer(greeting)) peer.stream.end(greeting);
    this.#notify();
  }

  #forget(peer: Peer): void {
    const client = this.#clients.get(peer);
    this.#clients.delete(peer);
    if (client?.connect?.will !== undefined && client.device !== undefined && !client.isPolite) this.wills.push(client.connect);
    this.#notify();
  }

  #receive(peer: Peer, packet: Packet): void {
    const client = this.#clients.get(peer);
    if (client === undefined || client.isFrozen) return;
    if (packet.cmd === 'connect') this.#accept(client, packet);
    else if (client.device === undefined) this.#breach(peer, `${packet.cmd} before CONNECT`);
    else this.#obey(client, client.device, packet);
    this.#notify();
  }

  #obey(client: Client, device: DeviceEntry, packet: Packet): void {
    switch (packet.cmd) {
      case 'subscribe':
        this.#subscribe(client, device, packet);
        return;
      case 'publish':
        this.#publish(client, device, packet);
        return;
      case 'pingreq':
        client.peer.send({ cmd: 'pingresp' });
        return;
      case 'disconnect':
        this.disconnects += 1;
        client.isPolite = true;
        client.peer.stream.end();
        return;
      case 'puback':
        return;
      default:
        this.#breach(client.peer, `unexpected ${packet.cmd}`);
    }
  }

  #accept(client: Client, packet: IConnectPacket): void {
    this.connects.push(packet);
    client.connect = packet;
    const scripted = this.script.connackCode ?? 0;
    const refusal = scripted === 0 ? this.#admit(client, packet) : undefined;
    const returnCode = scripted !== 0 ? scripted : refusal === undefined ? 0 : 5;
    if (refusal !== undefined) this.refusals.push(refusal);
    client.peer.send({ cmd: 'connack', returnCode, sessionPresent: false });
    if (returnCode !== 0) client.peer.stream.end();
  }

  /** Why a client may not come in; `undefined` where it may. */
  #admit(client: Client, packet: IConnectPacket): string | undefined {
    const circumstances = { host: this.host, devices: this.devices, certificate: client.peer.certificate, nowMs: this.#nowMs() };
    this.violations.push(...connectFaults(packet));
    const admission = admit(packet, circumstances);
    if (typeof admission === 'string') return admission;
    for (const other of this.#clients.values()) {
      if (other !== client && other.device === admission.device) other.peer.stream.destroy();
    }
    client.device = admission.device;
    client.expiresTimeMs = admission.expiresTimeMs;
    return undefined;
  }

  #subscribe(client: Client, device: DeviceEntry, { subscriptions, messageId }: ISubscribePacket): void {
    const allowed = new Set([
      `devices/${device.id}/messages/devicebound/#`,
      '$iothub/methods/POST/#',
      '$iothub/twin/res/#',
      '$iothub/twin/PATCH/properties/desired/#',
    ]);
    for (const { topic } of subscriptions) {
      if (!allowed.has(topic)) {
        this.#breach(client.peer, `filter ${topic}`);
        return;
      }
      client.filters.add(topic);
    }
    if (client.filters.size > MAX_FILTERS) this.#breach(client.peer, `${client.filters.size} subscriptions`);
    const granted = subscriptions.map(({ qos }) => Math.min(1, qos));
    client.peer.send({ cmd: 'suback', granted, ...(messageId === undefined ? {} : { messageId }) });
    this.#deliver(client);
  }

  #deliver(client: Client): void {
    const { device } = client;
    if (device === undefined || !client.filters.has(`devices/${device.id}/messages/devicebound/#`)) return;
    for (const { topic, payload } of this.#queued.get(device.id)?.splice(0) ?? []) this.#send(client, topic, payload, 1);
  }

  #publish(client: Client, device: DeviceEntry, packet: IPublishPacket): void {
    const { topic, qos, retain, messageId } = packet;
    if (qos === 2) {
      this.#breach(client.peer, 'QoS 2');
      return;
    }
    if (retain) this.violations.push(`RETAIN for ${topic}`);
    const [, owner, bag = ''] = TELEMETRY.exec(topic) ?? [];
    if (owner === device.id) {
      this.#takeMessage(client, device, bag, packet);
      return;
    }
    const payload = packet.payload.toString();
    const known = this.#takeTwinRequest(client, device, topic, payload) || this.#takeMethodAnswer(device, topic, payload);
    if (!known) this.#breach(client.peer, `topic ${topic}`);
    if (messageId !== undefined) this.#acknowledge(client, messageId);
  }

  #takeMessage(client: Client, device: DeviceEntry, bag: string, packet: IPublishPacket): void {
    const body = Buffer.from(packet.payload);
    const message = readMessage(device.id, bag, body, this.#nowMs());
    if (typeof message === 'string') {
      this.#breach(client.peer, message);
      return;
    }
    this.telemetry.push(message);
    const { messageId, topic, dup, qos } = packet;
    if (messageId === undefined) return;
    if (client.inFlight.has(messageId)) this.violations.push(`packet id ${messageId} is used twice at the same time`);
    client.inFlight.add(messageId);
    this.maxInFlight = Math.max(this.maxInFlight, client.inFlight.size);
    const retain = message.properties.schema === 'gw.status/1';
    const publish = {
      connection: client.number,
      topic,
      payload: body,
      retain,
      qos,
      dup,
      packetId: messageId,
      properties: undefined,
    };
    const answer = this.script.answer?.(publish, this.#publishCount) ?? 'acknowledge';
    this.#publishCount += 1;
    this.#answer(client, messageId, answer);
  }

  #answer(client: Client, messageId: number, answer: Answer): void {
    if (typeof answer === 'object') throw new Error('MQTT 3.1.1 has no reason codes');
    if (answer === 'later') client.held.push(messageId);
    if (answer === 'unknown-id') client.peer.send({ cmd: 'puback', messageId: 65_000 });
    if (answer === 'acknowledge' || answer === 'unknown-id' || answer === 'twice' || answer === 'cut-after')
      this.#acknowledge(client, messageId);
    if (answer === 'twice') this.#acknowledge(client, messageId);
    if (answer === 'cut' || answer === 'cut-after') client.peer.stream.destroy();
  }

  #takeTwinRequest(client: Client, { twin }: DeviceEntry, topic: string, payload: string): boolean {
    const [, operation, requestId] =
      /^\$iothub\/twin\/(GET|PATCH\/properties\/reported)\/\?\$rid=([A-Za-z0-9-]{1,36})$/.exec(topic) ?? [];
    if (requestId === undefined) return false;
    if (!client.filters.has('$iothub/twin/res/#')) this.violations.push('a twin request without a subscription for the answer');
    const answer = (status: number, body: string, version?: number) => {
      this.twinAnswers += 1;
      const suffix = version === undefined ? '' : `&$version=${version}`;
      this.#send(client, `$iothub/twin/res/${status}/?$rid=${requestId}${suffix}`, body, 0);
    };
    if (operation === 'GET') {
      this.#getCount += 1;
      const status = this.script.getStatus?.(this.#getCount) ?? 200;
      if (payload !== '') this.violations.push('a GET of the twin with a body');
      const body = status === 200 ? JSON.stringify(twin.document) : '';
      this.script.beforeGetAnswer?.();
      if (status !== 'silent') answer(status, body);
      return true;
    }
    this.#patchCount += 1;
    const status = this.script.patchStatus?.(this.#patchCount);
    if (status === 'silent') return true;
    if (status !== undefined) {
      answer(status, '');
      return true;
    }
    const fault = twin.patchReported(payload);
    if (fault !== undefined) this.violations.push(`reported: ${fault}`);
    if (fault === undefined) answer(204, '', twin.reportedVersion);
    else answer(400, JSON.stringify({ message: fault }));
    return true;
  }

  #takeMethodAnswer({ id }: DeviceEntry, topic: string, payload: string): boolean {
    const [, status, requestId] = /^\$iothub\/methods\/res\/(\d+)\/\?\$rid=([^&]+)$/.exec(topic) ?? [];
    const invocation = this.#invocations.get(`${id} ${requestId}`);
    if (status === undefined) return false;
    if (invocation === undefined) this.violations.push(`an answer to nothing: ${topic}`);
    this.#invocations.delete(`${id} ${requestId}`);
    if (payload !== '' && !isJson(payload)) this.violations.push(`an answer that is no JSON: ${payload}`);
    invocation?.resolve({ status: Number(status), payload });
    return true;
  }

  #send({ peer }: Client, topic: string, payload: string | Buffer, qos: 0 | 1): void {
    this.#packetId = (this.#packetId % 65_535) + 1;
    peer.send({
      cmd: 'publish',
      topic,
      payload,
      qos,
      dup: false,
      retain: false,
      ...(qos === 0 ? {} : { messageId: this.#packetId }),
    });
  }

  #acknowledge(client: Client, messageId: number): void {
    client.inFlight.delete(messageId);
    client.peer.send({ cmd: 'puback', messageId });
  }

  #breach(peer: Peer, what: string): void {
    this.violations.push(what);
    peer.stream.destroy();
  }

  #notify(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
