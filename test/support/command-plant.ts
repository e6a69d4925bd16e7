import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningGateway, startGateway } from '../../src/gateway/gateway.ts';
import type { CommandResult } from '../../src/model/command.ts';
import { type SimulatedBroker, startBroker } from '../../src/simulator/broker.ts';
import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { emptyMemory, type ModbusMemory } from '../../src/simulator/modbus-memory.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { TemporaryConfiguration } from './configuration.ts';
import { planOf } from './gateway-plan.ts';
import { RecordedLog } from './recorded-log.ts';

type Json = Readonly<Record<string, unknown>>;

export interface CommandPlantSettings {
  /** What the mapping has beside its head. */
  readonly mapping: string;
  /** Default: `press-07`. */
  readonly twin?: string;
  /** Beside gateway, hubs, spool and operations. */
  readonly gateway?: string;
}

interface Parts {
  readonly configuration: TemporaryConfiguration;
  readonly memory: ModbusMemory;
  readonly plc: ModbusTcpServer;
  readonly broker: SimulatedBroker;
  readonly twin: string;
}

/** A whole gateway between a simulated PLC and a real broker, as the cloud and the plant see it. */
export class CommandPlant {
  readonly memory: ModbusMemory;
  readonly log = new RecordedLog();
  readonly results: Json[] = [];
  /** Everything else that the gateway published, but its status. */
  readonly messages: Json[] = [];
  readonly #configuration: TemporaryConfiguration;
  readonly #plc: ModbusTcpServer;
  readonly #broker: SimulatedBroker;
  readonly #twin: string;
  #gateway: RunningGateway | undefined;

  private constructor({ configuration, memory, plc, broker, twin }: Parts) {
    this.#configuration = configuration;
    this.memory = memory;
    this.#plc = plc;
    this.#broker = broker;
    this.#twin = twin;
    broker.listen(({ topic, payload }) => {
      if (topic.endsWith('/status')) return;
      (topic.endsWith('/result') ? this.results : this.messages).push(JSON.parse(payload.toString()) as Json);
    });
  }

  static async start({ mapping, gateway = '', twin = 'press-07' }: CommandPlantSettings): Promise<CommandPlant> {
    const device = new SimulatedModbusDevice({ memory: emptyMemory() });
    const plc = await startModbusTcpServer({ port: 0, units: new Map([[1, device]]) });
    const broker = await startBroker({ port: 0 });
    const configuration = new TemporaryConfiguration({
      'gateway.yaml': `gateway: { id: gw-01 }
hubs: { cloud: { dialect: mqtt, url: "${broker.url}", protocol: "3.1.1" } }
spool: { directory: ./spool, commitWindow: 5 ms }
operations: { port: 0 }
${gateway}`,
      'mappings/press.yaml': `twin: ${twin}
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${plc.port}, unit: 1 }
${mapping}`,
    });
    const plant = new CommandPlant({ configuration, memory: device.memory, plc, broker, twin });
    await plant.startGateway();
    return plant;
  }

  async startGateway(): Promise<void> {
    this.#gateway = await startGateway(await planOf(this.#configuration), {
      log: this.log.log,
      version: '1.2.3',
      setLogLevel: this.log.log.setLevel,
      stateDirectory: this.#configuration.path('state'),
    });
    await this.untilUp();
  }

  /** PLC and hub are there. */
  async untilUp(): Promise<void> {
    await this.until(
      'everything is up',
      () => {
        const { connections, hubs } = this.gateway.status();
        return [...connections, ...hubs].every(({ link }) => link.state === 'up') && connections[0]?.devices[0]?.state === 'up';
      },
      30_000,
    );
  }

  async stopGateway(): Promise<void> {
    await this.#gateway?.stop(1_000);
    this.#gateway = undefined;
  }

  get gateway(): RunningGateway {
    return this.#gateway ?? assert.fail('no gateway runs');
  }

  get broker(): SimulatedBroker {
    return this.#broker;
  }

  get plc(): ModbusTcpServer {
    return this.#plc;
  }

  get configuration(): TemporaryConfiguration {
    return this.#configuration;
  }

  get auditDirectory(): string {
    return this.#configuration.path('state/audit');
  }

  /** The entries on disk, of a kind or all. */
  audit(kind?: string): readonly Json[] {
    const names = readdirSync(this.auditDirectory)
      .filter((name) => name.startsWith('audit-'))
      .toSorted();
    const lines = names.flatMap((name) => readFileSync(join(this.auditDirectory, name), 'utf8').split('\n').slice(0, -1));
    return lines.map((line) => JSON.parse(line) as Json).filter((line) => kind === undefined || line.kind === kind);
  }

  /** The bodies of the event messages of this name. */
  events(name: string): readonly Json[] {
    return this.messages.filter(({ schema, name: told }) => schema === 'gw.event/1' && told === name);
  }

  /** As the cloud does it, over the broker; resolves with the answer. */
  async send(command: Json): Promise<Json> {
    const answers = () => this.results.filter(({ id }) => id === command.id);
    const before = answers().length;
    await this.#broker.publish(`gw-01/${this.#twin}/command`, JSON.stringify(command));
    await this.until(`command ${command.id} is answered`, () => answers().length > before);
    return answers().at(-1) ?? assert.fail('no answer');
  }

  execute(command: Parameters<RunningGateway['execute']>[0]): Promise<CommandResult> {
    return this.gateway.execute(command, new AbortController().signal);
  }

  async until(what: string, isTrue: () => boolean, withinMs = 10_000): Promise<void> {
    for (const endMs = performance.now() + withinMs; !isTrue(); ) {
      assert.ok(performance.now() < endMs, `not within ${withinMs} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async end(): Promise<void> {
    await this.stopGateway();
    await this.#broker.close();
    await this.#plc.close();
    this.#configuration[Symbol.dispose]();
  }
}
