import assert from 'node:assert/strict';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, gaps, open, readAll } from './support/spool-fixture.ts';

const HUBS = ['cloud', 'historian'];

describe('the oldest segments, deleted by somebody else', () => {
  it('are declared to every hub, whatever fails between two of them and however the gateway ends then', async () => {
    const before = new SimulatedDisk();
    const options = { directory: '/spool', hubs: HUBS, maxBytes: 256 * 1024 };
    const spool = await open({ ...options, fileSystem: before });
    for (let value = 1; value <= 60; value += 1) await spool.append([draft('press', value, HUBS, 'x'.repeat(800))]);
    await spool.close();
    const [oldest] = before.paths('telemetry/segment-');
    before.overwrite(oldest ?? '', undefined);
    for (let failing = 1; failing <= 8; failing += 1) {
      const disk = before.fork();
      const crashed: SimulatedDisk[] = [];
      let operations = 0;
      const one = await open({ ...options, fileSystem: disk });
      disk.onOperation = () => {
        operations += 1;
        if (operations > failing && crashed.length < 8) crashed.push(disk.fork());
        if (operations === failing) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      };
      await new Promise((resolve) => setTimeout(resolve, 200));
      await one.close();
      for (const [index, left] of crashed.entries()) {
        const again = await open({ ...options, fileSystem: left });
        await again.append([draft('press', 99, HUBS)]);
        for (const hub of HUBS) {
          const told = gaps(await readAll(again.reader(hub))).filter(({ toSequence }) => toSequence !== undefined);
          assert.ok(told.length > 0, `${hub}, ${failing}, ${index}`);
        }
        await again.close();
      }
    }
  }).timeout(30_000);
});
