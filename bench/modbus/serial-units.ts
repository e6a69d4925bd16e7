import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { type Fault, FaultSwitch } from '../../src/simulator/modbus-faults.ts';
import { attachModbusLine } from '../../src/simulator/modbus-line.ts';
import { openSerialLine } from '../../src/simulator/serial-line.ts';
import { tellReady } from '../harness/child.ts';
import { exactLine } from './exact-line.ts';

/** After so many answers the trouble begins: until then everybody can learn how long everybody takes. */
const HEALTHY_ANSWERS = 6;
const MOST_LATE_MS = 300;

/** The last unit dies, the one before it answers at random after 0 to 300 ms. */
class Trouble extends FaultSwitch {
  readonly #seen = new Map<number, number>();
  readonly #units: number;

  constructor(units: number) {
    super();
    this.#units = units;
  }

  override next(unit: number): Fault | undefined {
    const seen = (this.#seen.get(unit) ?? 0) + 1;
    this.#seen.set(unit, seen);
    if (seen <= HEALTHY_ANSWERS || unit < this.#units - 1) return undefined;
    return unit === this.#units ? { kind: 'silent' } : { kind: 'late', ms: Math.random() * MOST_LATE_MS };
  }
}

/** Units on a pseudo-terminal that is as slow as a line of the baud rate given. */
const [baudRate, units] = process.argv.slice(2).map(Number);
if (baudRate === undefined || units === undefined) throw new Error('expected baud rate and number of units');
const faults = process.argv.includes('troubled') ? new Trouble(units) : new FaultSwitch();

const line = openSerialLine();
attachModbusLine(exactLine(line, baudRate), {
  units: new Map(Array.from({ length: units }, (_, index) => [index + 1, new SimulatedModbusDevice()])),
  faults,
});
tellReady({ path: line.path });
