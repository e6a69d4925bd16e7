import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { findMosquitto, Mosquitto } from '../mosquitto.ts';
import { type Child, startScript } from './child.ts';
import { DeliveryRecord } from './record.ts';
import { until } from './wait.ts';

/** A broker in a process of its own, and the book of whoever listens to it. */
export interface Broker {
  readonly port: number;
  /** What has arrived by now. */
  readonly record: DeliveryRecord;
  /** As if the power were cut. */
  kill(): Promise<void>;
  /** After a kill, on the same port. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  end(): Promise<void>;
}

/** Waits for what is still on its way to the subscriber, then throws with the list of what is missing or wrong. */
export async function verifyDeliveries({ record }: Broker): Promise<void> {
  await until('everything has arrived', () => record.isComplete, { withinMs: 10_000 }).catch(() => {});
  record.verify();
}

const SCRIPT = join(import.meta.dirname, 'recording-broker-process.ts');

/** Our own: it writes down what it takes, safely, before it acknowledges. */
export class RecordingBroker implements Broker {
  readonly #directory: string;
  readonly #record = new DeliveryRecord();
  #child: Child | undefined;
  #position = 0;
  #rest = '';
  port = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get record(): DeliveryRecord {
    this.#readOn();
    return this.#record;
  }

  async start(): Promise<void> {
    const settings = { file: this.#file, port: this.port };
    const { child, ready } = startScript<{ port: number }>('recording broker', SCRIPT, settings, this.#directory);
    this.#child = child;
    ({ port: this.port } = await ready);
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  freeze(): void {
    this.#child?.freeze();
  }

  thaw(): void {
    this.#child?.thaw();
  }

  end(): Promise<void> {
    return this.kill();
  }

  get #file(): string {
    return join(this.#directory, 'received.jsonl');
  }

  #readOn(): void {
    const file = openSync(this.#file, 'r');
    const chunk = Buffer.alloc(1 << 20);
    for (let bytes = readSync(file, chunk, 0, chunk.length, this.#position); bytes > 0; ) {
      this.#position += bytes;
      // One byte a character: the broken end of a chunk stays whole.
      const lines = (this.#rest + chunk.toString('latin1', 0, bytes)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#addLine(line);
      bytes = readSync(file, chunk, 0, chunk.length, this.#position);
    }
    closeSync(file);
  }

  /** A line that a kill has torn was not acknowledged. */
  #addLine(line: string): void {
    if (!line.startsWith('{') || !line.endsWith('}')) return;
    const { payload } = JSON.parse(line) as { payload: string };
    this.#record.add(payload);
  }
}

const PERSISTENCE = [
  'allow_anonymous true',
  'persistence true',
  'persistence_location {directory}/',
  'autosave_on_changes true',
  'autosave_interval 1',
];

/** A broker that nobody here wrote, with a subscriber whose session lasts. */
export class MosquittoBroker implements Broker {
  static readonly program = findMosquitto();
  readonly record = new DeliveryRecord();
  readonly #broker: Mosquitto;
  readonly #subscriber: MqttClient;
  readonly #results: Readonly<Record<string, unknown>>[] = [];

  private constructor(broker: Mosquitto, subscriber: MqttClient) {
    this.#broker = broker;
    this.#subscriber = subscriber;
    subscriber.on('error', () => {});
    subscriber.on('message', (topic, payload) => {
      if (topic.endsWith('/result')) this.#results.push(JSON.parse(payload.toString()));
      else if (!topic.endsWith('/command')) this.record.add(payload.toString());
    });
  }

  static async start(): Promise<MosquittoBroker> {
    const broker = await Mosquitto.start(MosquittoBroker.program ?? 'mosquitto', PERSISTENCE);
    const session = { clientId: 'cloud', clean: false, properties: { sessionExpiryInterval: 3_600 } };
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const subscriber = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 100, resubscribe: false, ...session });
    const started = new MosquittoBroker(broker, subscriber);
    await subscriber.subscribeAsync('#', { qos: 1 });
    return started;
  }

  get port(): number {
    return this.#broker.port;
  }

  kill(): Promise<void> {
    return this.#broker.kill();
  }

  start(): Promise<void> {
    return this.#broker.resume();
  }

  freeze(): void {
    this.#broker.signal('SIGSTOP');
  }

  thaw(): void {
    this.#broker.signal('SIGCONT');
  }

  async end(): Promise<void> {
    await this.#subscriber.endAsync(true);
    await this.#broker.stop();
  }

  /** As a person in the cloud does. */
  async command(twin: string, command: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#subscriber.publishAsync(`gw-01/${twin}/command`, JSON.stringify(command), { qos: 1 });
  }

  /** Answers to commands, oldest first. */
  get results(): readonly Readonly<Record<string, unknown>>[] {
    return this.#results;
  }
}
