import type { CommandResult } from '../../../model/command.ts';
import { GatewayError, toGatewayError } from '../../../model/error.ts';
import type { Stored } from '../../../model/twin-message.ts';
import type { Conversation, Line, Packet } from '../../dialect.ts';
import { asksRebirth, decodeCommand, invalid } from './commands.ts';
import type { EdgeNode } from './edge-node.ts';
import { NodeLife } from './node-life.ts';
import type { HostState } from './primary-host.ts';

/** Answers to commands that cannot be read which are under way at once; more are only counted. */
const MAX_REFUSALS = 16;
/** With several brokers: so long is waited for what is retained of the primary host before the next broker is tried. */
const MAX_HOST_WAIT_MS = 5_000;

/**
 * One session of the edge node: waits for the primary host, is born, tells, dies. Everything but the death goes in QoS 0, as the
 * specification wants it; a message counts as delivered when the broker has read it (`Line.roundTrip`).
 */
export class SparkplugConversation implements Conversation {
  readonly subscriptions: readonly string[];
  readonly retained: readonly string[];
  readonly #node: EdgeNode;
  readonly #line: Line;
  readonly #life: NodeLife;
  readonly #twinByTopic: ReadonlyMap<string, string>;
  readonly #born = Promise.withResolvers<void>();
  readonly #stated = Promise.withResolvers<void>();
  #state: 'subscribing' | 'waiting' | 'alive' = 'subscribing';
  #host: HostState | undefined;
  #bornMs = 0;
  #isRebirthDue = false;
  #refusals = 0;

  constructor(node: EdgeNode, line: Line) {
    const { topics, devices, host, births } = node;
    this.#node = node;
    this.#line = line;
    this.#life = new NodeLife(
      node,
      births.current,
      () => line.clock.nowMs(),
      (packet) => line.fits(packet),
    );
    this.#twinByTopic = new Map(devices.map(({ twin }) => [topics.device('DCMD', twin), twin]));
    this.subscriptions = [topics.node('NCMD'), ...this.#twinByTopic.keys()];
    this.retained = host?.topics ?? [];
    this.#born.promise.catch(() => {});
    line.over.addEventListener('abort', () => this.#born.reject(line.over.reason), { once: true });
  }

  async start(): Promise<void> {
    this.#state = 'waiting';
    if (this.#node.host === undefined || this.#host === 'online') return await this.#bear();
    if (this.#node.settings.url.length > 1) await this.#findHost();
    else this.#node.context.log.info('primary host awaited', { host: this.#node.settings.primaryHost });
  }

  async publish(stored: Stored): Promise<number> {
    await this.#born.promise;
    return await this.#send(this.#made(() => this.#life.message(stored)));
  }

  receive(packet: Packet): void {
    const { host, topics } = this.#node;
    const { topic } = packet;
    if (host?.topics.includes(topic) === true) {
      this.#line.heard();
      this.#hear(host.stateIn(packet));
    } else if (topic === topics.node('NCMD')) this.#obey(packet);
    else this.#command(packet);
  }

  async respond(result: CommandResult): Promise<void> {
    await this.#born.promise;
    await this.#send(this.#made(() => this.#life.result(result)));
  }

  async end(): Promise<void> {
    if (this.#state === 'alive') await this.#line.publish(this.#life.death());
  }

  /** Whoever listens gets everything anew; nothing else goes out between, since packets keep the order of the calls. */
  async #bear(): Promise<void> {
    const { log } = this.#node.context;
    const packets = this.#made(() => this.#life.birth());
    this.#state = 'alive';
    this.#bornMs = this.#line.clock.monotonicMs();
    const sending = this.#send(packets);
    this.#born.resolve();
    log.info('edge node born', { devices: packets.length - 1 });
    await sending;
  }

  /** Where it is offline, or nothing is retained of it, another broker may have it. */
  async #findHost(): Promise<void> {
    const { connectTimeout, primaryHost } = this.#node.settings;
    const waitMs = Math.min(MAX_HOST_WAIT_MS, connectTimeout / 2);
    const done = new AbortController();
    const late = this.#line.clock.sleep(waitMs, AbortSignal.any([done.signal, this.#line.over])).catch(() => {});
    await Promise.race([late, this.#stated.promise]);
    done.abort();
    if (this.#host !== 'online') throw hostOffline(this.#line.subject, primaryHost);
  }

  /** A host that goes away ends the session; the next one waits for it, or finds it at another broker (§5.4). */
  #hear(state: HostState | undefined): void {
    if (state === undefined) return;
    this.#host = state;
    this.#stated.resolve();
    if (state === 'online' && this.#state === 'waiting') void this.#bear().catch(() => {});
    if (state === 'offline' && this.#state === 'alive')
      this.#line.lose(hostOffline(this.#line.subject, this.#node.settings.primaryHost));
  }

  #obey(packet: Packet): void {
    this.#refusing('', () => {
      if (this.#state !== 'alive') throw invalid(this.#line.subject, 'the edge node is not born yet');
      if (!asksRebirth(packet, this.#line.subject)) throw invalid(this.#line.subject, 'it asks for nothing');
      this.#line.obeyed('rebirth');
      void this.#rebirth();
    });
  }

  #command(packet: Packet): void {
    const twin = this.#twinByTopic.get(packet.topic);
    if (twin === undefined) throw invalid(this.#line.subject, 'nobody here listens to its topic');
    this.#refusing(twin, () => this.#line.command(decodeCommand(packet, this.#node.device(twin))));
  }

  /** What cannot be read is answered by a metric of the node, as any other command is. */
  #refusing(device: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      const { code, message } = toGatewayError(error, device);
      this.#refuse({ id: '', device, status: 'refused', points: {}, error: { code, message } });
      throw error;
    }
  }

  #refuse(result: CommandResult): void {
    if (this.#state !== 'alive' || this.#refusals >= MAX_REFUSALS) return;
    this.#refusals += 1;
    void this.respond(result)
      .catch(() => {})
      .finally(() => (this.#refusals -= 1));
  }

  /** Hosts that ask again and again, or all at once, are answered once in a while. */
  async #rebirth(): Promise<void> {
    const { clock, over } = this.#line;
    if (this.#isRebirthDue) return;
    this.#isRebirthDue = true;
    const waitMs = this.#bornMs + this.#node.settings.rebirthAtMostEvery - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs, over).catch(() => {});
    this.#isRebirthDue = false;
    if (!over.aborted) await this.#bear().catch(() => {});
  }

  /** What cannot be encoded can never be sent; without births nothing can. */
  #made(make: () => readonly Packet[]): readonly Packet[] {
    try {
      return make();
    } catch (cause) {
      const { subject } = this.#line;
      if (!(cause instanceof GatewayError)) {
        const text = cause instanceof Error ? cause.message : String(cause);
        throw new GatewayError('HUB_MESSAGE_REJECTED', subject, `a message cannot be encoded: ${text}`, { cause });
      }
      if (cause.code === 'HUB_REFUSED') this.#line.lose(cause);
      throw cause;
    }
  }

  /** Resolves with the bytes when the broker has read them all. */
  async #send(packets: readonly Packet[]): Promise<number> {
    await Promise.all(packets.map((packet) => this.#line.publish(packet)));
    await this.#line.roundTrip();
    return packets.reduce((bytes, { payload }) => bytes + payload.length, 0);
  }
}

function hostOffline(subject: string, host = ''): GatewayError {
  return new GatewayError('HUB_HOST_OFFLINE', subject, `the primary host \`${host}\` is not online there`);
}
