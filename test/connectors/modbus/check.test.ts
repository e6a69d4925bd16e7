import assert from 'node:assert/strict';
import { checkPlan } from '../../../connectors/modbus/checking/check.ts';
import { type PointSketch, planOf } from './modbus-plan.ts';

type Keys = Readonly<Record<string, unknown>>;

function remarks(points: Readonly<Record<string, PointSketch>>, settings: Keys = {}) {
  return checkPlan(planOf('modbus-tcp', { host: 'plc' }, { press: { settings, points } })).map(
    ({ severity, point, key }) => `${severity} ${point ?? ''} ${key ?? ''}`,
  );
}

const TABLE: readonly (readonly [what: string, point: PointSketch, expected: string, settings?: Keys])[] = [
  ['a register without a type', { address: { holding: 1 } }, 'error p type'],
  ['a coil that is no boolean', { address: { coil: 1 }, type: 'int16' }, 'error p type'],
  ['a bit that is no boolean', { address: { holding: 1, bit: 2 }, type: 'int16' }, 'error p type'],
  ['a bit of a coil', { address: { coil: 1, bit: 2 } }, 'error p address'],
  ['a boolean register without its bit', { address: { holding: 1 }, type: 'boolean' }, 'error p address'],
  ['a run of bits that is no uint16', { address: { holding: 1, bits: [0, 3] }, type: 'int16' }, 'error p type'],
  ['a run of bits of a coil', { address: { coil: 1, bits: [0, 3] } }, 'error p address'],
  ['a type that Modbus does not know', { address: { holding: 1 }, type: 'guid' }, 'error p type'],
  ['a dateTime without encoding', { address: { holding: 1 }, type: 'dateTime' }, 'error p type'],
  ['an encoding of another type', { address: { holding: 1 }, type: 'int16', encoding: 'latin1' }, 'error p encoding'],
  ['BCD with a sign', { address: { holding: 1 }, type: 'int16', encoding: 'bcd' }, 'error p encoding'],
  ['BCD of a float', { address: { holding: 1 }, type: 'float32', encoding: 'bcd' }, 'error p encoding'],
  ['a date-time of text', { address: { holding: 1 }, type: 'dateTime', encoding: 'utf8' }, 'error p encoding'],
  ['a format of a number', { address: { holding: 1 }, type: 'int16', format: 'YYYY MM DD' }, 'error p format'],
  [
    'a format beside epoch',
    { address: { holding: 1 }, type: 'dateTime', encoding: 'cp56time2a', format: 'YYYY MM DD' },
    'error p format',
  ],
  [
    'a BCD format of two digits',
    { address: { holding: 1 }, type: 'dateTime', encoding: 'bcd', format: 'YY MM DD' },
    'error p format',
  ],
  [
    'three registers of seconds',
    { address: { holding: 1 }, type: 'dateTime', encoding: 'epoch-seconds', length: 3 },
    'error p length',
  ],
  ['pairs of three registers', { address: { holding: 1 }, type: 'int48', wordOrder: 'big-endian-swapped' }, 'error p wordOrder'],
  ['fields of a signed number', { address: { holding: 1 }, type: 'int16', fields: { a: 1 } }, 'error p fields'],
  ['a field past the last bit', { address: { holding: 1 }, fields: { a: [12, 16] } }, 'error p fields'],
  ['fields beside a bit', { address: { holding: 1, bit: 1 }, fields: { a: 1 } }, 'error p fields'],
  ['fields beside bits', { address: { holding: 1, bits: [1, 2] }, fields: { a: 1 } }, 'error p address'],
  ['an array of fields', { address: { holding: 1 }, fields: { a: 1 }, count: 2 }, 'error p count'],
  ['fields of a BCD number', { address: { holding: 1 }, fields: { a: 1 }, encoding: 'bcd' }, 'error p encoding'],
  ['an array of bits', { address: { holding: 1, bit: 1 }, count: 2 }, 'error p count'],
  ['an array longer than an answer', { address: { holding: 1 }, type: 'int32', count: 63 }, 'error p count'],
  ['more coils than the device gives', { address: { coil: 1 }, count: 300 }, 'error p count', { maxBitsPerRequest: 256 }],
  ['an exponent of a float', { address: { holding: 1 }, type: 'float32', exponent: { holding: 5 } }, 'error p exponent'],
  ['an exponent of an array', { address: { holding: 1 }, type: 'int16', count: 2, exponent: { holding: 5 } }, 'error p count'],
  ['an exponent in another table', { address: { holding: 1 }, type: 'int16', exponent: { input: 5 } }, 'error p exponent'],
  ['an exponent too far away', { address: { holding: 1 }, type: 'int16', exponent: { holding: 126 } }, 'error p exponent'],
  ['a number that shall be an identification', { address: { identification: 'vendorName' }, type: 'int16' }, 'error p type'],
  ['writing an identification', { address: { identification: 'vendorName' }, access: 'read-write' }, 'error p write'],
  ['a number for absent text', { address: { holding: 1 }, type: 'string', length: 2, absent: 0 }, 'error p absent'],
  ['a string without length', { address: { holding: 1 }, type: 'string' }, 'error p length'],
  ['a length for a number', { address: { holding: 1 }, type: 'int16', length: 2 }, 'error p length'],
  ['an address past the last', { address: { holding: 65_536 }, type: 'int16' }, 'error p address'],
  ['a value over the end', { address: { holding: 65_535 }, type: 'float32' }, 'error p address'],
  [
    'address 0 where the device counts from one',
    { address: { holding: 0 }, type: 'int16' },
    'error p address',
    { addressBase: 1 },
  ],
  [
    'more registers than the device gives',
    { address: { holding: 1 }, type: 'float64' },
    'error p type',
    { maxRegistersPerRequest: 3 },
  ],
  ['40001 as a zero-based number', { address: { holding: 40_001 }, type: 'int16' }, 'warning p address'],
  ['30013 as a zero-based number', { address: { input: 30_013 }, type: 'int16' }, 'warning p address'],
  ['writing an input register', { address: { input: 1 }, type: 'int16', access: 'read-write' }, 'error p write'],
  ['writing a discrete input', { address: { discrete: 1 }, access: 'write' }, 'error p write'],
  [
    'a mask for a whole register',
    { address: { holding: 1 }, type: 'int16', access: 'write', writeWith: 'mask' },
    'error p writeWith',
  ],
  ['read-write of a bit', { address: { holding: 1, bit: 1 }, access: 'write', writeWith: 'read-write' }, 'error p writeWith'],
  ['read-write of a coil', { address: { coil: 1 }, access: 'write', writeWith: 'read-write' }, 'error p writeWith'],
  [
    'read-write of 122 registers',
    { address: { holding: 1 }, type: 'int16', count: 122, access: 'write', writeWith: 'read-write' },
    'error p count',
  ],
  ['writing 124 registers', { address: { holding: 1 }, type: 'string', length: 124, access: 'write' }, 'error p length'],
  [
    'writing two registers one by one',
    { address: { holding: 1 }, type: 'float32', access: 'write', writeWith: 'single' },
    'error p writeWith',
  ],
];

describe('checks of a Modbus mapping', () => {
  for (const [what, point, expected, settings] of TABLE) {
    it(`tells ${what}`, () => {
      assert.deepEqual(remarks({ p: point }, settings), [expected]);
    });
  }

  it('lets good points pass', () => {
    const points: Record<string, PointSketch> = {
      last: { address: { holding: 65_535 }, type: 'uint16' },
      counted: { address: { input: 65_536 }, type: 'uint16' },
      reference: { address: { reference: 40_001 }, type: 'uint16', access: 'read-write' },
      text: { address: { holding: 100 }, type: 'string', length: 125 },
      flag: { address: { holding: 300, bit: 15 }, access: 'read-write' },
      mode: { address: { holding: 300, bits: [8, 11] }, access: 'read-write' },
      half: { address: { holding: 301 }, type: 'int8', access: 'read-write' },
      status: { address: { holding: 302 }, type: 'uint32', fields: { on: 31 }, access: 'read-write', writeWith: 'multiple' },
      curve: { address: { holding: 310 }, type: 'float32', count: 24, access: 'read-write', writeWith: 'read-write' },
      outputs: { address: { coil: 1 }, count: 1_000, access: 'read-write' },
      power: { address: { input: 84 }, type: 'int16', exponent: { input: 80 } },
      apparent: { address: { input: 83 }, type: 'int16', exponent: { input: 80 } },
      maker: { address: { identification: 'vendorName' }, type: 'string' },
      clock: { address: { input: 90 }, type: 'dateTime', format: 'YYYY MMDD hhmm' },
    };
    assert.deepEqual(remarks(points, { addressBase: 1 }), []);
  });

  it('warns of points that overlap with different types', () => {
    const points: Record<string, PointSketch> = {
      a: { address: { holding: 0 }, type: 'float32' },
      b: { address: { holding: 1 }, type: 'uint16' },
    };
    assert.deepEqual(remarks(points), ['warning b address']);
  });

  it('takes the bits of a word, the word itself and one value under two names for granted', () => {
    const points: Record<string, PointSketch> = {
      word: { address: { holding: 0 }, type: 'uint16' },
      same: { address: { holding: 0 }, type: 'uint16' },
      bit0: { address: { holding: 0, bit: 0 }, access: 'read-write' },
      bit1: { address: { holding: 0, bit: 1 }, access: 'read-write' },
    };
    assert.deepEqual(remarks(points), []);
  });

  it('refuses two points that write the same register, even of two twins of one unit', () => {
    const point = (type: 'uint16' | 'float32'): PointSketch => ({ address: { holding: 4 }, type, access: 'read-write' });
    assert.deepEqual(remarks({ a: point('uint16'), b: point('float32') }), ['error b address']);
    const two = planOf(
      'modbus-tcp',
      { host: 'plc' },
      { one: { points: { a: point('uint16') } }, two: { points: { b: point('uint16') } } },
    );
    assert.deepEqual(
      checkPlan(two).map(({ severity, device }) => [severity, device]),
      [['error', 'two']],
    );
    const others = planOf(
      'modbus-tcp',
      { host: 'plc' },
      {
        one: { settings: { unit: 1 }, points: { a: point('uint16') } },
        two: { settings: { unit: 2 }, points: { b: point('uint16') } },
      },
    );
    assert.deepEqual(checkPlan(others), []);
  });

  it('refuses to read what must not be read', () => {
    const point: PointSketch = { address: { holding: 4 }, type: 'float32' };
    assert.deepEqual(remarks({ p: point }, { doNotRead: [{ holding: [5, 9] }] }), ['error p address']);
    assert.deepEqual(remarks({ p: point }, { doNotRead: [{ holding: [6, 9] }, { input: [4, 5] }] }), []);
    assert.deepEqual(remarks({ p: point }, { doNotRead: [{ holding: [6, 6] }], addressBase: 1 }), []);
  });

  const GROUPS: readonly (readonly [what: string, second: PointSketch, why: RegExp, settings?: Keys])[] = [
    ['in two tables', { address: { input: 1 }, type: 'int16' }, /a is in holding, b in input/],
    ['at two intervals', { address: { holding: 1 }, type: 'int16', intervalMs: 50 }, /a is read every 1000 ms, b every 50 ms/],
    ['too far apart', { address: { holding: 125 }, type: 'int16' }, /holding 0 to 125 are 126 registers, one request holds 125/],
    [
      'with something forbidden between',
      { address: { holding: 9 }, type: 'int16' },
      /`doNotRead` forbids cells within holding 0 to 9/,
      { doNotRead: [{ holding: [4, 4] }] },
    ],
  ];
  for (const [what, second, why, settings = {}] of GROUPS) {
    it(`tells points that shall be read together but are ${what}`, () => {
      const together = 'energy';
      const points = { a: { address: { holding: 0 }, type: 'int16', together } as const, b: { ...second, together } };
      const [remark, ...others] = checkPlan(planOf('modbus-tcp', { host: 'plc' }, { press: { settings, points } }));
      assert.deepEqual([remark?.severity, remark?.point, remark?.key, others], ['error', 'b', 'together', []]);
      assert.match(remark?.message ?? '', why);
    });
  }

  it('lets points be read together that are, even over cells that no point wants', () => {
    const together = 'energy';
    const points: Record<string, PointSketch> = {
      a: { address: { holding: 0 }, type: 'int64', together },
      b: { address: { holding: 100 }, type: 'int16', together },
    };
    assert.deepEqual(remarks(points, { readUnwanted: false }), []);
  });

  const BROADCASTS: readonly (readonly [what: string, point: PointSketch, expected: readonly string[]])[] = [
    ['whole registers', { address: { holding: 1 }, type: 'int16', access: 'read-write' }, []],
    ['a bit that the units change themselves', { address: { holding: 1, bit: 2 }, access: 'read-write' }, []],
    ['what is not written', { address: { holding: 1 }, type: 'int16' }, ['error p broadcast']],
    [
      'a bit in what one unit holds',
      { address: { holding: 1, bit: 2 }, access: 'read-write', writeWith: 'single' },
      ['error p broadcast'],
    ],
    [
      'a number beside an exponent',
      { address: { holding: 1 }, type: 'int16', exponent: { holding: 2 }, access: 'read-write' },
      ['error p broadcast'],
    ],
    [
      'what is read back at once',
      { address: { holding: 1 }, type: 'int16', access: 'read-write', writeWith: 'read-write' },
      ['error p broadcast'],
    ],
  ];
  for (const [what, point, expected] of BROADCASTS) {
    it(`${expected.length === 0 ? 'lets be' : 'refuses'} broadcast: ${what}`, () => {
      const plan = planOf('modbus-rtu-over-tcp', { host: 'plc' }, { m: { points: { p: { ...point, broadcast: true } } } });
      assert.deepEqual(
        checkPlan(plan).map(({ severity, point: name, key }) => `${severity} ${name} ${key}`),
        expected,
      );
    });
  }

  it('refuses a broadcast over Modbus TCP, which knows none', () => {
    const point: PointSketch = { address: { holding: 1 }, type: 'int16', access: 'read-write', broadcast: true };
    assert.deepEqual(remarks({ p: point }), ['error p broadcast']);
  });

  const load = (meters: number, intervalMs: number, baudRate = 9_600) => {
    const points = { v: { address: { holding: 0 }, type: 'string', length: 50, intervalMs } as const };
    const devices = Array.from(
      { length: meters },
      (_, index) => [`m${index}`, { settings: { unit: index + 1 }, points }] as const,
    );
    return checkPlan(planOf('modbus-rtu', { port: '/dev/serial/by-id/x', baudRate }, Object.fromEntries(devices)));
  };

  it('refuses poll intervals that the line cannot keep, with the numbers', () => {
    const [remark] = load(8, 1_000);
    assert.equal(remark?.severity, 'error');
    assert.match(
      remark?.message ?? '',
      /110 % of a line of 9600 baud \(8\.0 requests a second, even of devices that answer at once/,
    );
  });

  it('warns of a line that has little time left when devices think, and says nothing of one that has enough', () => {
    const [remark] = load(6, 1_000);
    assert.equal(remark?.severity, 'warning');
    assert.match(remark?.message ?? '', /85 % of a line .* of devices that answer after 5 ms/);
    assert.deepEqual(load(4, 1_000), []);
    assert.deepEqual(load(8, 1_000, 115_200), []);
  });

  it('warns of a port name that changes with the order of plugging', () => {
    const plan = planOf('modbus-rtu', { port: '/dev/ttyUSB0' }, {});
    assert.deepEqual(
      checkPlan(plan).map(({ severity, key }) => [severity, key]),
      [['warning', 'port']],
    );
  });
});
