import { createConnector } from '../../../connectors/modbus/connector.ts';
import { type ConnectorFixture, describeConnector } from '../../contract/connector.ts';
import { pointNamed } from './modbus-plan.ts';
import { PROTOCOLS, startPlant } from './plant.ts';

for (const protocol of PROTOCOLS) {
  const fixture = async (): Promise<ConnectorFixture> => {
    const missing = [{ table: 'holding', from: 500, to: 599 }] as const;
    const plant = await startPlant(protocol, [7], { missing });
    const plan = plant.planOf(
      {
        'meter-7': {
          settings: { unit: 7 },
          points: {
            power: { address: { holding: 100 }, type: 'int16', intervalMs: 50 },
            limit: { address: { holding: 102 }, type: 'uint16', intervalMs: 50, access: 'read-write' },
            limits: { address: { holding: 110 }, type: 'int16', count: 3, intervalMs: 100, access: 'read-write' },
            alarm: { address: { coil: 3 }, intervalMs: 100 },
            absent: { address: { holding: 500 }, type: 'uint16', intervalMs: 100, access: 'read-write' },
          },
        },
      },
      { timeout: '500 ms' },
    );
    const find = (name: string) => pointNamed(plan, name);
    return {
      plan,
      create: createConnector,
      known: [
        [find('power'), 100],
        [find('limit'), 102],
        [find('alarm'), true],
      ],
      writable: { point: find('limit'), value: 1_500 },
      missing: find('absent'),
      change: (value) => {
        plant.units.get(7)?.memory.holding.fill(Number(value), 100, 101);
      },
      changed: 4_711,
      takeAway: () => plant.takeAway(),
      bringBack: () => plant.bringBack(),
      compound: { point: find('limits'), value: [1, -2, 3] },
      dispose: () => plant.dispose(),
    };
  };
  describeConnector(protocol, fixture, ['change', 'takeAway', 'compound']);
}
