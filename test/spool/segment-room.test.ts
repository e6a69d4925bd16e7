import assert from 'node:assert/strict';
import { viewSpool } from '../../src/spool/spool-view.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, fail, numbers, open, readAll } from './support/spool-fixture.ts';

const ROOM_BYTES = 64 * 1024;
const SEGMENT = '/spool/telemetry/segment-0000000000000001.log';

describe('room ahead of the log', () => {
  let disk: SimulatedDisk;
  beforeEach(() => {
    disk = new SimulatedDisk(() => 0.9);
  });

  const start = (on = disk) => open({ directory: '/spool', fileSystem: on });
  const sizeOf = (on = disk) => on.content(SEGMENT).length;

  it('takes small commits, so that the file does not grow with each, and is gone after a stop', async () => {
    const spool = await start();
    await spool.append([draft('press', 1)]);
    const bytes = sizeOf();
    assert.ok(bytes > ROOM_BYTES);
    for (let value = 2; value <= 100; value += 1) await spool.append([draft('press', value)]);
    assert.equal(sizeOf(), bytes);
    assert.equal(spool.status().classes.telemetry.bytes, disk.bytes - otherBytes());
    await spool.close();
    assert.ok(sizeOf() < bytes - ROOM_BYTES / 2);
    assert.notEqual(disk.content(SEGMENT).at(-1), 0);
  });

  it('is not made behind large commits', async () => {
    const spool = await start();
    await spool.append([draft('press', 1, ['cloud'], 'x'.repeat(100_000))]);
    assert.ok(sizeOf() < 101_000);
    await spool.close();
  });

  it('is nothing that was lost, when the power is cut', async () => {
    const spool = await start();
    await spool.append([draft('press', 1), draft('press', 2)]);
    const survivor = disk.cutPower();
    await spool.close();
    const again = await start(survivor);
    assert.deepEqual([again.events, survivor.paths('quarantine')], [[], []]);
    assert.ok(sizeOf(survivor) < 1_000);
    await again.append([draft('press', 3)]);
    const stored = await readAll(again.reader('cloud'));
    assert.deepEqual(
      stored.map(({ sequence }) => sequence),
      [1, 2, 3],
    );
    await again.close();
  });

  it('is no part of a torn commit that is set aside', async () => {
    const spool = await start();
    for (const value of [1, 2, 3]) await spool.append([draft('press', value)]);
    const bytes = disk.content(SEGMENT);
    const torn = bytes.indexOf('FMR1', bytes.lastIndexOf('FMR1'));
    bytes.fill(0, torn + 60);
    const survivor = disk.fork();
    survivor.overwrite(SEGMENT, bytes);
    for (const path of survivor.paths('cursors-')) survivor.overwrite(path, undefined);
    await spool.close();
    const again = await start(survivor);
    assert.deepEqual(
      again.events.map(({ event, fields }) => [event, fields.bytes]),
      [['torn tail cut off', 60]],
    );
    assert.equal(survivor.paths('quarantine').map((path) => survivor.content(path).length)[0], 60);
    await again.append([draft('press', 4)]);
    assert.deepEqual(numbers(await readAll(again.reader('cloud'))), [1, 2, 4]);
    await again.close();
  });

  it('is no damage in a segment in which it was left', async () => {
    const options = { directory: '/spool', fileSystem: disk, maxBytes: 256 * 1024 };
    const spool = await open(options);
    for (let value = 1; value <= 60; value += 1) await spool.append([draft('press', value, ['cloud'], 'x'.repeat(500))]);
    await spool.close();
    const [path = ''] = disk.paths('telemetry/segment-');
    disk.overwrite(path, Buffer.concat([disk.content(path), Buffer.alloc(ROOM_BYTES)]));
    const again = await open(options);
    assert.equal((await readAll(again.reader('cloud'))).length, 60);
    assert.deepEqual([again.events, again.status().counters.corrupt_records], [[], 0]);
    await again.close();
  });

  it('may fail to be made: the commit counts', async () => {
    const spool = await start();
    let refused = 0;
    disk.shortWrite = (_, length) => {
      if (length < ROOM_BYTES) return length;
      refused += 1;
      return fail('ENOSPC')();
    };
    await spool.append([draft('press', 1)]);
    assert.equal(refused, 1);
    assert.deepEqual([spool.status().counters.write_errors, spool.events], [0, []]);
    assert.ok(sizeOf() < 1_000);
    await spool.close();
  });

  it('is not seen by who looks into the spool of a running gateway', async () => {
    const spool = await start();
    await spool.append([draft('press', 1)]);
    const { logs } = await viewSpool({ directory: '/spool', fileSystem: disk, keys: [] });
    const found: string[] = [];
    for (const log of logs) for await (const item of log.items()) found.push(item.found);
    assert.deepEqual(found, ['message']);
    await spool.close();
  });

  it('leaves it to the messages to tell when the last of them was committed', async () => {
    const nowMs = () => Date.UTC(2026, 0, 1);
    const spool = await open({ directory: '/spool', fileSystem: disk, nowMs });
    assert.equal(spool.lastCommitMs, undefined);
    await spool.append([draft('press', 1)]);
    const survivor = disk.cutPower();
    await spool.close();
    const again = await start(survivor);
    assert.equal(again.lastCommitMs, nowMs());
    await again.close();
  });

  function otherBytes(): number {
    const others = disk.paths('/spool').filter((path) => !path.startsWith('/spool/telemetry/'));
    return others.reduce((sum, path) => sum + disk.content(path).length, 0);
  }
});
