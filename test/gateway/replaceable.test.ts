import assert from 'node:assert/strict';
import { ReplaceableConnection } from '../../src/gateway/replaceable.ts';
import type { ConnectionPlan } from '../../src/model/plan.ts';
import type { Acquisition } from '../../src/southbound/acquisition.ts';
import type { Connector } from '../../src/southbound/connector.ts';
import { press } from '../commands/plant.ts';

describe('a connection whose plan becomes another one', () => {
  it('does so again after a connector that could not be made', async () => {
    const device = press([]);
    const plan = { name: 'line', devices: [device] } as unknown as ConnectionPlan;
    const connector = {} as Connector;
    const acquired: ConnectionPlan[] = [];
    let failures = 1;
    const connection = new ReplaceableConnection(plan, {
      connector,
      create: async () => {
        if (failures-- > 0) throw new Error('no certificate');
        return connector;
      },
      acquire: (_connector, of) => {
        acquired.push(of);
        return { done: Promise.resolve() } as Acquisition;
      },
    });
    await assert.rejects(connection.replaceDevice(device, true), /no certificate/);
    await connection.replaceDevice(device, true);
    assert.equal(acquired.length, 2);
  });
});
