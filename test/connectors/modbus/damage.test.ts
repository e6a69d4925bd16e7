import assert from 'node:assert/strict';
import { createConnector } from '../../../connectors/modbus/connector.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import type { Connector, ConnectorSession } from '../../../src/southbound/connector.ts';
import { pointNamed } from './modbus-plan.ts';
import { LINE_PROTOCOLS, type Plant, startPlant } from './plant.ts';
import { never } from './rig.ts';

const POINTS = { hundred: { address: { holding: 100 }, type: 'uint16' } } as const;

for (const protocol of LINE_PROTOCOLS) {
  describe(`${protocol}: a line whose speed is wrong`, () => {
    let plant: Plant;
    let connector: Connector;
    let session: ConnectorSession;
    let warnings: string[];
    let read: () => Promise<string | undefined>;

    beforeEach(async () => {
      plant = await startPlant(protocol);
      const plan = plant.planOf({ meter: { settings: { unit: 1 }, points: POINTS } }, { timeout: '1 s', retries: 0 });
      warnings = [];
      const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
      connector = createConnector(plan, { log, clock: systemClock, gatewayId: 'test', stateDirectory: '' });
      session = await connector.open(never);
      read = async () => (await session.read([pointNamed(plan, 'hundred')], never))[0]?.quality;
    });
    afterEach(async () => {
      await session.close();
      await plant.dispose();
    });

    const readAll = async (count: number) => {
      for (let tries = 0; tries < count; tries += 1) assert.notEqual(await read(), 'good');
      return connector.status().devices?.meter?.error?.message;
    };

    it('is told from a disturbed one: the status says what to check, and the log once', async () => {
      plant.faults.add({ kind: 'wrong-speed' });
      assert.match((await readAll(5)) ?? '', /nothing but damaged frames .* check baud rate, parity/);
      assert.deepEqual(warnings, ['nothing but damaged frames']);
    });

    it('is not what is thought of one that ever carried a frame', async () => {
      assert.equal(await read(), 'good');
      plant.faults.add({ kind: 'wrong-speed' });
      assert.match((await readAll(5)) ?? '', /a damaged answer/);
      assert.deepEqual(warnings, []);
    });
  });
}
