import assert from 'node:assert/strict';
import { SimulatedModbusDevice } from '../../../../src/simulator/modbus-device.ts';
import { type ModbusMemory, putRegisters, uint64 } from '../../../../src/simulator/modbus-memory.ts';
import { startModbusTcpServer } from '../../../../src/simulator/modbus-tcp-server.ts';
import { record } from '../../../contract/connector.ts';
import { type PointSketch, planOf } from '../modbus-plan.ts';
import { openRig, type Rig } from '../rig.ts';

/** What registers may hold, and what a device may do with them while it is read. */
describe('Modbus registers with strange contents', () => {
  let dispose: () => Promise<void> = async () => {};
  afterEach(() => dispose());

  const start = async (
    points: Readonly<Record<string, PointSketch>>,
    program: (memory: ModbusMemory) => void = () => {},
    keys = {},
  ): Promise<Rig & { readonly device: SimulatedModbusDevice }> => {
    const device = new SimulatedModbusDevice({ program });
    const server = await startModbusTcpServer({ port: 0, units: new Map([[1, device]]) });
    const settings = { unit: 1, ...keys };
    const rig = await openRig(planOf('modbus-tcp', { host: '127.0.0.1', port: server.port }, { press: { settings, points } }));
    dispose = async () => {
      await rig.session.close();
      await server.close();
    };
    return { ...rig, device };
  };
  const uint16 = (holding: number) => ({ address: { holding }, type: 'uint16' as const, intervalMs: 20 });

  it('F46: a register map that changes makes the guilty points bad, and no others', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`);
    const { session, device } = await start(Object.fromEntries(names.map((name, index) => [name, uint16(index)])));
    const recorded = record(session);
    await recorded.wait(({ point, value }) => point.name === 'p19' && value === 19);
    device.missing = [{ table: 'holding', from: 3, to: 4 }];
    const from = recorded.batches.length;
    const guilty = () =>
      recorded.batches
        .slice(from)
        .at(-1)
        ?.readings.filter(({ quality }) => quality === 'bad')
        .map(({ point }) => point.name);
    while (guilty()?.join() !== 'p3,p4') await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(recorded.batches.at(-1)?.readings.length, names.length);
    for (const { readings } of recorded.batches) {
      for (const { point, quality, value } of readings) if (quality === 'good') assert.equal(value, Number(point.name.slice(1)));
    }
  });

  it('F47: numbers that are none, infinite, minus nothing or hardly there', async () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1.401298464324817e-45];
    const float = (index: number) => ({ address: { holding: 2 * index }, type: 'float32' as const });
    const { read, device } = await start(Object.fromEntries(values.map((_, index) => [`f${index}`, float(index)])));
    for (const [index, value] of values.entries()) {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatBE(value);
      putRegisters(device.memory.holding, 2 * index, bytes);
    }
    const readings = await read(...values.map((_, index) => `f${index}`));
    for (const [index, value] of values.slice(0, 4).entries()) assert.ok(Object.is(readings[index]?.value, value), String(value));
    assert.equal(Math.fround(Number(readings[4]?.value)), values[4]);
  });

  for (const maxRegistersPerRequest of [125, 4]) {
    it(`F48: words that change while they are read are never torn (${maxRegistersPerRequest} at once)`, async () => {
      let count = 0n;
      const counting = ({ holding }: ModbusMemory): void => {
        count += 1n;
        // The same in every word, so that words of two moments show.
        for (const address of [0, 4, 8, 12]) putRegisters(holding, address, uint64(count * 0x0001_0001_0001_0001n));
      };
      const counter = (holding: number) => ({ address: { holding }, type: 'uint64' as const });
      const points = { a: counter(0), b: counter(4), c: counter(8), d: counter(12) };
      const { read } = await start(points, counting, { maxRegistersPerRequest });
      for (let times = 0; times < 20; times += 1) {
        for (const { value } of await read('a', 'b', 'c', 'd')) assert.equal(BigInt(String(value)) % 0x0001_0001_0001_0001n, 0n);
      }
    });
  }

  it('F49: counters that wrap at 16, 32 and 64 bits are told as they are', async () => {
    const ends = [0xffff, 0xffff_ffff, 0xffff_ffff_ffff_ffffn] as const;
    const points = {
      w16: { address: { holding: 0 }, type: 'uint16' },
      w32: { address: { holding: 1 }, type: 'uint32' },
      w64: { address: { holding: 3 }, type: 'uint64' },
    } as const;
    const { read, device } = await start(points);
    const values = async () => (await read('w16', 'w32', 'w64')).map(({ value }) => value);
    device.memory.holding.fill(0xffff, 0, 7);
    assert.deepEqual(await values(), [...ends]);
    device.memory.holding.fill(0, 0, 7);
    assert.deepEqual(await values(), [0, 0, 0n]);
  });

  it('F51: text with NUL, with bytes that are no UTF-8, and of nothing', async () => {
    const text = (holding: number) => ({ address: { holding }, type: 'string' as const, length: 3 });
    const { read, device } = await start({ nul: text(0), latin: text(3), empty: text(6), blank: text(9) });
    const put = (address: number, bytes: readonly number[]) => putRegisters(device.memory.holding, address, Buffer.from(bytes));
    put(0, [0x61, 0x62, 0, 0x63, 0x64, 0]);
    put(3, [0x47, 0x72, 0xf6, 0xdf, 0x65, 0x20]);
    put(6, [0, 0, 0, 0, 0, 0]);
    put(9, [0x20, 0x20, 0x20, 0x20, 0x20, 0x20]);
    const readings = await read('nul', 'latin', 'empty', 'blank');
    assert.deepEqual(
      readings.map(({ value, quality }) => [value, quality]),
      [
        ['ab', 'good'],
        ['Gr\ufffd\ufffde', 'good'],
        ['', 'good'],
        ['', 'good'],
      ],
    );
  });
});
