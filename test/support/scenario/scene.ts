import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, MosquittoBroker, RecordingBroker } from './brokers.ts';
import { Gateway, type GatewaySettings } from './gateway.ts';
import { Plant } from './plant.ts';
import type { PlantSettings } from './plant-settings.ts';

/** Pending, with the way to enable it, where there is no mosquitto. */
export function itWithMosquitto(promise: string, story: () => Promise<void>): void {
  if (MosquittoBroker.program !== undefined) it(`${promise} with mosquitto`, story);
  else it.skip(`${promise} with mosquitto (to run it: sudo scripts/install-test-peers/mosquitto.sh)`);
}

/** Everything that plays in one scenario; ended, process by process, when the scenario is over. */
export class Scene {
  readonly #ends: (() => Promise<unknown>)[] = [];
  readonly #others: Scene[] = [];
  #directory: string | undefined;
  #gateway: Gateway | undefined;

  /** Removed when the scenario is over. */
  async directory(): Promise<string> {
    if (this.#directory !== undefined) return this.#directory;
    const directory = await mkdtemp(join(tmpdir(), 'scenario-'));
    this.#directory = directory;
    this.atEnd(() => rm(directory, { recursive: true, force: true }));
    return directory;
  }

  async recordingBroker(): Promise<RecordingBroker> {
    const broker = new RecordingBroker(await this.directory());
    this.atEnd(() => broker.end());
    await broker.start();
    return broker;
  }

  async mosquitto(): Promise<MosquittoBroker> {
    const broker = await MosquittoBroker.start();
    this.atEnd(() => broker.end());
    return broker;
  }

  broker(kind: 'recording' | 'mosquitto'): Promise<Broker> {
    return kind === 'recording' ? this.recordingBroker() : this.mosquitto();
  }

  async plant(settings: Omit<PlantSettings, 'link'>): Promise<Plant> {
    const link = settings.kind === 'modbus-rtu' ? { link: join(await this.directory(), 'line-1') } : {};
    const plant = new Plant({ ...settings, ...link }, await this.directory());
    this.atEnd(() => plant.kill());
    await plant.start();
    return plant;
  }

  /** Configured and started. */
  async gateway(settings: GatewaySettings): Promise<Gateway> {
    const gateway = await Gateway.configure(await this.directory(), settings);
    this.#gateway = gateway;
    this.atEnd(() => gateway.kill());
    await gateway.start();
    return gateway;
  }

  /** Another one, with processes and files of its own, that ends with this one. */
  beside(): Scene {
    const other = new Scene();
    this.atEnd(() => other.end());
    this.#others.push(other);
    return other;
  }

  /** Called in reverse order. */
  atEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.reverse()) await end();
  }

  /** What the gateway wrote last, for whoever looks for the cause of a failure. */
  get lastLines(): readonly string[] {
    return [...(this.#gateway?.lines.slice(-25) ?? []), ...this.#others.flatMap((other) => other.lastLines)];
  }
}

/** A scene for each scenario of the suite. */
export function eachScene(): () => Scene {
  let scene = new Scene();
  beforeEach(() => {
    scene = new Scene();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') console.log(['the gateway wrote last:', ...scene.lastLines].join('\n  '));
    await scene.end();
  });
  return () => scene;
}
