import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { checkPlan } from '../../../connectors/modbus/checking/check.ts';
import { modbusRtu, modbusRtuOverTcp, modbusTcp } from '../../../connectors/modbus/definition.ts';
import { createCounters } from '../../../connectors/modbus/protocol/counters.ts';
import { Secret } from '../../../src/model/secret.ts';
import { type PointSketch, planOf } from './modbus-plan.ts';
import type { Protocol } from './plant.ts';

const README = readFileSync(new URL('../../../connectors/modbus/README.md', import.meta.url), 'utf8');
const SECRET = { tag: '!secret', resolve: (name: string) => new Secret(name, Buffer.alloc(0)) };
const EXAMPLES = [...README.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
  ([, text = '']) => parse(text, { customTags: [SECRET] }) as Mapping,
);

interface Mapping {
  readonly twin: string;
  readonly connection: { readonly protocol: string } & Readonly<Record<string, unknown>>;
  readonly points: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Keys that every point may have, whatever its protocol. */
const COMMON = ['type', 'interval', 'scale', 'labels', 'as', 'write'];

describe('README of the Modbus connector', () => {
  it('has examples', () => assert.ok(EXAMPLES.length >= 2));

  for (const { twin, connection, points } of EXAMPLES) {
    it(`shows an example that is right (${twin})`, () => {
      const definition = [modbusTcp, modbusRtu, modbusRtuOverTcp].find(({ protocol }) => protocol === connection.protocol);
      assert.ok(definition !== undefined);
      const { protocol, ...keys } = connection;
      definition.connection.extend(definition.device.shape).strict().parse(keys);
      for (const point of Object.values(points)) {
        const own = Object.entries(point).filter(([key]) => !COMMON.includes(key));
        definition.point.strict().parse(Object.fromEntries(own));
      }
      const sketches = Object.entries(points).map(([name, point]) => {
        const own = Object.entries(point).filter(([key]) => key === 'type' || !COMMON.includes(key));
        return [name, { ...Object.fromEntries(own), access: 'write' in point ? 'read-write' : 'read' } as PointSketch] as const;
      });
      const plan = planOf(protocol as Protocol, keys, { [twin]: { settings: keys, points: Object.fromEntries(sketches) } });
      assert.deepEqual(checkPlan(plan), []);
    });
  }

  it('explains counters that exist', () => {
    const counters = Object.keys(createCounters().values());
    const named = [...README.matchAll(/`([a-z]+_[a-z]+s)`/g)].map(([, name = '']) => name);
    assert.ok(named.length > 3);
    for (const name of named) assert.ok(counters.includes(name), name);
  });
});
