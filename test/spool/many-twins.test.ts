import assert from 'node:assert/strict';
import { Receiver } from './support/reference.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, open, readAll } from './support/spool-fixture.ts';

const TWINS = 1_000;
const MAX_BYTES = 2 * 2 ** 20;

describe('a full spool of a thousand twins', () => {
  it('stays within its bytes with a gap record for each, and claims exactly what is missing', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk, maxBytes: MAX_BYTES });
    for (let round = 0; round < 12; round += 1) {
      for (let first = 0; first < TWINS; first += 100) {
        await spool.append(Array.from({ length: 100 }, (_, n) => draft(`twin-${first + n}`, round, ['cloud'], 'x'.repeat(50))));
        assert.ok(disk.bytes <= MAX_BYTES, `${disk.bytes} bytes`);
      }
    }
    const receiver = new Receiver();
    receiver.take(await readAll(spool.reader('cloud'), 50));
    assert.ok(receiver.missingCount() > TWINS);
    assert.deepEqual(receiver.unexplained(), []);
    assert.deepEqual(receiver.overclaimed(), []);
    assert.equal(receiver.declaredCount(), receiver.missingCount());
    await spool.close();
  }).timeout(20_000);
});
