import assert from 'node:assert/strict';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, open, readAll, values } from './support/spool-fixture.ts';

const YEAR_MS = 365 * 86_400_000;
const NOW_MS = Date.UTC(2026, 0, 1);

describe('the age of what is in a spool', () => {
  for (const [name, clocks] of Object.entries({
    'jumps ten years ahead': [NOW_MS, NOW_MS + 10 * YEAR_MS],
    'jumps ten years back': [NOW_MS, NOW_MS - 10 * YEAR_MS],
    'starts in 1970 and is set then': [0, NOW_MS],
  })) {
    it(`is not touched by a clock that ${name}, in flow and over a restart`, async () => {
      const disk = new SimulatedDisk();
      let [nowMs = 0] = clocks;
      const options = { directory: '/spool', fileSystem: disk, maxAgeMs: 1_000_000, nowMs: () => nowMs };
      const first = await open(options);
      await first.append([draft('press', 1)]);
      nowMs = clocks[1] ?? 0;
      await first.append([draft('press', 2)]);
      await first.close();
      const second = await open(options);
      await second.append([draft('press', 3)]);
      nowMs = clocks[0] ?? 0;
      await second.append([draft('press', 4)]);
      assert.deepEqual(values(await readAll(second.reader('cloud'))), [1, 2, 3, 4]);
      assert.equal(second.status().counters.expired_messages, 0);
      await second.close();
    });
  }

  it('adds up over restarts', async () => {
    const disk = new SimulatedDisk();
    let monotonicMs = 0;
    const options = { directory: '/spool', fileSystem: disk, maxAgeMs: 16_000, monotonicMs: () => monotonicMs };
    for (let value = 1; value <= 6; value += 1) {
      const spool = await open(options);
      monotonicMs += 6_000;
      await spool.append([draft('press', value)]);
      await spool.close();
      monotonicMs = 0;
    }
    const spool = await open(options);
    await spool.append([draft('press', 7)]);
    const stored = values(await readAll(spool.reader('cloud')));
    assert.ok(!stored.includes(1) && stored.includes(6), `${stored}`);
    await spool.close();
  });
});
