import { join } from 'node:path';
import { type Child, startScript } from './child.ts';
import { OPCUA_NAMESPACE, type PlantAnswer, type PlantQuestion, type PlantSettings, REGISTERS } from './plant-settings.ts';

const SCRIPT = join(import.meta.dirname, 'plant-process.ts');

/** Simulated devices in a process of their own. */
export class Plant {
  readonly #settings: PlantSettings;
  readonly #directory: string;
  #child: Child | undefined;
  #lives = 0;
  port = 0;

  constructor(settings: PlantSettings, directory: string) {
    this.#settings = settings;
    this.#directory = directory;
  }

  get link(): string {
    return this.#settings.link ?? '';
  }

  /** On the same port as before. Counters of the second life begin at `countsOfLife`, so that it is told apart from the first. */
  async start(): Promise<void> {
    const settings = { ...this.#settings, port: this.port, countFrom: countsOfLife(this.#lives) };
    const { child, ready } = startScript<{ port: number }>(`${settings.kind} plant`, SCRIPT, settings, this.#directory);
    this.#child = child;
    this.#lives += 1;
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

  /** The unit does not answer any more. */
  async silence(unit: number): Promise<void> {
    await this.#ask({ ask: 'silence', unit });
  }

  async mend(): Promise<void> {
    await this.#ask({ ask: 'mend' });
  }

  /** What a unit knows of itself. */
  async state(unit = 1): Promise<PlantAnswer> {
    const found = (await this.states()).find((answer) => answer.unit === unit);
    if (found === undefined) throw new Error(`the plant has no unit ${unit}`);
    return found;
  }

  states(): Promise<readonly PlantAnswer[]> {
    return this.#ask({ ask: 'state' });
  }

  #ask(question: PlantQuestion): Promise<readonly PlantAnswer[]> {
    if (this.#child === undefined) throw new Error('the plant was not started');
    return this.#child.ask(question);
  }
}

export const MESSAGE_MAX_AGE_MS = 100;

export function countsOfLife(life: number): number {
  return life * 1_000_000;
}

/** Presses on Modbus TCP, `press-1` and so on, each counting its polls. */
export function pressMapping(plant: Plant, { units = [1], intervalMs = 20, more = '' } = {}): string {
  const instances = units.map((unit) => `  - { twin: press-${unit}, connection: { unit: ${unit} } }`);
  return `connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${plant.port}, timeout: 30 s }
instances:
${instances.join('\n')}
message: { maxAge: ${MESSAGE_MAX_AGE_MS} ms, maxBytes: 2 kB }
defaults: { interval: ${intervalMs} ms }
points:
  polls: { address: { holding: ${REGISTERS.polls} }, type: uint32 }
${more}`;
}

export const BALLAST_POINT = `  ballast: { address: { holding: ${REGISTERS.ballast} }, type: string, length: ${REGISTERS.ballastLength} }`;

export const SETPOINT_POINT = `  setpoint:
    address: { holding: ${REGISTERS.setpoint} }
    type: uint16
    as: property
    interval: 200 ms
    write: { min: 0, max: 1500 }`;

/** Meters on one serial line. */
export function metersMapping(plant: Plant): string {
  return `connection: { protocol: modbus-rtu, port: ${plant.link}, baudRate: 19200, parity: none, timeout: 200 ms, probeInterval: 5 s }
instances:
  - { twin: meter-1, connection: { unit: 1 } }
  - { twin: meter-2, connection: { unit: 2 } }
message: { maxAge: 500 ms }
defaults: { interval: 250 ms }
points:
  polls: { address: { holding: ${REGISTERS.polls} }, type: uint32 }`;
}

export function fillerMapping(plant: Plant): string {
  return `twin: filler
connection: { protocol: opcua, url: "opc.tcp://127.0.0.1:${plant.port}", security: { policy: none }, keepAlive: 1 s, publishingInterval: 200 ms }
message: { maxAge: 200 ms }
defaults: { interval: 100 ms }
points:
  counter: { address: "nsu=${OPCUA_NAMESPACE};s=Counter" }`;
}
