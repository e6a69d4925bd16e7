import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TLSSocket } from 'node:tls';
import type { IConnectPacket, ISubscribePacket } from 'mqtt-packet';
import { type CertificateFiles, createAuthority, readCertificate, type TestAuthority } from '../certificates.ts';
import { type Answer, SinkBroker, type SinkClient, type SinkPublish, type SinkScript, type SinkService } from '../sink-broker.ts';
import { JobService } from './job-service.ts';
import { connectFaults, publishFaults, Rate, subscribeFaults } from './limits.ts';
import { type Action, allows, CLAIM_POLICY, GATEWAY_POLICY, type Policy } from './policy.ts';
import { ProvisioningService } from './provisioning-service.ts';
import { ShadowService, type Told } from './shadow-service.ts';
import { matches } from './topic-match.ts';

const ALPN = 'x-amzn-mqtt-ca';
const NOT_AUTHORIZED = 0x87;
const RATE_TOO_HIGH = 0x96;
/** As AWS tells in CONNACK of MQTT 5. */
const CONNACK = { receiveMaximum: 100, maximumQoS: 1, retainAvailable: true, topicAliasMaximum: 8, maximumPacketSize: 149_504 };

interface Principal {
  readonly policy: Policy;
  isActive: boolean;
}

interface Session {
  readonly client: SinkClient;
  readonly thing: string;
  readonly policy: Policy;
  readonly publishes: Rate;
  readonly bytes: Rate;
  /** Requests to shadows and jobs. */
  readonly requests: Rate;
  inFlight: number;
}

export interface EmulatorOptions {
  /** As port 443: TLS has to say that MQTT is meant. */
  readonly isHttpsPort?: boolean;
  readonly script?: SinkScript;
  readonly thing?: string;
}

/** Certificates of an account; made once for many emulators. */
export class AwsAccount {
  readonly server: TestAuthority;
  readonly devices: TestAuthority;
  readonly files: { readonly endpoint: CertificateFiles; readonly gateway: CertificateFiles; readonly claim: CertificateFiles };

  private constructor(server: TestAuthority, devices: TestAuthority, files: AwsAccount['files']) {
    this.server = server;
    this.devices = devices;
    this.files = files;
  }

  static async create(): Promise<AwsAccount> {
    const [server, devices] = await Promise.all([createAuthority('Test Root CA 1'), createAuthority('Test Device CA')]);
    const [endpoint, gateway, claim] = await Promise.all([
      server.issue('localhost'),
      devices.issue('gw-01'),
      devices.issue('claim'),
    ]);
    return new AwsAccount(server, devices, { endpoint, gateway, claim });
  }

  async remove(): Promise<void> {
    await Promise.all([this.server.remove(), this.devices.remove()]);
  }
}

/**
 * AWS IoT Core as its documentation tells: mutual TLS by name, a policy for each certificate, quotas, shadows, jobs, provisioning. It
 * refuses what AWS refuses, ends connections where AWS ends them, and writes down every rule that was broken.
 */
export class AwsEmulator implements SinkService {
  readonly shadows = new ShadowService();
  readonly jobs = new JobService();
  readonly provisioning: ProvisioningService;
  readonly #options: EmulatorOptions;
  readonly #principals = new Map<string, Principal>();
  readonly #sessions = new Map<SinkClient, Session>();
  readonly refusals: string[] = [];
  /** Packets of services and people that were sent. */
  told = 0;
  #broker: SinkBroker | undefined;
  /** Milliseconds until a service answers. */
  delayMs = 1;
  /** So much longer at most: requests that are under way together are then served in any order. */
  jitterMs = 0;
  nowMs: () => number = () => performance.now();
  /** Publishes a second of a connection. */
  publishesPerSecond = 100;

  private constructor(account: AwsAccount, options: EmulatorOptions) {
    this.#options = options;
    this.provisioning = new ProvisioningService(account.devices);
  }

  static async start(account: AwsAccount, options: EmulatorOptions = {}): Promise<AwsEmulator> {
    const emulator = new AwsEmulator(account, options);
    emulator.allow(await fingerprintOf(account.files.gateway), GATEWAY_POLICY);
    emulator.allow(await fingerprintOf(account.files.claim), CLAIM_POLICY);
    emulator.#broker = await SinkBroker.start({
      ...options.script,
      service: emulator,
      connackProperties: { ...CONNACK, ...options.script?.connackProperties },
      tls: {
        ...(await readCertificate(account.files.endpoint)),
        ca: await readFile(account.devices.ca),
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        ...(options.isHttpsPort === true ? { ALPNProtocols: [ALPN] } : {}),
      },
    });
    return emulator;
  }

  get broker(): SinkBroker {
    if (this.#broker === undefined) throw new Error('not started');
    return this.#broker;
  }

  /** Rules that the client broke. */
  get violations(): readonly string[] {
    return this.broker.violations;
  }

  get thing(): string {
    return this.#options.thing ?? 'gw-01';
  }

  allow(fingerprint: string, policy: Policy): void {
    this.#principals.set(fingerprint, { policy, isActive: true });
  }

  /** From now on the certificate is inactive, and its connections are ended. */
  revoke(fingerprint: string): void {
    const principal = this.#principals.get(fingerprint);
    if (principal !== undefined) principal.isActive = false;
    this.#principals.delete(fingerprint);
    this.provisioning.registered.delete(fingerprint);
    this.broker.cut();
  }

  /** A service or a person in the cloud publishes. */
  tell({ topic, body }: Told): void {
    for (const { client, policy, thing } of this.#sessions.values()) {
      const isWanted = [...client.subscriptions].some((filter) => matches(filter, topic));
      if (!isWanted || !allows(policy, 'receive', topic, thing)) continue;
      this.told += 1;
      client.send(topic, JSON.stringify(body));
    }
  }

  /** A person wishes something of a twin. */
  desire(shadow: string, desired: Record<string, unknown>): void {
    const payload = Buffer.from(JSON.stringify({ state: { desired } }));
    for (const told of this.shadows.handle(this.thing, shadow, 'update', payload)) this.tell(told);
  }

  createJob(jobId: string, document: Record<string, unknown>): void {
    const before = this.jobs.next;
    this.jobs.create(jobId, document);
    if (this.jobs.next !== before) this.tell(this.jobs.notification(this.thing));
  }

  connect(client: SinkClient, packet: IConnectPacket): number {
    const socket = client.socket as TLSSocket;
    if (!socket.servername) return this.#refuse('a connection without SNI');
    if (this.#options.isHttpsPort === true && socket.alpnProtocol !== ALPN) {
      socket.destroy();
      return this.#refuse('a connection to port 443 without ALPN');
    }
    this.broker.violations.push(...connectFaults(packet));
    const fingerprint = socket.getPeerCertificate().fingerprint256;
    const thing = this.provisioning.registered.get(fingerprint) ?? this.thing;
    const policy =
      this.#principals.get(fingerprint)?.policy ?? (this.provisioning.registered.has(fingerprint) ? GATEWAY_POLICY : undefined);
    if (policy === undefined || !allows(policy, 'connect', packet.clientId, thing)) {
      this.refusals.push(`connect ${packet.clientId}`);
      return packet.protocolVersion === 5 ? NOT_AUTHORIZED : 5;
    }
    for (const other of this.#sessions.values()) {
      if (other.client.connect?.clientId === packet.clientId && other.client !== client) other.client.end(0x8e);
    }
    this.#sessions.set(client, {
      client,
      thing,
      policy,
      publishes: new Rate(),
      bytes: new Rate(),
      requests: new Rate(),
      inFlight: 0,
    });
    return 0;
  }

  subscribe(client: SinkClient, packet: ISubscribePacket): readonly number[] | undefined {
    const session = this.#sessions.get(client);
    const faults = subscribeFaults(packet, client.subscriptions.size);
    if (faults.length > 0 || session === undefined) {
      this.broker.violations.push(...faults);
      client.end(0x82);
      return undefined;
    }
    return packet.subscriptions.map(({ topic }) => (this.#isAllowed(session, 'subscribe', topic) ? 1 : NOT_AUTHORIZED));
  }

  publish(client: SinkClient, publish: SinkPublish): Answer | undefined {
    const session = this.#sessions.get(client);
    if (session === undefined) return 'never';
    const faults = publishFaults(publish);
    const nowMs = this.nowMs();
    if (session.bytes.take(nowMs, publish.payload.length) > 1.25 * 512 * 1_024) faults.push('more than 512 KB in a second');
    if (faults.length > 0) {
      this.broker.violations.push(...faults);
      client.end(0x95);
      return 'never';
    }
    if (session.publishes.take(nowMs) > this.publishesPerSecond) {
      this.broker.violations.push('more publishes in a second than AWS takes');
      client.end(RATE_TOO_HIGH);
      return 'never';
    }
    if (!this.#isAllowed(session, 'publish', publish.topic)) {
      if (client.connect?.protocolVersion === 5) return { reasonCode: NOT_AUTHORIZED };
      client.end(0);
      return 'never';
    }
    if (publish.topic.startsWith('$aws/')) this.#serve(session, publish);
    return undefined;
  }

  close(client: SinkClient): void {
    this.#sessions.delete(client);
  }

  #serve(session: Session, { topic, payload }: SinkPublish): void {
    session.inFlight += 1;
    const isRequest = topic.startsWith('$aws/things/');
    if (isRequest && session.requests.take(this.nowMs()) > 20) this.broker.violations.push('more than 20 requests in a second');
    if (session.inFlight > 10) this.broker.violations.push(`${session.inFlight} requests without an answer`);
    const answer = async () => {
      const all = await this.#answer(session, topic, payload);
      session.inFlight -= 1;
      for (const told of all) this.tell(told);
    };
    setTimeout(() => void answer(), this.delayMs + Math.random() * this.jitterMs);
  }

  async #answer({ thing }: Session, topic: string, payload: Buffer): Promise<readonly Told[]> {
    const [, , , shadow = '', verb = ''] = /^\$aws\/(things)\/([^/]+)\/shadow\/name\/([^/]+)\/(\w+)$/.exec(topic) ?? [];
    if (shadow !== '') return this.shadows.handle(thing, shadow, verb, payload);
    const [, job] = /^\$aws\/things\/[^/]+\/jobs\/(.+)$/.exec(topic) ?? [];
    if (job !== undefined) return this.jobs.handle(thing, job, payload);
    if (topic.startsWith('$aws/rules/')) return [];
    return this.provisioning.handle(topic, payload);
  }

  #isAllowed({ policy, thing }: Session, action: Action, resource: string): boolean {
    if (allows(policy, action, resource, thing)) return true;
    this.refusals.push(`${action} ${resource}`);
    return false;
  }

  #refuse(what: string): number {
    this.broker.violations.push(what);
    return NOT_AUTHORIZED;
  }
}

export async function fingerprintOf({ certificate }: Pick<CertificateFiles, 'certificate'>): Promise<string> {
  return new X509Certificate(await readFile(certificate)).fingerprint256;
}
