import assert from 'node:assert/strict';
import { getInterop } from '@digicatapult/dtdl-parser';
import fc from 'fast-check';
import { DATA_TYPES } from '../../src/model/data-type.ts';
import type { PointDescription, ValueType } from '../../src/model/point-description.ts';
import { dtdlInterface } from '../../src/twin-model/dtdl.ts';
import { allQuantities } from '../../src/twin-model/units.ts';
import { device } from '../northbound/plant.ts';

type Content = Readonly<Record<string, unknown>>;

const MODEL = 'dtmi:com:example:Press;1';

function contentsOf(points: readonly PointDescription[], version: 3 | 4): readonly Content[] {
  return dtdlInterface(MODEL, device('press-07'), points, version).contents as readonly Content[];
}

const point = (more: Partial<PointDescription>): PointDescription => ({ name: 'value', kind: 'telemetry', ...more });

const anyType: fc.Arbitrary<ValueType> = fc.oneof(
  fc.constantFrom(...DATA_TYPES),
  fc.constantFrom(...DATA_TYPES).map((element) => ({ element })),
  fc
    .dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,8}$/), fc.constantFrom(...DATA_TYPES), { minKeys: 1 })
    .map((fields) => ({ fields })),
);

const anyPoint = fc.record(
  {
    name: fc.stringMatching(/^[A-Za-z](?:[A-Za-z0-9_]{0,10}[A-Za-z0-9])?$/),
    kind: fc.constantFrom('telemetry' as const, 'property' as const),
    type: anyType,
    unit: fc.oneof(fc.constantFrom(...allQuantities().map(({ unit }) => unit)), fc.string({ maxLength: 64 })),
    description: fc.string({ unit: 'binary', maxLength: 1_000 }),
    write: fc.constant({}),
  },
  { requiredKeys: ['name', 'kind'] },
);

describe('DTDL, judged by the parser of Microsoft', () => {
  let parser: Awaited<ReturnType<typeof getInterop>>;

  before(async function () {
    this.timeout(60_000);
    parser = await getInterop();
  });

  for (const version of [3, 4] as const) {
    it(`takes every quantity that is known (v${version})`, function () {
      this.timeout(60_000);
      const points = allQuantities().map(({ unit }, index) => point({ name: `p${index}`, type: 'float64', unit }));
      parser.parse(JSON.stringify(dtdlInterface(MODEL, device('press-07'), points, version)));
    });

    it(`takes whatever points a mapping can have (v${version})`, function () {
      this.timeout(60_000);
      const anyPoints = fc.uniqueArray(anyPoint, { selector: ({ name }) => name, maxLength: 8 });
      fc.assert(
        fc.property(anyPoints, (points) => {
          parser.parse(JSON.stringify(dtdlInterface(MODEL, device('press-07'), points, version)));
        }),
        { numRuns: 50 },
      );
    });

    it(`takes words, events and methods (v${version})`, () => {
      const words = { 0: 'off', 1: '2nd gear', 2: '2nd-gear', 3: '_', 4: 'Ω' };
      const methods = [
        { name: 'stop', settings: {}, arguments: [] },
        { name: 'start', settings: {}, arguments: [{ name: 'program', type: 'uint16', isArray: true }] },
        { name: 'load', settings: {}, arguments: [{ name: 'part', type: 'structure', isArray: false }] },
      ] as const;
      const press = { ...device('press-07'), events: [{ name: 'overheated', settings: {} }], methods };
      const points = [point({ type: 'string', words }), point({ name: 'all', type: { element: 'string' }, words })];
      const model = dtdlInterface(MODEL, press, points, version);
      parser.parse(JSON.stringify(model));
      const commands = (model.contents as readonly Content[]).filter((content) => content['@type'] === 'Command');
      assert.deepEqual(
        commands.map((command) => ['request' in command, 'response' in command]),
        [
          [false, true],
          [true, true],
          [true, true],
        ],
      );
    });
  }

  it('refuses what is wrong, so that it is a judge', () => {
    const wrong = {
      ...dtdlInterface(MODEL, device('press-07'), [point({ type: 'uint16' })], 4),
      '@context': ['dtmi:dtdl:context;3'],
    };
    assert.throws(() => parser.parse(JSON.stringify(wrong)));
  });

  it('has the unsigned numbers of v4, and the next wider ones of v3', () => {
    const schemas = (version: 3 | 4) =>
      contentsOf(
        [point({ type: 'uint16' }), point({ name: 'b', type: 'uint32' }), point({ name: 'c', type: 'uint64' })],
        version,
      ).map(({ schema }) => schema);
    assert.deepEqual(schemas(4), ['unsignedShort', 'unsignedInteger', 'unsignedLong']);
    assert.deepEqual(schemas(3), ['integer', 'long', 'double']);
  });

  it('knows units by the words of DTDL and of UCUM, and keeps others as a comment', () => {
    const [celsius, ucum, odd] = contentsOf(
      [
        point({ type: 'float64', unit: 'degreeCelsius' }),
        point({ name: 'b', type: 'float64', unit: 'Cel' }),
        point({ name: 'c', type: 'float64', unit: 'strokesPerMinute' }),
      ],
      3,
    );
    assert.deepEqual([celsius?.['@type'], celsius?.unit], [['Telemetry', 'Temperature'], 'degreeCelsius']);
    assert.deepEqual([ucum?.['@type'], ucum?.unit], [['Telemetry', 'Temperature'], 'degreeCelsius']);
    assert.deepEqual([odd?.['@type'], odd?.comment], ['Telemetry', 'unit: strokesPerMinute']);
  });

  it('makes properties writable where they have `write:`', () => {
    const properties = contentsOf([point({ kind: 'property', write: {} }), point({ name: 'b', kind: 'property' })], 3);
    assert.deepEqual(
      properties.map(({ writable }) => writable),
      [true, false],
    );
  });
});
