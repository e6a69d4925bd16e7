import assert from 'node:assert/strict';
import fc from 'fast-check';
import { proposeNames } from '../../../connectors/opcua/mapping/point-names.ts';
import { isPointName } from '../../../src/config/names.ts';

describe('proposed point names', () => {
  const TABLE: readonly (readonly [paths: readonly string[], names: readonly string[]])[] = [
    [['Line 1/Oil Temperature'], ['oilTemperature']],
    [
      ['Oven/Temperature', 'Press/Temperature', 'Press/Speed'],
      ['ovenTemperature', 'pressTemperature', 'speed'],
    ],
    [
      ['PLCState', 'ÖlDruck', '2ndStage', 'A-1_b'],
      ['plcState', 'olDruck', 'p2ndStage', 'a1B'],
    ],
    [
      ['x/Same', 'x/Same'],
      ['xSame2', 'xSame3'],
    ],
    [['°'], ['point']],
  ];
  for (const [paths, names] of TABLE) {
    it(`names ${paths.join(' and ')}`, () => {
      assert.deepEqual(proposeNames(paths.map((path) => path.split('/'))), names);
    });
  }

  it('gives every path a name of its own that a twin takes', () => {
    const path = fc.array(fc.string({ unit: 'grapheme', maxLength: 80 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(path, { maxLength: 20 }), (paths) => {
        const names = proposeNames(paths);
        assert.deepEqual(
          names.filter((name) => !isPointName(name)),
          [],
        );
        assert.equal(new Set(names.map((name) => name.toLowerCase())).size, paths.length);
      }),
    );
  });
});
