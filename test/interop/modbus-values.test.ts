import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DataType } from '../../src/model/data-type.ts';
import type { Value } from '../../src/model/value.ts';
import { openRig, type Rig } from '../connectors/modbus/rig.ts';
import { valueRig } from '../connectors/modbus/value-rig.ts';
import { ForeignModbusPlant, modbusPeers, UNIT } from './peers/foreign-modbus-plant.ts';
import { pymodbus } from './peers/foreign-modbus-server.ts';

/** Debian's own, which has pymodbus where the peers are installed. */
const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(import.meta.resolve('./peers/register_vectors.py'));

interface Vector {
  readonly who: string;
  readonly keys: { readonly type: DataType } & Readonly<Record<string, unknown>>;
  readonly wire: string;
  readonly value: Value;
}

function parse(line: string): Vector {
  const [who, keys, wire, value] = JSON.parse(line) as [string, Vector['keys'], string, Value];
  const isWide = typeof value === 'string' && /^-?\d+n$/.test(value);
  return { who, keys, wire: wire.toUpperCase(), value: isWide ? BigInt(value.slice(0, -1)) : value };
}

/** What a float was rounded to is the same number, however few digits it is shown with. */
const ROUND: Partial<Record<DataType, (value: number) => number>> = { float16: Math.f16round, float32: Math.fround };

describe('values in Modbus registers, encoded by Python', () => {
  const words = pymodbus.whyNot === undefined ? ['pymodbus'] : [];
  const vectors = execFileSync(PYTHON, [SCRIPT, ...words], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(parse);
  const byKind = Map.groupBy(vectors, ({ who, keys }) => [who, keys.type, keys.encoding].filter(Boolean).join(' '));

  it(`has vectors of the payload builder, too${words.length > 0 ? '' : ` (${pymodbus.whyNot})`}`, function () {
    if (words.length === 0) this.skip();
    assert.ok([...byKind.keys()].includes('pymodbus float16'));
  });

  for (const [kind, samples] of byKind) {
    it(`are read and written the same: ${samples.length} of ${kind}`, () => {
      for (const { keys, wire, value } of samples) {
        const { read, encode } = valueRig(keys);
        const round = ROUND[keys.type];
        const seen = read(wire);
        const expected = round === undefined ? value : round(Number(value));
        assert.deepEqual(round === undefined ? seen : round(Number(seen)), expected, `${JSON.stringify(keys)} ${wire}`);
        assert.equal(encode(value).registers.toString('hex').toUpperCase(), wire, `${JSON.stringify(keys)} ${String(value)}`);
      }
    });
  }
});

for (const { program, framing, title, describeHere } of modbusPeers()) {
  describeHere(`${title}: functions 22 and 23`, () => {
    let plant: ForeignModbusPlant;
    let rig: Rig;

    beforeEach(async () => {
      plant = await ForeignModbusPlant.start(program, framing);
      rig = await openRig(
        plant.planOf(
          {
            bit: { address: { holding: 40, bit: 9 }, access: 'read-write' },
            mode: { address: { holding: 40, bits: [4, 7] }, access: 'read-write' },
            status: { address: { holding: 40 }, fields: { on: 0, code: [12, 15] }, access: 'read-write' },
            current: { address: { holding: 50 }, type: 'float32', access: 'read-write', writeWith: 'read-write' },
          },
          UNIT,
        ),
      );
      assert.equal(await plant.ask('put holding uint16 ABCD 40 43690'), 'ok');
    });
    afterEach(async () => {
      await rig.session.close();
      await plant.dispose();
    });

    it('changes bits where they are', async () => {
      assert.deepEqual(await rig.write('bit', false), { written: true });
      assert.deepEqual(await rig.write('mode', 5), { written: true });
      assert.deepEqual(await rig.write('status', { on: true, code: 3 }), { written: true });
      // 1010 1010 1010 1010, then 1010 1000 …, then … 0101 …, then 0011 … 1.
      assert.equal(await plant.ask('get holding uint16 ABCD 40'), String(0b0011_1000_0101_1011));
    });

    it('writes and reads back in one transaction', async () => {
      assert.deepEqual(await rig.write('current', 0.15625), { written: true });
      assert.equal(Number(await plant.ask('get holding float32 ABCD 50')), 0.15625);
    });
  });
}
