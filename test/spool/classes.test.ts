import assert from 'node:assert/strict';
import type { Stored } from '../../src/model/twin-message.ts';
import type { SpoolReader } from '../../src/spool/spool.ts';
import { Receiver } from './support/reference.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, fail, gaps, ofKind, open, readAll, until, values } from './support/spool-fixture.ts';

const OPTIONS = { directory: '/spool', maxBytes: 128 * 1024 };
const PADDING = 'x'.repeat(800);
const telemetry = (value: number) => draft('press', value, ['cloud'], PADDING);
const property = (value: number) => ofKind('property', draft('press', value));
const alarm = (value: number) => ofKind('event', draft('press', value));

function told(stored: readonly Stored[]): readonly string[] {
  return stored.map(({ class: name, sequence, message }) => `${name} ${sequence} ${message.values.value?.[0]?.[1]}`);
}

async function readOn(reader: SpoolReader, times: number): Promise<readonly (readonly Stored[])[]> {
  const portions: (readonly Stored[])[] = [];
  while (portions.length < times) portions.push(await reader.read(1, AbortSignal.timeout(1_000)));
  return portions;
}

describe('the classes of a spool', () => {
  let disk: SimulatedDisk;

  beforeEach(() => {
    disk = new SimulatedDisk();
  });

  it('hand out the most urgent first, each in its own order with its own numbers', async () => {
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    await spool.append([telemetry(1), property(2), telemetry(3), alarm(4), alarm(5)]);
    const stored = await readAll(spool.reader('cloud'), 10);
    assert.deepEqual(told(stored), ['alarm 1 4', 'alarm 2 5', 'property 1 2', 'telemetry 1 1', 'telemetry 2 3']);
    assert.equal(new Set(stored.map(({ epoch }) => epoch)).size, 3, 'each has its own epoch');
    await spool.close();
  });

  it('let an alarm overtake telemetry that is being read', async () => {
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    await spool.append([telemetry(1), telemetry(2)]);
    const [first] = await readOn(spool.reader('cloud'), 1);
    await spool.append([alarm(3)]);
    assert.deepEqual(values((await readOn(spool.reader('cloud'), 2)).flat()), [3, 2]);
    assert.deepEqual(values(first ?? []), [1]);
    await spool.close();
  });

  it('never hold up the less urgent for ever, however many alarms there are', async () => {
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    await spool.append([telemetry(1), property(2), ...Array.from({ length: 100 }, (_, index) => alarm(index + 10))]);
    const names = (await readOn(spool.reader('cloud'), 20)).flat().map(({ class: name }) => name);
    assert.deepEqual(
      names.slice(0, 8),
      Array.from({ length: 8 }, () => 'alarm'),
    );
    assert.ok(names.includes('property') && names.includes('telemetry'));
    await spool.close();
  });

  it('keep alarms while telemetry overflows, and each to its share', async () => {
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    await spool.append([alarm(1), property(2)]);
    for (let value = 10; value < 410; value += 10) await spool.append(Array.from({ length: 10 }, (_, n) => telemetry(value + n)));
    const { classes, counters } = spool.status();
    assert.ok(classes.telemetry.bytes <= classes.telemetry.maxBytes);
    assert.deepEqual(
      [classes.alarm, classes.property].map((one) => one.counters.dropped_messages),
      [0, 0],
    );
    assert.equal(counters.dropped_messages, classes.telemetry.counters.dropped_messages);
    const stored = await readAll(spool.reader('cloud'), 10);
    assert.deepEqual(told(stored).slice(0, 2), ['alarm 1 1', 'property 1 2']);
    assert.ok(gaps(stored).length > 0);
    const receiver = new Receiver();
    receiver.take(stored);
    assert.deepEqual(receiver.unexplained(), []);
    await spool.close();
  });

  it('are acknowledged and rejected each by itself', async () => {
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    const reader = spool.reader('cloud');
    await spool.append([telemetry(1), telemetry(2), alarm(3)]);
    const [rejected, , last] = await readAll(reader, 10);
    await reader.reject(rejected ?? assert.fail(), 'rejected');
    reader.acknowledge(rejected ?? assert.fail());
    reader.rewind();
    const stored = await readAll(reader, 10);
    assert.deepEqual(told(stored), ['alarm 2 undefined', 'telemetry 1 1', 'telemetry 2 2']);
    assert.deepEqual([gaps(stored)[0]?.reason, gaps(stored)[0]?.fromSequence], ['rejected', 1]);
    reader.acknowledge(last ?? assert.fail());
    assert.equal(spool.status().hubs.cloud?.waitingMessages, 1);
    await spool.close();
  });

  it('tell once that their disk fails, and once that all of it has recovered', async () => {
    const spool = await open({ ...OPTIONS, fileSystem: disk });
    await spool.append([telemetry(1), property(2), alarm(3)]);
    disk.onOperation = fail('ENOSPC');
    const appended = spool.append([telemetry(4), property(5), alarm(6)]);
    await until(() => Object.values(spool.status().classes).every(({ state }) => state === 'degraded'));
    assert.deepEqual([spool.status().state, spool.status().error], ['degraded', 'ENOSPC']);
    disk.onOperation = () => {};
    await appended;
    await until(() => spool.status().state === 'ok');
    assert.deepEqual(
      spool.events.map(({ event }) => event),
      ['disk failed', 'disk recovered'],
    );
    await spool.close();
  });
});
