import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { type SerialPlant, startSerialPlant } from '../connectors/modbus/plant.ts';
import { exitOf } from '../support/run-cli.ts';
import { HOW_TO } from './peers/foreign-modbus-server.ts';

interface Polled {
  readonly code: number | null;
  /** What stands behind each `[address]:`, in order. */
  readonly values: readonly string[];
  readonly stderr: string;
}

const MISSING = (['holding', 'input', 'coil', 'discrete'] as const).map((table) => ({ table, from: 500, to: 599 }));
/** Every function that mbpoll has, at the edge of what is there: keys, and what is written. */
const AT_THE_EDGE: readonly (readonly [functionCode: number, keys: string, ...values: string[]])[] = [
  [1, '-t 0 -r 499 -c 2'],
  [2, '-t 1 -r 499 -c 2'],
  [3, '-t 4 -r 499 -c 2'],
  [4, '-t 3 -r 499 -c 2'],
  [5, '-t 0 -r 500', '1'],
  [6, '-t 4 -r 500', '1'],
  [15, '-t 0 -r 499', '1', '0'],
  [16, '-t 4 -r 499', '1', '2'],
];
/** What libmodbus calls them. */
const EXCEPTIONS: readonly (readonly [code: number, text: RegExp])[] = [
  [1, /Illegal function/],
  [2, /Illegal data address/],
  [3, /Illegal data value/],
  [4, /Slave device or server failure/],
  [5, /Acknowledge/],
  [6, /Slave device or server is busy/],
  [8, /Memory parity error/],
  [10, /Gateway path unavailable/],
  [11, /Target device failed to respond/],
];
const isHere = spawnSync('mbpoll', ['-V']).status === 0;

for (const framing of ['modbus-tcp', 'modbus-rtu'] as const) {
  const title = `the simulator on ${framing}, asked by mbpoll`;
  (isHere ? describe : describe.skip)(isHere ? title : `${title} (${HOW_TO})`, () => {
    let plant: SerialPlant;
    let server: ModbusTcpServer | undefined;
    let device: SimulatedModbusDevice;

    beforeEach(async () => {
      plant = startSerialPlant([7, 8], { missing: MISSING });
      const { units } = plant;
      server = framing === 'modbus-tcp' ? await startModbusTcpServer({ port: 0, units }) : undefined;
      const unit = units.get(7);
      assert.ok(unit);
      device = unit;
    });
    afterEach(async () => {
      await server?.close();
      await plant.dispose();
    });

    /** Once, counting from 0. `values` are written; without any it reads. */
    const poll = async (keys: string, ...values: readonly string[]): Promise<Polled> => {
      const place =
        server === undefined
          ? ['-m', 'rtu', '-b', '115200', '-P', 'none', plant.wire.path]
          : ['-m', 'tcp', '-p', String(server.port), '127.0.0.1'];
      const words = [...`-0 -1 -q -o 2 -a 7 ${keys}`.split(' '), ...place, ...(values.length === 0 ? [] : ['--', ...values])];
      const child = spawn('mbpoll', words, { stdio: ['ignore', 'pipe', 'pipe'] });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      const code = await exitOf(child);
      return { code, values: [...stdout.matchAll(/^\[\d+\]:\s+(\S+)/gm)].map(([, value = '']) => value), stderr };
    };
    const read = async (keys: string) => (await poll(keys)).values;
    const write = async (keys: string, ...values: readonly string[]) => (await poll(keys, ...values)).code;
    const lastFunction = () => device.requests.at(-1)?.[0];

    it('gives all four tables', async () => {
      device.memory.input.set([1, 2, 3], 100);
      device.memory.discrete.set([1, 1, 0], 100);
      assert.deepEqual(await read('-t 4 -r 100 -c 3'), ['100', '101', '102']);
      assert.deepEqual(await read('-t 3 -r 100 -c 3'), ['1', '2', '3']);
      assert.deepEqual(await read('-t 0 -r 99 -c 10'), ['1', '0', '1', '0', '1', '0', '1', '0', '1', '0']);
      assert.deepEqual(await read('-t 1 -r 100 -c 3'), ['1', '1', '0']);
      assert.deepEqual(
        device.requests.map(([code]) => code),
        [3, 4, 1, 2],
      );
    });

    it('gives 125 registers at once, up to the end of the table', async () => {
      const addresses = Array.from({ length: 125 }, (_, index) => String(65_411 + index));
      const values = await read('-t 4:hex -r 65411 -c 125');
      assert.deepEqual(
        values.map((value) => String(Number(value))),
        addresses,
      );
    });

    it('holds integers and floats of 32 bits in the order of words that was written', async () => {
      device.memory.holding.set([0xfffe, 0x7960, 0xe979, 0x42f6], 200);
      assert.deepEqual(await read('-t 4:int -B -r 200'), ['-100000']);
      assert.deepEqual(await read('-t 4:float -r 202'), ['123.456']);
      assert.equal(await write('-t 4:float -B -r 210', '123.456', '-1.5'), 0);
      assert.equal(await write('-t 4:int -r 220', '-100000'), 0);
      assert.deepEqual([...device.memory.holding.subarray(210, 214)], [0x42f6, 0xe979, 0xbfc0, 0]);
      assert.deepEqual([...device.memory.holding.subarray(220, 222)], [0x7960, 0xfffe]);
    });

    it('takes one register and many, one coil and many, each with its function', async () => {
      assert.equal(await write('-t 4 -r 10', '4711'), 0);
      assert.equal(lastFunction(), 6);
      assert.equal(await write('-t 4 -r 11', '1', '65535', '3'), 0);
      assert.equal(lastFunction(), 16);
      assert.equal(await write('-t 0 -r 20', '1'), 0);
      assert.equal(lastFunction(), 5);
      assert.equal(await write('-t 0 -r 21', '0', '1', '1', '0', '1', '0', '0', '1', '1'), 0);
      assert.equal(lastFunction(), 15);
      assert.deepEqual([...device.memory.holding.subarray(9, 15)], [9, 4711, 1, 65_535, 3, 14]);
      assert.deepEqual([...device.memory.coil.subarray(19, 31)], [1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0]);
      assert.equal(device.writeCount, 4);
    });

    for (const [functionCode, keys, ...values] of AT_THE_EDGE) {
      it(`refuses what it does not have: function ${functionCode}`, async () => {
        const refused = await poll(keys, ...values);
        assert.notEqual(refused.code, 0);
        assert.match(refused.stderr, /Illegal data address/);
        assert.equal(lastFunction(), functionCode);
        assert.deepEqual([device.memory.holding[499], device.memory.coil[499], device.writeCount], [499, 1, 0]);
      });
    }

    for (const [code, text] of EXCEPTIONS) {
      it(`says exception ${code} to reading and writing where it is told to`, async () => {
        (server ?? plant).faults.add({ kind: 'exception', code });
        assert.match((await poll('-t 4 -r 5')).stderr, text);
        assert.match((await poll('-t 0 -r 5', '1')).stderr, text);
        assert.equal(device.writeCount, 0);
      });
    }

    it('has units of its own, and none other', async () => {
      plant.units.get(8)?.memory.holding.set([88], 5);
      assert.deepEqual(await read('-t 4 -r 5 -a 7,8'), ['5', '88']);
      const absent = await poll('-t 4 -r 5 -a 9 -o 0.2');
      assert.notEqual(absent.code, 0);
      assert.match(absent.stderr, framing === 'modbus-tcp' ? /Target device failed to respond/ : /timed out/);
    });

    it('is understood byte by byte', async () => {
      const { faults } = server ?? plant;
      faults.add({ kind: 'bytewise', gapMs: 2 });
      assert.deepEqual(await read('-t 4 -r 5 -c 2'), ['5', '6']);
    });
  });
}
