import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyAudit } from '../../../src/audit/verify-audit.ts';
import { auditDirectory } from '../../../src/gateway/audit.ts';
import { type RunningGateway, startGateway } from '../../../src/gateway/gateway.ts';
import type { Log, LogFields } from '../../../src/runtime/log.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import { SimulatedModbusDevice } from '../../../src/simulator/modbus-device.ts';
import { emptyMemory } from '../../../src/simulator/modbus-memory.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../../src/simulator/modbus-tcp-server.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { assertNoGrowth, usedBytes } from '../../support/fuzz.ts';
import { planOf } from '../../support/gateway-plan.ts';
import { type HostileHub, TWIN } from './hostile-hub.ts';
import type { Random } from './random.ts';

const BATCH = 50;
const STOP_COIL = 4;
const SPEED_REGISTER = 40;
const MAX_GROWTH_MIB = 32;
/** A batch that does not come to an end has a packet of which there is no trace. */
const PATIENCE_MS = 30_000;

/** A whole gateway between a PLC, whose writes are counted, and a hostile hub. */
export class HostileRun {
  readonly #hub: HostileHub;
  readonly #plc: SimulatedModbusDevice;
  readonly #server: ModbusTcpServer;
  readonly #configuration: TemporaryConfiguration;
  readonly #answered: AnsweredCommands;
  readonly #gateway: RunningGateway;
  readonly #sent = { command: 0, news: 0 };

  private constructor(parts: {
    readonly hub: HostileHub;
    readonly plc: SimulatedModbusDevice;
    readonly server: ModbusTcpServer;
    readonly configuration: TemporaryConfiguration;
    readonly answered: AnsweredCommands;
    readonly gateway: RunningGateway;
  }) {
    this.#hub = parts.hub;
    this.#plc = parts.plc;
    this.#server = parts.server;
    this.#configuration = parts.configuration;
    this.#answered = parts.answered;
    this.#gateway = parts.gateway;
  }

  static async start(startHub: () => Promise<HostileHub>): Promise<HostileRun> {
    const hub = await startHub();
    const plc = new SimulatedModbusDevice({ memory: emptyMemory() });
    // Whatever passes for a command is refused by the interlock.
    plc.memory.coil[STOP_COIL] = 1;
    const server = await startModbusTcpServer({ port: 0, units: new Map([[1, plc]]) });
    const configuration = new TemporaryConfiguration({ ...hub.files, ...configurationFor(hub, server.port) });
    const answered = new AnsweredCommands(hub);
    const options = { log: answered.log, version: '1.2.3', stateDirectory: configuration.path('state') };
    const gateway = await startGateway(await planOf(configuration), options);
    const run = new HostileRun({ hub, plc, server, configuration, answered, gateway });
    await until(
      () => hub.isListenedTo(),
      () => gateway.status().hubs[0],
    );
    return run;
  }

  /** Sends so many, a batch at a time: of each a trace is waited for. */
  async attack(count: number, random: Random): Promise<Readonly<Record<string, number>>> {
    let warmBytes = 0;
    for (let sent = 0; sent < count; sent += BATCH) {
      for (let index = sent; index < Math.min(count, sent + BATCH); index += 1) this.#sent[this.#hub.attack(random, index)] += 1;
      await until(
        () => this.#traces() >= this.#attacks,
        () => this.#figures(),
      );
      // A hub that remembers everything would be the growth that is looked for.
      this.#hub.forget();
      if (sent >= count / 4 && warmBytes === 0) warmBytes = usedBytes();
    }
    assertNoGrowth(warmBytes, MAX_GROWTH_MIB);
    return this.#figures();
  }

  /** Everything that has to hold after it. */
  async assertUnharmed(): Promise<void> {
    const { command, news } = this.#sent;
    assert.deepEqual(this.#hub.faults, []);
    assert.equal(this.#hub.connections, 1, 'the connection did not live through it');
    assert.equal(this.#traces(), command + news);
    assert.ok(this.#heardOfAttacks <= news, 'a command was only heard');
    assert.equal(this.#plc.writeCount, 0);
    assert.equal(Object.keys(Object.prototype).length, 0);
    await this.#assertObeysStill();
    await this.#gateway.stop(1_000);
    await this.#assertAudited();
  }

  async end(): Promise<void> {
    await this.#gateway.stop(1_000);
    await Promise.all([this.#hub.stop(), this.#server.close()]);
    this.#configuration[Symbol.dispose]();
  }

  get #attacks(): number {
    return this.#sent.command + this.#sent.news;
  }

  /** One for each packet: it was refused, or became commands, or asked for nothing. */
  #traces(): number {
    const { refused, dropped, obeyed } = this.#counts();
    return refused + dropped + obeyed + this.#heardOfAttacks + this.#answered.packets;
  }

  get #heardOfAttacks(): number {
    return this.#counts().heard - this.#hub.ownNews;
  }

  #counts() {
    const counters = this.#gateway.status().hubs[0]?.counters ?? {};
    return {
      refused: counters.invalid_commands ?? 0,
      dropped: counters.dropped_commands ?? 0,
      obeyed: counters.obeyed_requests ?? 0,
      heard: counters.heard_packets ?? 0,
    };
  }

  #figures(): Readonly<Record<string, number>> {
    const { refused, dropped, obeyed } = this.#counts();
    const told = { refused, dropped, obeyed, heard: this.#heardOfAttacks, commands: this.#answered.packets };
    return { sent: this.#attacks, ...told };
  }

  async #assertObeysStill(): Promise<void> {
    this.#plc.memory.coil[STOP_COIL] = 0;
    let againMs = 0;
    const isWritten = () => {
      if (performance.now() >= againMs) {
        this.#hub.order(`good-${againMs}`);
        againMs = performance.now() + 500;
      }
      return this.#plc.memory.holding[SPEED_REGISTER] === 900;
    };
    await until(isWritten, () => this.#answered.last);
  }

  /** Lines, and what they say of those that were only counted. */
  async #assertAudited(): Promise<void> {
    const directory = auditDirectory(this.#configuration.path('state'));
    assert.deepEqual((await verifyAudit(directory)).breaks, []);
    const { refused, dropped, obeyed } = this.#counts();
    const audited = auditedByKind(directory);
    assert.equal(audited.get('packet') ?? 0, refused + dropped);
    assert.equal(audited.get('session') ?? 0, obeyed);
    assert.equal(audited.get('command') ?? 0, this.#answered.all);
  }
}

/** Hears in the log what became of each command. */
class AnsweredCommands {
  readonly #hub: HostileHub;
  readonly #severalFold = new Set<string>();
  all = 0;
  packets = 0;
  last: unknown;

  constructor(hub: HostileHub) {
    this.#hub = hub;
  }

  readonly log: Log = {
    ...silentLog,
    info: (event, fields) => {
      if (event === 'command answered' && fields !== undefined) this.#count(fields);
    },
    with: () => this.log,
  };

  #count(fields: LogFields): void {
    const id = String(fields.command);
    this.all += 1;
    this.last = fields;
    const packet = this.#hub.packetOf === undefined ? id : this.#hub.packetOf(id);
    if (packet === undefined || (packet !== id && this.#severalFold.has(packet))) return;
    if (packet !== id) this.#severalFold.add(packet);
    this.packets += 1;
  }
}

function auditedByKind(directory: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  const add = (kind: unknown, count: number) => counts.set(String(kind), (counts.get(String(kind)) ?? 0) + count);
  for (const name of readdirSync(directory).filter((each) => each.endsWith('.jsonl'))) {
    for (const line of readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1)) {
      const { kind, of, notWritten, notWrittenBefore = 0 } = JSON.parse(line) as Record<string, unknown>;
      if (kind === 'flood') add(of, Number(notWritten));
      else add(kind, 1 + Number(notWrittenBefore));
    }
  }
  return counts;
}

function configurationFor({ settings }: HostileHub, plcPort: number): Readonly<Record<string, string>> {
  const hub = JSON.stringify(settings).replaceAll(/"(!secret [^"]+)"/g, '$1');
  return {
    'gateway.yaml': `gateway: { id: gw-01 }
hubs: { cloud: ${hub} }
spool: { directory: ./spool, commitWindow: 5 ms }
operations: { port: 0 }
`,
    'mappings/press.yaml': `twin: ${TWIN}
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${plcPort}, unit: 1 }
message: { maxAge: 200 ms }
points:
  stop: { address: { coil: ${STOP_COIL} }, interval: 100 ms }
  speed: { address: { holding: ${SPEED_REGISTER} }, type: uint16, write: { min: 0, max: 1500, onlyIf: stop == false } }
`,
  };
}

export async function until(condition: () => boolean, what: () => unknown): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`nothing more comes: ${JSON.stringify(what())}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
