import { type SimulatedBroker, startBroker } from './broker.ts';
import { FILLER_NAMESPACE, SimulatedFiller } from './filler.ts';
import { SimulatedMeter } from './meter.ts';
import { attachModbusLine, type ModbusLine } from './modbus-line.ts';
import { type ModbusTcpServer, startModbusTcpServer } from './modbus-tcp-server.ts';
import { type SimulatedOpcuaServer, startOpcuaServer } from './opcua-server.ts';
import { SimulatedPress } from './press.ts';
import { seededRandom } from './random.ts';
import { openSerialLine, type SerialLine } from './serial-line.ts';

export const PLANT_PARTS = ['press-07', 'meter-1', 'meter-2', 'line-1', 'filler-02', 'broker'] as const;
export type PlantPart = (typeof PLANT_PARTS)[number];

export interface PlantOptions {
  /** Ports; 0, the default, takes any that is free. */
  readonly pressPort?: number;
  readonly fillerPort?: number;
  readonly brokerPort?: number;
  /** A name for the serial line that stays the same when it is plugged in again. */
  readonly lineLink?: string;
  /** The same seed gives the same plant. */
  readonly seed?: number;
}

/** A press on Modbus TCP, two meters on one serial line, a bottle filler on OPC UA, and a broker. */
export interface Plant {
  readonly press: ModbusTcpServer;
  readonly line: SerialLine;
  readonly meters: ModbusLine;
  readonly filler: SimulatedOpcuaServer;
  readonly broker: SimulatedBroker;
  /** Pulls the cable of a part, or switches it off; a meter falls silent on its line. */
  down(part: PlantPart): Promise<void>;
  up(part: PlantPart): Promise<void>;
  close(): Promise<void>;
}

const STEP_MS = 100;
const BAUD_RATE = 19_200;
const METER_UNITS = { 'meter-1': 1, 'meter-2': 2 } as const;

export async function startPlant(options: PlantOptions = {}): Promise<Plant> {
  const { pressPort = 0, fillerPort = 0, brokerPort = 0, lineLink, seed = 7 } = options;
  const random = seededRandom(seed);
  const simulatedPress = new SimulatedPress(random);
  const simulatedMeters = Object.values(METER_UNITS).map((unit) => [unit, new SimulatedMeter(random)] as const);

  await using opened = new AsyncDisposableStack();
  const broker = opened.adopt(await startBroker({ port: brokerPort }), (one) => one.close());
  const pressUnits = new Map([[1, simulatedPress.device]]);
  const press = opened.adopt(await startModbusTcpServer({ port: pressPort, units: pressUnits }), (one) => one.close());
  const lineOptions = { baudRate: BAUD_RATE, ...(lineLink === undefined ? {} : { link: lineLink }) };
  const line = opened.adopt(openSerialLine(lineOptions), (one) => one.close());
  const meterUnits = new Map(simulatedMeters.map(([unit, { device }]) => [unit, device]));
  const meters = attachModbusLine(line, { units: meterUnits });
  const filler = opened.adopt(await startOpcuaServer({ port: fillerPort, namespaces: [FILLER_NAMESPACE] }), (one) => one.close());

  const machines = [simulatedPress, ...simulatedMeters.map(([, meter]) => meter), new SimulatedFiller(filler, random)];
  const timer = setInterval(() => {
    for (const machine of machines) machine.step(STEP_MS);
  }, STEP_MS);
  opened.defer(() => clearInterval(timer));
  const switches = switchesOf({ press, line, meters, filler, broker });
  // From here on the caller closes; had anything failed before, what was open would be closed already.
  const owned = opened.move();
  return {
    press,
    line,
    meters,
    filler,
    broker,
    down: async (part) => switches[part].down(),
    up: async (part) => switches[part].up(),
    close: () => owned.disposeAsync(),
  };
}

interface Switch {
  down(): void | Promise<void>;
  up(): void | Promise<void>;
}

function switchesOf({ press, line, meters, filler, broker }: Omit<Plant, keyof Switch | 'close'>): Record<PlantPart, Switch> {
  return {
    'press-07': press,
    'meter-1': silence(meters, METER_UNITS['meter-1']),
    'meter-2': silence(meters, METER_UNITS['meter-2']),
    'line-1': { down: line.unplug, up: line.plug },
    'filler-02': { down: filler.down, up: () => filler.up() },
    broker,
  };
}

function silence({ faults }: ModbusLine, unit: number): Switch {
  let mend = (): void => {};
  return {
    down: () => {
      mend();
      mend = faults.add({ kind: 'silent' }, { unit });
    },
    up: () => mend(),
  };
}
