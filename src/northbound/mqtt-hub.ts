import type { X509Certificate } from 'node:crypto';
import { Subject } from 'rxjs';
import { GatewayError, toGatewayError } from '../model/error.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Log, silentLog } from '../runtime/log.ts';
import { ask } from './ask.ts';
import { CredentialWatch } from './credential-watch.ts';
import type { DeliveryLimits } from './delivery-limits.ts';
import type { Attempt, Dialect, Endpoint, Packet, Prepared, WireSettings } from './dialect.ts';
import { endpointName } from './endpoint-name.ts';
import type { Hub, HubSession } from './hub.ts';
import { inTime, raceAbort } from './in-time.ts';
import { type Meter, MqttHubSession } from './mqtt-hub-session.ts';
import { referredEndpoint } from './referred-endpoint.ts';
import { MqttWire } from './wire/mqtt-wire.ts';
import { openStream, type StreamSettings } from './wire/open-stream.ts';

/** How often the time of a renewal is looked at. */
const RENEWAL_LOOK_MS = 60_000;

/** A hub on MQTT brokers. Remembers, opens nothing; each `open` is a new connection with new options and files read anew. */
export function createMqttHub(name: string, dialect: Dialect, clock: Clock, log: Log = silentLog): Hub {
  return new MqttHub(name, dialect, clock, log);
}

/**
 * After a loss the preferred broker is tried first; one that does not answer leaves its turn to the next. While another than the
 * preferred one is used, it is looked now and then whether a better one is back; then the session is retired.
 */
class MqttHub implements Hub {
  readonly name: string;
  readonly billed = new Subject<number>();
  readonly #dialect: Dialect;
  readonly #clock: Clock;
  readonly #credentials: CredentialWatch;
  readonly #endpoints: readonly [Endpoint, ...Endpoint[]];
  #turn = 0;
  /** Of the last attempt, where a service assigned it. */
  #assigned: Endpoint | undefined;
  #previous: GatewayError | undefined;
  /** Where the hub has sent us, for the next attempt. */
  #referred: Endpoint | undefined;

  constructor(name: string, dialect: Dialect, clock: Clock, log: Log) {
    const [preferred, ...others] = dialect.wire.endpoints;
    if (preferred === undefined) throw new GatewayError('BUG', name, 'a hub without an endpoint');
    this.name = name;
    this.#dialect = dialect;
    this.#clock = clock;
    this.#credentials = new CredentialWatch(clock, log);
    this.#endpoints = [preferred, ...others];
  }

  get limits(): DeliveryLimits {
    return this.#dialect.limits;
  }

  get endpoint(): string {
    return endpointName(this.#assigned ?? this.#current);
  }

  get expiries(): Readonly<Record<string, number>> {
    return this.#credentials.expiries;
  }

  get #current(): Endpoint {
    return this.#endpoints[this.#turn] ?? this.#endpoints[0];
  }

  async open(signal: AbortSignal): Promise<HubSession> {
    const referred = this.#referred;
    this.#referred = undefined;
    try {
      const prepared = await this.#prepare(referred ?? this.#current, signal);
      this.#assigned = prepared.endpoint;
      const { settings } = prepared;
      const stamp = await this.#credentials.note(settings);
      const onTrusted = (certificate: X509Certificate) => this.#credentials.trusted(certificate, this.endpoint);
      const session = await openSession({ ...prepared, onTrusted, meter: this.#meter }, this.#dialect, this.#clock, signal);
      void session.lost.then((cause) => {
        this.#previous = cause;
        this.#turn = 0;
        if (referred === undefined) this.#follow(cause, prepared.endpoint);
      });
      if (prepared.renewAtMs !== undefined) void this.#retireAt(prepared.renewAtMs, session);
      void this.#retireWhenRenewed(settings, stamp, session);
      void this.#retireWhenBetter(session, this.#endpoints.slice(0, this.#turn));
      return session;
    } catch (error) {
      this.#previous = toGatewayError(error, this.endpoint);
      if (referred === undefined && !this.#follow(this.#previous, this.#current))
        this.#turn = (this.#turn + 1) % this.#endpoints.length;
      throw error;
    }
  }

  /** Once: where a hub we were sent to sends us on, it is the turn of those we know. Who prepares knows better where to go. */
  #follow(cause: GatewayError, from: Endpoint): boolean {
    if (this.#dialect.prepare === undefined) this.#referred = referredEndpoint(cause, from);
    return this.#referred !== undefined;
  }

  readonly #meter: Meter = (packet, direction) => {
    const { billedBytes = payloadSent } = this.#dialect;
    const bytes = this.billed.observed ? billedBytes(packet, direction) : undefined;
    if (bytes !== undefined) this.billed.next(bytes);
  };

  async #prepare(endpoint: Endpoint, signal: AbortSignal): Promise<Prepared> {
    const attempt: Attempt = {
      endpoint,
      signal,
      ...(this.#previous === undefined ? {} : { previous: this.#previous }),
      ask: (question) => ask(question, this.#clock, signal),
    };
    return (await this.#dialect.prepare?.(attempt)) ?? { endpoint, settings: this.#dialect.wire };
  }

  /** By the wall clock in slices: tokens end by it, and it may jump. */
  async #retireAt(renewAtMs: number, session: MqttHubSession): Promise<void> {
    let leftMs = renewAtMs - this.#clock.nowMs();
    while (leftMs > 0 && (await this.#sleeps(Math.min(leftMs, RENEWAL_LOOK_MS), session.over))) {
      leftMs = renewAtMs - this.#clock.nowMs();
    }
    if (!session.over.aborted) this.#renew(session);
  }

  async #retireWhenRenewed(settings: WireSettings, stamp: string, session: MqttHubSession): Promise<void> {
    if (await this.#credentials.renewed(settings, stamp, session.over)) this.#renew(session);
  }

  #renew(session: MqttHubSession): void {
    session.retire(new GatewayError('LINK_CLOSED', this.endpoint, 'the credentials are renewed; the connection is opened anew'));
  }

  async #retireWhenBetter(session: MqttHubSession, better: readonly Endpoint[]): Promise<void> {
    if (better.length === 0) return;
    const { failBackAfterMs } = this.#dialect.wire;
    while (await this.#sleeps(failBackAfterMs, session.over)) {
      const back = await this.#firstReachable(better, session.over);
      if (back === undefined) continue;
      const message = `${endpointName(back)} is back and preferred; the connection is moved there`;
      session.retire(new GatewayError('LINK_CLOSED', this.endpoint, message));
      return;
    }
  }

  async #sleeps(ms: number, signal: AbortSignal): Promise<boolean> {
    await this.#clock.sleep(ms, signal).catch(() => {});
    return !signal.aborted;
  }

  /** Only as far as TLS: who says more to a broker is taken for the gateway. */
  async #firstReachable(endpoints: readonly Endpoint[], over: AbortSignal): Promise<Endpoint | undefined> {
    const { wire } = this.#dialect;
    for (const endpoint of endpoints) {
      const signal = AbortSignal.any([over, AbortSignal.timeout(wire.connectTimeoutMs)]);
      const stream = await openStream(endpoint, wire, endpointName(endpoint), signal).catch(() => undefined);
      stream?.destroy();
      if (stream !== undefined) return endpoint;
    }
    return undefined;
  }
}

/** Unless the dialect says otherwise. */
function payloadSent({ payload }: Packet, direction: 'sent' | 'received'): number | undefined {
  return direction === 'sent' ? payload.length : undefined;
}

async function openSession(
  { endpoint, settings, ...hooks }: Prepared & Pick<Opening, 'onTrusted' | 'meter'>,
  dialect: Dialect,
  clock: Clock,
  signal: AbortSignal,
): Promise<MqttHubSession> {
  const { connectTimeoutMs } = settings;
  const subject = endpointName(endpoint);
  const progress = { awaited: 'connection' };
  const late = () => new GatewayError('HUB_TIMEOUT', subject, `no ${progress.awaited} within ${connectTimeoutMs} ms`);
  try {
    return await inTime({ ms: connectTimeoutMs, clock, signal, late }, (opening) =>
      connect({ ...hooks, endpoint, settings, subject, dialect, clock, progress }, opening),
    );
  } catch (error) {
    if (signal.aborted) throw new GatewayError('LINK_CLOSED', subject, 'the connection was given up', { cause: error });
    throw toGatewayError(error, subject);
  }
}

interface Opening extends Prepared {
  readonly onTrusted: StreamSettings['onTrusted'];
  readonly meter: Meter;
  readonly subject: string;
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** What is waited for, for the error. */
  readonly progress: { awaited: string };
}

async function connect(
  { endpoint, settings, onTrusted, meter, subject, dialect, clock, progress }: Opening,
  signal: AbortSignal,
): Promise<MqttHubSession> {
  const trusted = onTrusted === undefined ? {} : { onTrusted };
  const stream = await openStream(endpoint, { ...settings, ...trusted }, subject, signal);
  let session: MqttHubSession | undefined;
  const onPacket = (packet: Packet) => session?.receive(packet);
  const wire = new MqttWire(stream, { settings, subject, clock, onPacket });
  try {
    progress.awaited = 'answer to CONNECT';
    await wire.handshake(signal);
    session = new MqttHubSession(wire, dialect, { clock, subject: endpoint.host, meter });
    progress.awaited = 'answer to SUBSCRIBE';
    await raceAbort(session.start(signal), signal);
    return session;
  } catch (error) {
    await wire.close();
    throw error;
  }
}
