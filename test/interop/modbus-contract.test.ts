import { createConnector } from '../../connectors/modbus/connector.ts';
import { pointNamed } from '../connectors/modbus/modbus-plan.ts';
import { type ConnectorFixture, describeConnector } from '../contract/connector.ts';
import { ForeignModbusPlant, modbusPeers } from './peers/foreign-modbus-plant.ts';

for (const { program, framing, title, describeHere } of modbusPeers()) {
  describeHere(title, () => {
    const fixture = async (): Promise<ConnectorFixture> => {
      const foreign = await ForeignModbusPlant.start(program, framing);
      const plan = foreign.planOf({
        power: { address: { holding: 1_990 }, type: 'int16', intervalMs: 50 },
        limit: { address: { holding: 1_994 }, type: 'uint16', intervalMs: 50, access: 'read-write' },
        alarm: { address: { coil: 3 }, intervalMs: 100 },
        // In reach of the two registers, and behind the end of the table.
        absent: { address: { holding: 2_001 }, type: 'uint16', intervalMs: 50, access: 'read-write' },
      });
      await foreign.ask('put holding int16 ABCD 1990 -7');
      await foreign.ask('put holding uint16 ABCD 1994 102');
      await foreign.ask('put coil boolean - 3 true');
      const find = (name: string) => pointNamed(plan, name);
      return {
        plan,
        create: createConnector,
        known: [
          [find('power'), -7],
          [find('limit'), 102],
          [find('alarm'), true],
        ],
        writable: { point: find('limit'), value: 1_500 },
        missing: find('absent'),
        change: async (value) => void (await foreign.ask(`put holding int16 ABCD 1990 ${value}`)),
        changed: 4_711,
        takeAway: () => foreign.takeAway(),
        bringBack: () => foreign.bringBack(),
        dispose: () => foreign.dispose(),
      };
    };
    describeConnector(framing, fixture, ['change', 'takeAway']);
  });
}
