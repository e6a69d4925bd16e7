import assert from 'node:assert/strict';
import { FuzzClock } from '../../support/fuzz-clock.ts';
import { memoryWire } from './fuzz/memory-wire.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a Modbus TCP connection whose device answers too late', () => {
  it('knows the newest requests it has given up, and no more of them the longer it lasts', async () => {
    const clock = new FuzzClock();
    const { wire, takeSent, deliver, counter } = memoryWire('modbus-tcp', clock);
    const asked: Buffer[] = [];
    for (let request = 0; request < 400; request += 1) {
      const outcome = wire.exchange({ function: 3, unit: 1, address: 0, count: 1 }).catch(() => {});
      await turn();
      asked.push(takeSent());
      while (!(await Promise.race([outcome.then(() => true), turn().then(() => false)]))) await clock.jump();
    }
    for (const sent of asked) deliver(Buffer.from([...sent.subarray(0, 2), 0, 0, 0, 5, 1, 3, 2, 0, 7]));
    assert.equal(counter('timeouts'), 400);
    assert.deepEqual([counter('foreign_frames'), counter('late_replies')], [144, 256]);
  });
});
