import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { ConstantStatusCode, DataType } from 'node-opcua';
import { startOpcuaServer } from '../../support/opcua-server.ts';
import { Bench, Collected, FAST, makePlan, OPEN } from './support.ts';

describe('OPC UA status codes that only the vendor knows', () => {
  const bench = new Bench();
  beforeEach(() => bench.begin());
  afterEach(() => bench.end());

  const CODES = { good: 0x0abc_0000, uncertain: 0x4abc_0000, bad: 0x8abc_0000 };
  for (const [quality, code] of Object.entries(CODES)) {
    it(`are ${quality} where their severity says so, and nobody writes to the console`, async () => {
      const server = await startOpcuaServer();
      bench.onEnd(() => server.stop());
      const status = new ConstantStatusCode({ name: 'Vendor', value: code, description: '' });
      const warn = mock.method(console, 'warn', () => {});
      try {
        const all = new Collected(
          await bench.open(bench.connector(makePlan({ url: server.url, ...OPEN, ...FAST }, { press: { Speed: {} } }))),
        );
        await all.until('Speed');
        server.variable('Speed').setValueFromSource({ dataType: DataType.Double, value: 42 }, status);
        const told = await all.until('Speed', (reading) => reading.quality !== 'good' || reading.value === 42);
        const hex = `0x${code.toString(16).toUpperCase().padStart(8, '0')}`;
        assert.deepEqual([told.quality, told.value, told.status ?? hex], [quality, quality === 'bad' ? null : 42, hex]);
        assert.equal(warn.mock.callCount(), 0);
      } finally {
        warn.mock.restore();
      }
    });
  }
});
