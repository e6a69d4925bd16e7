import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GatewayStatus, HubStatus } from '../../../src/model/status.ts';
import { LAUNCHER } from '../run-cli.ts';
import type { Broker } from './brokers.ts';
import { Child, type Exit } from './child.ts';
import { freePort, until } from './wait.ts';

export const COMMIT_WINDOW_MS = 50;
/** A second or two; a machine that does many other things takes its time. */
const START_WITHIN_MS = 90_000;

export interface GatewaySettings {
  readonly broker: Pick<Broker, 'port'>;
  readonly dialect?: string;
  /** Mapping files. */
  readonly mappings: readonly string[];
  /** Keys of the hub beside those that every scenario has, a line each. */
  readonly hub?: readonly string[];
  /** Keys of the spool beside those that every scenario has. */
  readonly spool?: string;
  readonly spoolDirectory?: string;
  /** Beside that of the test. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** The whole gateway, started as the operator does: `fieldmarshal run --config DIR`. */
export class Gateway {
  readonly #directory: string;
  readonly #operationsPort: number;
  readonly #environment: NodeJS.ProcessEnv;
  #child: Child | undefined;

  private constructor(directory: string, operationsPort: number, environment: NodeJS.ProcessEnv) {
    this.#directory = directory;
    this.#operationsPort = operationsPort;
    this.#environment = environment;
  }

  static async configure(directory: string, settings: GatewaySettings): Promise<Gateway> {
    const gateway = new Gateway(directory, await freePort(), settings.environment ?? {});
    await mkdir(join(directory, 'mappings'), { recursive: true });
    await writeFile(join(directory, 'gateway.yaml'), gateway.#file(directory, settings));
    await Promise.all(settings.mappings.map((text, index) => writeFile(join(directory, `mappings/${index}.yaml`), `${text}\n`)));
    return gateway;
  }

  /** Resolves when it polls, delivers and can be asked. */
  async start(): Promise<number> {
    const child = new Child('gateway', LAUNCHER, ['run', '--config', this.#directory], this.#directory, this.#environment);
    this.#child = child;
    const isThere = async () => {
      if (!child.isRunning) throw new Error(`the gateway did not start:\n${child.lines.join('\n')}`);
      return (await this.#get().catch(() => undefined)) !== undefined;
    };
    return until('the gateway has started', isThere, { withinMs: START_WITHIN_MS });
  }

  async status(): Promise<GatewayStatus> {
    const status = await this.#get();
    assert.ok(this.isRunning, 'the gateway has ended');
    return status;
  }

  async hub(): Promise<HubStatus> {
    const [hub] = (await this.status()).hubs;
    assert.ok(hub !== undefined);
    return hub;
  }

  get isRunning(): boolean {
    return this.#child?.isRunning ?? false;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get lines(): readonly string[] {
    return this.#child?.lines ?? [];
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** SIGTERM; rejects when it takes longer than `withinMs`. */
  async stop(withinMs = 10_000): Promise<Exit> {
    assert.ok(this.#child?.isRunning, 'the gateway had ended before');
    return this.#child.signal('SIGTERM', withinMs);
  }

  async #get(): Promise<GatewayStatus> {
    const answer = await fetch(`http://127.0.0.1:${this.#operationsPort}/status`, { signal: AbortSignal.timeout(5_000) });
    return (await answer.json()) as GatewayStatus;
  }

  #file(directory: string, settings: GatewaySettings): string {
    const { broker, dialect = 'mqtt', hub = [], spool = '', spoolDirectory = join(directory, 'spool') } = settings;
    return `gateway: { id: gw-01 }
hubs:
  cloud:
    dialect: ${dialect}
    url: mqtt://127.0.0.1:${broker.port}
    acknowledgeTimeout: 3 s
    connectTimeout: 2 s
${hub.map((line) => `    ${line}\n`).join('')}spool: { directory: ${spoolDirectory}, commitWindow: ${COMMIT_WINDOW_MS} ms${spool === '' ? '' : `, ${spool}`} }
operations: { port: ${this.#operationsPort} }
`;
  }
}
