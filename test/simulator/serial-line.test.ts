import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SerialPort } from 'serialport';
import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { attachModbusLine } from '../../src/simulator/modbus-line.ts';
import { openSerialLine, type SerialLine } from '../../src/simulator/serial-line.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

async function openPort(line: SerialLine): Promise<SerialPort> {
  const port = new SerialPort({ path: line.path, baudRate: 19_200, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
  return port;
}

const closePort = (port: SerialPort): Promise<void> => new Promise((resolve) => port.close(() => resolve()));

/** Waits until so many bytes have come. */
async function receive(port: SerialPort, length: number): Promise<Buffer> {
  let received = Buffer.alloc(0);
  while (received.length < length) {
    const [bytes] = (await once(port, 'data')) as [Buffer];
    received = Buffer.concat([received, bytes]);
  }
  return received;
}

describe('simulated serial line', () => {
  let line: SerialLine;
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'fieldmarshal-line-'));
    line = openSerialLine({ link: join(directory, 'line-1') });
  });

  afterEach(() => {
    line.close();
    rmSync(directory, { recursive: true });
  });

  it('passes every byte unchanged in both directions', async () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    line.listen((bytes) => line.send(bytes));
    const port = await openPort(line);
    port.write(all);
    assert.deepEqual(await receive(port, 256), all);
    await closePort(port);
  });

  it('loses what nobody reads, and is not held up by it', async () => {
    const before = await openPort(line);
    await closePort(before);
    for (let count = 0; count < 100; count += 1) line.send(Buffer.alloc(4_096, 0x55));
    await new Promise((resolve) => setTimeout(resolve, 10));
    const port = await openPort(line);
    port.flush();
    await closePort(port);
  });

  it('answers after the program has closed the port and opened it again', async () => {
    attachModbusLine(line, { units: new Map([[0x11, new SimulatedModbusDevice()]]) });
    for (let round = 0; round < 2; round += 1) {
      const port = await openPort(line);
      port.write(hex('11 03 00 6B 00 03 76 87'));
      assert.deepEqual((await receive(port, 11)).subarray(0, 9), hex('11 03 06 00 6B 00 6C 00 6D'));
      await closePort(port);
    }
  });

  it('takes the port away when it is unplugged, and is found under the same name again', async () => {
    attachModbusLine(line, { units: new Map([[1, new SimulatedModbusDevice()]]) });
    const port = await openPort(line);
    const lost = new Promise((resolve) => port.once('close', resolve));
    line.unplug();
    assert.equal(existsSync(line.path), false);
    port.on('error', () => {});
    port.write(hex('01'));
    await lost;

    line.plug();
    const again = await openPort(line);
    again.write(hex('01 06 00 01 00 03 98 0B'));
    assert.deepEqual(await receive(again, 8), hex('01 06 00 01 00 03 98 0B'));
    await closePort(again);
  });
});

describe('paced serial line', () => {
  it('takes at least the time that the characters need', async () => {
    const line = openSerialLine({ baudRate: 9_600 });
    attachModbusLine(line, { units: new Map([[1, new SimulatedModbusDevice()]]) });
    const port = await openPort(line);
    const startMs = performance.now();
    port.write(hex('01 03 00 00 00 0A C5 CD'));
    await receive(port, 25);
    const neededMs = ((8 + 25) * 11 * 1_000) / 9_600;
    assert.ok(performance.now() - startMs >= neededMs - 2, 'faster than the line');
    await closePort(port);
    line.close();
  });
});
