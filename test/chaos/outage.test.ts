import assert from 'node:assert/strict';
import { countReadings, type TwinMessage } from '../../src/model/twin-message.ts';
import { SimulatedDisk } from '../spool/support/simulated-disk.ts';
import { open, readAll } from '../spool/support/spool-fixture.ts';
import { tell } from '../support/scenario/figures.ts';

const DAYS = 3;
const MINUTES = DAYS * 24 * 60;
const TWINS = ['press', 'meter', 'drive'];
const START_MS = Date.UTC(2026, 0, 1);

/** One message a minute; how many readings it holds changes, so that a count by messages alone would not do. */
function message(twin: string, minute: number): TwinMessage {
  const count = 1 + ((minute * 7 + twin.length) % 5);
  const values = Array.from({ length: count }, (_, index) => [index * 1_000, Math.sin(minute * 31 + index)] as const);
  return { twin, kind: 'telemetry', startTimeMs: START_MS + minute * 60_000, values: { value: values } };
}

describe('the cloud is away for three days and the spool is full', () => {
  const ways = ['drop-oldest', 'thin'] as const;
  for (const whenFull of ways) it(`what is missing is declared, to the reading (${whenFull})`, () => outage(whenFull));
});

async function outage(whenFull: 'drop-oldest' | 'thin'): Promise<void> {
  const disk = new SimulatedDisk();
  let minute = 0;
  const time = { nowMs: () => START_MS + minute * 60_000, monotonicMs: () => minute * 60_000 };
  const spool = await open({
    directory: '/spool',
    fileSystem: disk,
    maxBytes: 192 * 1024,
    whenFull,
    compression: 'zstd',
    ...time,
  });
  const sent = new Map(TWINS.map((twin) => [twin, 0]));
  for (; minute < MINUTES; minute += 1) {
    const messages = TWINS.map((twin) => message(twin, minute));
    for (const one of messages) sent.set(one.twin, (sent.get(one.twin) ?? 0) + countReadings(one));
    await spool.append(messages.map((one) => ({ message: one, hubs: ['cloud'] })));
    assert.ok(disk.bytes <= 192 * 1024, `${disk.bytes} bytes`);
  }
  const stored = await readAll(spool.reader('cloud'), 100);
  await spool.close();

  let [missing, declared] = [0, 0];
  for (const twin of TWINS) {
    const own = stored.filter(({ message: one }) => one.twin === twin);
    const arrived = own.reduce((sum, { message: one }) => sum + countReadings(one), 0);
    const told = own.reduce((sum, { message: one }) => sum + (one.gap?.readings ?? 0), 0);
    assert.equal(told, (sent.get(twin) ?? 0) - arrived, twin);
    missing += (sent.get(twin) ?? 0) - arrived;
    declared += told;
    const numbers = new Set(own.map(({ sequence }) => sequence));
    const gaps = own.flatMap(({ message: one }) => one.gap ?? []);
    for (let sequence = 1; sequence <= Math.max(...numbers); sequence += 1) {
      const telling = gaps.filter(({ fromSequence = 1, toSequence = 0 }) => fromSequence <= sequence && sequence <= toSequence);
      const isTold = telling.length > 0;
      // Of a range that was thinned a part was kept.
      if (numbers.has(sequence) && telling.every(({ reason }) => reason === 'thinned')) continue;
      assert.notEqual(
        numbers.has(sequence),
        isTold,
        `${twin} ${sequence} ${isTold ? 'arrived, and is declared' : 'is not declared'}`,
      );
    }
  }
  assert.ok(missing > 0, 'the bound was reached');
  tell({
    days: DAYS,
    'when full': whenFull,
    messages: MINUTES * TWINS.length,
    'readings missing': missing,
    'readings declared': declared,
  });
}
