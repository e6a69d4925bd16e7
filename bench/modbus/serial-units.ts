import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { attachModbusRtuLine } from '../../src/simulator/modbus-rtu-line.ts';
import { openSerialLine } from '../../src/simulator/serial-line.ts';
import { tellReady } from '../harness/child.ts';
import { exactLine } from './exact-line.ts';

/** Units on a pseudo-terminal that is as slow as a line of the baud rate given. */
const [baudRate, units] = process.argv.slice(2).map(Number);
if (baudRate === undefined || units === undefined) throw new Error('expected baud rate and number of units');

const line = openSerialLine();
attachModbusRtuLine(exactLine(line, baudRate), {
  units: new Map(Array.from({ length: units }, (_, index) => [index + 1, new SimulatedModbusDevice()])),
});
tellReady({ path: line.path });
