import { createHmac } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import type { IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet';
import { MqttListener, type Peer } from './mqtt-listener.ts';
import { checkSas } from './sas-check.ts';

export interface Enrolment {
  /** Of the group, in base64. */
  readonly groupKey?: string;
  /** Of one device, in base64. */
  readonly key?: string;
  /** Certificates of the test authority whose common name is the registration id. */
  readonly isX509?: boolean;
}

export interface ProvisioningOptions {
  readonly address: string;
  readonly port?: number;
  readonly tls: TlsOptions;
  readonly idScope: string;
  readonly enrolment: Enrolment;
  readonly nowMs?: () => number;
  /** Where a device is sent; called at each registration. */
  assign(registrationId: string, payload: unknown): { readonly host: string; readonly deviceId: string } | 'failed' | 'disabled';
}

interface Client {
  registrationId: string | undefined;
  isListening: boolean;
  pollsMs: number[];
}

/** The Device Provisioning Service: registers, says that it is at it, and then where to go. */
export class ProvisioningService {
  readonly violations: string[] = [];
  readonly refusals: string[] = [];
  readonly registrations: { readonly registrationId: string; readonly payload: unknown }[] = [];
  /** Answers before anything else, one for each request; then the usual ones. */
  script: { readonly status: number; readonly retryAfterS?: number }[] = [];
  /** Of clients, by now. */
  packets = 0;
  /** How often it says that it is still assigning. */
  polls = 2;
  /** The answer says so, in seconds; the service takes five polls in ten seconds. */
  retryAfterS = 3;
  readonly #options: ProvisioningOptions;
  readonly #listener: MqttListener;
  readonly #clients = new Map<Peer, Client>();
  readonly #operations = new Map<string, { readonly registrationId: string; readonly payload: unknown; left: number }>();

  private constructor(options: ProvisioningOptions) {
    this.#options = options;
    this.#listener = new MqttListener(
      { address: options.address, port: options.port ?? 0, tls: options.tls },
      {
        onPeer: (peer) => this.#clients.set(peer, { registrationId: undefined, isListening: false, pollsMs: [] }),
        onPacket: (peer, packet) => this.#receive(peer, packet),
        onClose: (peer) => void this.#clients.delete(peer),
        onUnreadable: (peer, error) => this.#breach(peer, `unreadable: ${error.message}`),
      },
    );
  }

  static async start(options: ProvisioningOptions): Promise<ProvisioningService> {
    const service = new ProvisioningService(options);
    await service.#listener.start();
    return service;
  }

  get port(): number {
    return this.#listener.port;
  }

  get openConnections(): number {
    return this.#clients.size;
  }

  listen(): Promise<void> {
    return this.#listener.start();
  }

  stop(): Promise<void> {
    return this.#listener.stop();
  }

  #receive(peer: Peer, packet: Packet): void {
    const client = this.#clients.get(peer);
    this.packets += 1;
    if (client === undefined) return;
    if (packet.cmd === 'connect') {
      this.#accept(peer, client, packet);
      return;
    }
    if (client.registrationId === undefined) {
      this.#breach(peer, `${packet.cmd} before CONNECT`);
      return;
    }
    if (packet.cmd === 'subscribe') {
      const topics = packet.subscriptions.map(({ topic }) => topic);
      if (topics.join() !== '$dps/registrations/res/#') {
        this.#breach(peer, `filter ${topics.join()}`);
        return;
      }
      client.isListening = true;
      peer.send({ cmd: 'suback', granted: [1], ...(packet.messageId === undefined ? {} : { messageId: packet.messageId }) });
    } else if (packet.cmd === 'publish') this.#publish(peer, client, packet);
    else if (packet.cmd === 'disconnect') peer.stream.end();
    else if (packet.cmd === 'pingreq') peer.send({ cmd: 'pingresp' });
  }

  #accept(peer: Peer, client: Client, packet: IConnectPacket): void {
    const { idScope } = this.#options;
    const { clientId, username = '', protocolVersion, clean, will } = packet;
    if (protocolVersion !== 4 || clean !== true || will !== undefined) this.violations.push('CONNECT of another kind');
    const pattern = /^([^/]+)\/registrations\/([^/]+)\/api-version=2019-03-31(&ClientVersion=[^&]+)?$/;
    const [, scope, registrationId] = pattern.exec(username) ?? [];
    const refusal =
      scope !== idScope || registrationId !== clientId ? `user name ${username}` : this.#authenticate(peer, packet, clientId);
    if (refusal !== undefined) this.refusals.push(refusal);
    else client.registrationId = clientId;
    peer.send({ cmd: 'connack', returnCode: refusal === undefined ? 0 : 5, sessionPresent: false });
    if (refusal !== undefined) peer.stream.end();
  }

  #authenticate({ certificate }: Peer, { password }: IConnectPacket, registrationId: string): string | undefined {
    const { enrolment, idScope, nowMs = Date.now } = this.#options;
    if (password === undefined || password.length === 0) {
      const isKnown = enrolment.isX509 === true && certificate?.subject.CN === registrationId;
      return isKnown ? undefined : 'no certificate of this registration';
    }
    const { groupKey, key } = enrolment;
    const derived = groupKey && createHmac('sha256', Buffer.from(groupKey, 'base64')).update(registrationId).digest('base64');
    const resource = `${idScope}/registrations/${registrationId}`;
    const keys = [derived, key].filter((one) => one !== undefined);
    const end = checkSas(password.toString(), { resource, keys, policy: 'registration', nowMs: nowMs() });
    return typeof end === 'string' ? end : undefined;
  }

  #publish(peer: Peer, client: Client, { topic, payload, messageId, qos, retain }: IPublishPacket): void {
    if (messageId !== undefined) peer.send({ cmd: 'puback', messageId });
    if (!client.isListening || qos === 2 || retain) this.violations.push(`a request that is not as it should be: ${topic}`);
    const [, requestId] = /\?\$rid=([^&]+)/.exec(topic) ?? [];
    if (requestId === undefined) {
      this.#breach(peer, `topic ${topic}`);
      return;
    }
    const scripted = this.script.shift();
    if (scripted !== undefined) {
      this.#answer(peer, requestId, scripted.status, {}, scripted.retryAfterS);
      return;
    }
    if (topic.startsWith('$dps/registrations/PUT/iotdps-register/?')) this.#register(peer, client, requestId, payload.toString());
    else if (topic.startsWith('$dps/registrations/GET/iotdps-get-operationstatus/?')) this.#poll(peer, client, requestId, topic);
    else this.#breach(peer, `topic ${topic}`);
  }

  #register(peer: Peer, client: Client, requestId: string, text: string): void {
    const { registrationId, payload } = JSON.parse(text) as { registrationId: string; payload: unknown };
    if (registrationId !== client.registrationId) {
      this.#breach(peer, `registration id ${registrationId}`);
      return;
    }
    this.registrations.push({ registrationId, payload });
    const operationId = `5.${this.registrations.length}.a/b+c`;
    this.#operations.set(operationId, { registrationId, payload, left: this.polls });
    // Somebody else's answer comes first.
    this.#answer(peer, 'unknown', 200, { status: 'assigned' });
    this.#tell(peer, requestId, operationId);
  }

  #poll(peer: Peer, client: Client, requestId: string, topic: string): void {
    const nowMs = (this.#options.nowMs ?? Date.now)();
    client.pollsMs = [...client.pollsMs.filter((earlier) => nowMs - earlier < 10_000), nowMs];
    if (client.pollsMs.length > 5) this.violations.push('more than five polls in ten seconds');
    const operationId = decodeURIComponent(/&operationId=([^&]+)/.exec(topic)?.[1] ?? '');
    if (!this.#operations.has(operationId)) {
      this.#answer(peer, requestId, 404, {});
      return;
    }
    this.#tell(peer, requestId, operationId);
  }

  #tell(peer: Peer, requestId: string, operationId: string): void {
    const operation = this.#operations.get(operationId);
    if (operation === undefined) return;
    if (operation.left > 0) {
      operation.left -= 1;
      this.#answer(peer, requestId, 202, { operationId, status: 'assigning' }, this.retryAfterS);
      return;
    }
    const { registrationId, payload } = operation;
    const assigned = this.#options.assign(registrationId, payload);
    const state = {
      registrationId,
      createdDateTimeUtc: '2026-01-01T00:00:00.00Z',
      lastUpdatedDateTimeUtc: '2026-01-01T00:00:00.00Z',
    };
    if (typeof assigned === 'string') {
      const registrationState = { ...state, status: assigned, errorCode: 400_207, errorMessage: 'Custom allocation failed' };
      this.#answer(peer, requestId, 200, { operationId, status: assigned, registrationState });
      return;
    }
    const registrationState = { ...state, assignedHub: assigned.host, deviceId: assigned.deviceId, status: 'assigned' };
    this.#answer(peer, requestId, 200, { operationId, status: 'assigned', registrationState });
  }

  #answer(peer: Peer, requestId: string, status: number, body: unknown, retryAfterS?: number): void {
    const suffix = retryAfterS === undefined ? '' : `&retry-after=${retryAfterS}`;
    const topic = `$dps/registrations/res/${status}/?$rid=${requestId}${suffix}`;
    peer.send({ cmd: 'publish', topic, payload: JSON.stringify(body), qos: 0, dup: false, retain: false });
  }

  #breach(peer: Peer, what: string): void {
    this.violations.push(what);
    peer.stream.destroy();
  }
}
