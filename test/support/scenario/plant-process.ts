import { SimulatedModbusDevice } from '../../../src/simulator/modbus-device.ts';
import { FaultSwitch } from '../../../src/simulator/modbus-faults.ts';
import { attachModbusLine } from '../../../src/simulator/modbus-line.ts';
import { emptyMemory, putRegisters, uint32 } from '../../../src/simulator/modbus-memory.ts';
import { startModbusTcpServer } from '../../../src/simulator/modbus-tcp-server.ts';
import { startOpcuaServer } from '../../../src/simulator/opcua-server.ts';
import { openSerialLine } from '../../../src/simulator/serial-line.ts';
import { OPCUA_NAMESPACE, type PlantAnswer, type PlantQuestion, type PlantSettings, REGISTERS } from './plant-settings.ts';

const READ_HOLDING = 3;
const OPCUA_STEP_MS = 50;

/** Counts in its first registers how often these were read: who has every number has every poll. */
class CountingDevice extends SimulatedModbusDevice {
  count: number;

  constructor(countFrom: number) {
    super({ memory: emptyMemory() });
    this.count = countFrom;
    this.memory.holding.fill(0x4242, REGISTERS.ballast, REGISTERS.ballast + REGISTERS.ballastLength);
  }

  override answer(pdu: Buffer): Buffer {
    const isPoll = pdu[0] === READ_HOLDING && pdu.readUInt16BE(1) === REGISTERS.polls;
    if (isPoll) putRegisters(this.memory.holding, REGISTERS.polls, uint32(++this.count));
    return super.answer(pdu);
  }
}

const settings = JSON.parse(process.argv[2] ?? '{}') as PlantSettings;
const { kind, port = 0, units = [1], countFrom = 0 } = settings;
const devices = new Map(units.map((unit) => [unit, new CountingDevice(countFrom)]));
const faults = new FaultSwitch();

process.on('message', (question: PlantQuestion) => {
  if (question.ask === 'silence') faults.add({ kind: 'silent' }, { unit: question.unit });
  if (question.ask === 'mend') faults.clear();
  const answers: PlantAnswer[] = [...devices].map(([unit, { count, writeCount, memory }]) => ({
    unit,
    polls: count,
    writes: writeCount,
    setpoint: memory.holding[REGISTERS.setpoint] ?? 0,
  }));
  process.send?.(answers);
});

switch (kind) {
  case 'modbus-tcp': {
    const server = await startModbusTcpServer({ port, units: devices });
    process.send?.({ port: server.port });
    break;
  }
  case 'modbus-rtu': {
    const line = openSerialLine({ baudRate: 19_200, ...(settings.link === undefined ? {} : { link: settings.link }) });
    attachModbusLine(line, { units: devices, faults });
    process.send?.({ port: 0 });
    break;
  }
  case 'opcua': {
    const counter = { name: 'Counter', type: 'UInt32', value: countFrom } as const;
    const server = await startOpcuaServer({ port, namespaces: [{ uri: OPCUA_NAMESPACE, variables: [counter] }] });
    let count = countFrom;
    setInterval(() => server.variable('Counter').set(++count), OPCUA_STEP_MS);
    process.send?.({ port: server.port });
  }
}
