import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GatewayStatus } from '../../src/model/status.ts';
import { LAUNCHER } from '../../test/support/run-cli.ts';
import { Child } from '../../test/support/scenario/child.ts';
import { freePort, until } from '../../test/support/scenario/wait.ts';

export interface WholeGatewayOptions {
  /** Of this run alone: configuration, state, spool. */
  readonly directory: string;
  readonly brokerPort: number;
  /** Mapping files by name. */
  readonly mappings: Readonly<Record<string, string>>;
  /** Default: in `directory`, with the default commit window. */
  readonly spool?: { readonly directory: string; readonly commitWindow: string };
  /** Default: that of the checkout. */
  readonly launcher?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/** What the kernel says of a process since its start. */
export interface Usage {
  /** All threads. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

const TICKS_PER_SECOND = 100;

/** The gateway as the operator starts it, `bin/fieldmarshal run`, in a process of its own, settings left at their defaults. */
export class WholeGateway {
  readonly #child: Child;
  readonly #operationsPort: number;

  private constructor(child: Child, operationsPort: number) {
    this.#child = child;
    this.#operationsPort = operationsPort;
  }

  /** Resolves when the hub and every device are there. */
  static async start(options: WholeGatewayOptions): Promise<WholeGateway> {
    const { directory, mappings, launcher = LAUNCHER, environment } = options;
    const operationsPort = await freePort();
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'gateway.yaml'), gatewayYaml(options, operationsPort));
    for (const [name, text] of Object.entries(mappings)) await writeFile(join(directory, name), text);
    const child = new Child('gateway', launcher, ['run', '--config', directory], directory, environment);
    const gateway = new WholeGateway(child, operationsPort);
    await until('hub and devices are there', () => gateway.#isUp()).catch(async (error: unknown) => {
      await child.kill();
      throw new Error(child.lines.join('\n'), { cause: error });
    });
    return gateway;
  }

  async status(): Promise<GatewayStatus> {
    const answer = await fetch(`http://127.0.0.1:${this.#operationsPort}/status`);
    return (await answer.json()) as GatewayStatus;
  }

  async usage(): Promise<Usage> {
    const stat = await this.#proc('stat');
    // After the name, which may hold anything, comes the third field; the 14th and 15th are the ticks of user and system.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(await this.#proc('status'))?.[1]);
    return { cpuSeconds: ticks / TICKS_PER_SECOND, residentBytes: kibibytes * 1_024 };
  }

  async stop(): Promise<void> {
    await this.#child.signal('SIGTERM').catch(() => this.#child.kill());
  }

  async #isUp(): Promise<boolean> {
    if (!this.#child.isRunning) throw new Error('the gateway has ended');
    const status = await this.status().catch(() => undefined);
    if (status === undefined) return false;
    const isDeviceUp = status.connections.every(({ devices }) => devices.every(({ state }) => state === 'up'));
    return isDeviceUp && status.hubs.every(({ link }) => link.state === 'up');
  }

  #proc(name: string): Promise<string> {
    return readFile(`/proc/${this.#child.pid}/${name}`, 'utf8');
  }
}

function gatewayYaml({ directory, brokerPort, mappings, spool }: WholeGatewayOptions, operationsPort: number): string {
  const commitWindow = spool === undefined ? '' : `, commitWindow: ${spool.commitWindow}`;
  return `gateway: { id: bench }
hubs: { cloud: { dialect: mqtt, url: "mqtt://127.0.0.1:${brokerPort}", commands: false } }
spool: { directory: ${spool?.directory ?? join(directory, 'spool')}, keepFree: 0 MB${commitWindow} }
operations: { port: ${operationsPort} }
mappings: [ ${Object.keys(mappings).join(', ')} ]
`;
}
