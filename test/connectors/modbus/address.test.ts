import assert from 'node:assert/strict';
import { modbusTcp } from '../../../connectors/modbus/definition.ts';
import { parseReference } from '../../../connectors/modbus/mapping/address.ts';

describe('Modbus addresses', () => {
  const REFERENCES: readonly (readonly [number | string, string | undefined, number?])[] = [
    [1, 'coil', 0],
    ['00001', 'coil', 0],
    ['000002', 'coil', 1],
    ['065536', 'coil', 65_535],
    [10_001, 'discrete', 0],
    [30_013, 'input', 12],
    [40_001, 'holding', 0],
    [49_999, 'holding', 9_998],
    [400_001, 'holding', 0],
    [465_536, 'holding', 65_535],
    [465_537, undefined],
    [40_000, undefined],
    [20_001, undefined],
    [0, undefined],
    [-5, undefined],
    [1.5, undefined],
    ['4x0001', undefined],
    [4_000_001, undefined],
  ];
  for (const [reference, table, number] of REFERENCES) {
    it(`reads the reference ${JSON.stringify(reference)} as ${table === undefined ? 'a mistake' : `${table} ${number}`}`, () => {
      assert.deepEqual(parseReference(reference), table === undefined ? undefined : { table, number });
    });
  }

  const refuse = (address: unknown) => modbusTcp.point.safeParse({ address }).error?.issues[0]?.message ?? 'accepted';

  it('tells whoever writes a bare 40001 how to write it', () => {
    assert.match(refuse(40_001), /\{ reference: 40001 \}/);
    assert.match(refuse('30013'), /\{ reference: 30013 \}/);
  });

  it('wants exactly one table', () => {
    assert.match(refuse({}), /exactly one/);
    assert.match(refuse({ holding: 1, coil: 1 }), /exactly one/);
    assert.match(refuse({ holding: 1, reference: 40_001 }), /exactly one/);
  });

  for (const address of [
    { holding: -1 },
    { holding: 65_537 },
    { holding: 1.5 },
    { holding: 1, bit: 16 },
    { register: 1 },
    'h1',
    null,
  ]) {
    it(`refuses ${JSON.stringify(address)}`, () => {
      assert.notEqual(refuse(address), 'accepted');
    });
  }
});
