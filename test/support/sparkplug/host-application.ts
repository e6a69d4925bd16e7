import { connectAsync, type MqttClient } from 'mqtt';
import { until } from '../scenario/wait.ts';
import { StrictHost } from './host.ts';
import { type WireMetric, writePayload } from './wire.ts';

export interface HostApplicationOptions {
  readonly port: number;
  readonly group: string;
  readonly edgeNode: string;
  /** Its host id. */
  readonly name: string;
}

/** A primary host application at a broker, as Sparkplug 3.0 §5.4 wants it: it listens, then says that it is online; the broker says when it is gone. */
export class HostApplication {
  readonly host: StrictHost;
  readonly #options: HostApplicationOptions;
  readonly #client: MqttClient;
  readonly #sinceMs: number;

  private constructor(client: MqttClient, options: HostApplicationOptions, sinceMs: number) {
    this.#client = client;
    this.#options = options;
    this.#sinceMs = sinceMs;
    this.host = new StrictHost(options.group, options.edgeNode);
    client.on('error', () => {});
    client.on('connect', () => void this.#join().catch(() => {}));
    client.on('message', (topic, payload, { qos, retain }) => {
      if (!/\/(NCMD|DCMD)\//.test(topic)) this.host.hear(topic, payload, { qos, retain });
    });
  }

  /** Comes back by itself when the broker does. */
  static async start(options: HostApplicationOptions): Promise<HostApplication> {
    const sinceMs = Date.now();
    const will = { topic: stateTopic(options.name), payload: stateOf(false, sinceMs), qos: 1, retain: true } as const;
    const url = `mqtt://127.0.0.1:${options.port}`;
    const client = await connectAsync(url, { clientId: options.name, reconnectPeriod: 100, resubscribe: false, will });
    const application = new HostApplication(client, options, sinceMs);
    await application.#join();
    return application;
  }

  /** A planned end: it says that it goes, and listens until the edge node has heard it; what is sent until then, in QoS 0, would be lost. */
  async goOffline(): Promise<void> {
    await this.#say(false);
    await until('the edge node has heard that the host goes', () => !this.host.isOnline);
    await this.#client.endAsync();
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }

  async askRebirth(): Promise<void> {
    const { group, edgeNode } = this.#options;
    await this.#command(`spBv1.0/${group}/NCMD/${edgeNode}`, { name: 'Node Control/Rebirth', datatype: 11, booleanValue: true });
  }

  /** By the alias of the last birth. */
  async write(device: string, name: string, value: number, id: string): Promise<void> {
    const { group, edgeNode } = this.#options;
    const alias = this.host.metric(device, name)?.birth.alias;
    await this.#command(
      `spBv1.0/${group}/DCMD/${edgeNode}/${device}`,
      { ...(alias ? { alias } : { name }), intValue: value },
      id,
    );
  }

  /** The outcome of a command, `gw.result/1`. */
  result(id: string): Readonly<Record<string, unknown>> | undefined {
    const told = this.host.samples.get('/Gateway/Command Result') ?? [];
    return told.map(({ value }) => JSON.parse(String(value)) as Record<string, unknown>).find((result) => result.id === id);
  }

  async #command(topic: string, metric: WireMetric, uuid?: string): Promise<void> {
    const timestamp = String(Date.now());
    const payload = { timestamp, metrics: [{ ...metric, timestamp }], ...(uuid === undefined ? {} : { uuid }) };
    await this.#client.publishAsync(topic, writePayload(payload), { qos: 0 });
  }

  async #join(): Promise<void> {
    await this.#client.subscribeAsync(`spBv1.0/${this.#options.group}/#`, { qos: 1 });
    await this.#say(true);
  }

  async #say(isOnline: boolean): Promise<void> {
    await this.#client.publishAsync(stateTopic(this.#options.name), stateOf(isOnline, this.#sinceMs), { qos: 1, retain: true });
  }
}

function stateTopic(name: string): string {
  return `spBv1.0/STATE/${name}`;
}

function stateOf(online: boolean, timestamp: number): string {
  return JSON.stringify({ online, timestamp });
}
