import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModbusPlan } from '../../../connectors/modbus/mapping/plan.ts';
import { type DeviceSketch, planOf } from '../../connectors/modbus/modbus-plan.ts';
import { freePort } from '../../support/opcua-server.ts';
import {
  type ForeignModbusProgram,
  ForeignModbusServer,
  HOW_TO,
  isSocatHere,
  libmodbus,
  pymodbus,
} from './foreign-modbus-server.ts';
import { SocatLine } from './socat-line.ts';

type Framing = ForeignModbusProgram['framings'][number];

interface ModbusPeer {
  readonly program: ForeignModbusProgram;
  readonly framing: Framing;
  readonly title: string;
  /** `describe`, or pending where something is missing here: the title says what. */
  readonly describeHere: (title: string, suite: () => void) => unknown;
}

/** Every program on every framing. */
export function modbusPeers(): readonly ModbusPeer[] {
  return [pymodbus, libmodbus].flatMap((program) => program.framings.map((framing) => peerOf(program, framing)));
}

function peerOf(program: ForeignModbusProgram, framing: Framing): ModbusPeer {
  const whyNot = program.whyNot ?? (framing !== 'modbus-tcp' && !isSocatHere() ? HOW_TO : undefined);
  const title = `${program.name} on ${framing}${whyNot === undefined ? '' : ` (${whyNot})`}`;
  return { program, framing, title, describeHere: whyNot === undefined ? describe : describe.skip };
}

/** The number of the one unit that the server has. */
export const UNIT = 7;

/** A foreign server on a TCP port or on a serial line, and the plan that reaches it. */
export class ForeignModbusPlant {
  readonly directory: string;
  /** Keys of `connection:` beside the protocol. */
  readonly connection: Readonly<Record<string, unknown>>;
  readonly #framing: Framing;
  readonly #command: readonly string[];
  readonly #line: SocatLine | undefined;
  #server: ForeignModbusServer | undefined;

  private constructor(program: ForeignModbusProgram, framing: Framing, directory: string, port: number) {
    this.directory = directory;
    this.#framing = framing;
    this.#line = framing !== 'modbus-tcp' ? new SocatLine(directory) : undefined;
    const place = this.#line === undefined ? ['tcp', String(port)] : [framing === 'modbus-rtu' ? 'rtu' : 'ascii', this.#line.far];
    this.#command = [...program.prepare(directory), ...place, String(UNIT)];
    this.connection =
      this.#line === undefined
        ? { host: '127.0.0.1', port }
        : { port: this.#line.near, baudRate: 115_200, dataBits: 8, parity: 'none' };
  }

  static async start(program: ForeignModbusProgram, framing: Framing): Promise<ForeignModbusPlant> {
    const directory = await mkdtemp(join(tmpdir(), 'foreign-modbus-'));
    const plant = new ForeignModbusPlant(program, framing, directory, await freePort());
    await plant.bringBack();
    return plant;
  }

  planOf(points: DeviceSketch['points'], unit = UNIT): ModbusPlan {
    return planOf(this.#framing, { ...this.connection, timeout: '1 s' }, { meter: { settings: { unit }, points } });
  }

  /** See the server's program for the commands. */
  ask(command: string): Promise<string> {
    if (this.#server === undefined) throw new Error('the server is not running');
    return this.#server.ask(command);
  }

  async startServer(): Promise<void> {
    this.#server = await ForeignModbusServer.start(this.#command);
  }

  /** The server is gone, its line stays. */
  async killServer(): Promise<void> {
    await this.#server?.kill();
    this.#server = undefined;
  }

  async takeAway(): Promise<void> {
    await this.killServer();
    await this.#line?.unplug();
  }

  async bringBack(): Promise<void> {
    await this.#line?.plug();
    await this.startServer();
  }

  async dispose(): Promise<void> {
    await this.takeAway();
    await rm(this.directory, { recursive: true, force: true });
  }
}
