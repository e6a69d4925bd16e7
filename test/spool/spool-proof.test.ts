import assert from 'node:assert/strict';
import { encodeMessage } from '../../src/spool/message-record.ts';
import { type LogProof, proveSpool } from '../../src/spool/spool-proof.ts';
import { viewSpool } from '../../src/spool/spool-view.ts';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, open, readAll, until } from './support/spool-fixture.ts';

const PLACE = { directory: '/spool', keys: [] };

/** At the log of telemetry. */
async function look(disk: SimulatedDisk): Promise<LogProof> {
  const { isSound, logs } = await proveSpool(await viewSpool({ ...PLACE, fileSystem: disk }));
  const proof = logs.find((log) => log.class === 'telemetry') ?? assert.fail();
  assert.equal(isSound, proof.isSound);
  return proof;
}

describe('a look into a spool from outside', () => {
  it('counts what waits for each hub, while a gateway runs on it', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk, hubs: ['cloud', 'historian'], compression: 'zstd' });
    await spool.append([1, 2, 3, 4].map((value) => draft('press', value, value === 1 ? ['cloud'] : ['cloud', 'historian'])));
    const [, second] = await readAll(spool.reader('cloud'));
    spool.reader('cloud').acknowledge(second ?? assert.fail());
    await spool.append([draft('meter', 5)]);
    await until(() => disk.paths('cursors-').some((path) => disk.content(path).includes('"messages":2')));
    const proof = await look(disk);
    assert.equal(proof.isSound, true);
    assert.deepEqual([proof.messages, proof.hubs.cloud?.waitingMessages, proof.hubs.historian?.waitingMessages], [5, 3, 3]);
    assert.equal(proof.hubs.cloud?.waitingReadings, 3);
    await spool.close();
  });

  it('names what is damaged and which numbers are missing by that, and changes nothing', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk });
    for (let value = 1; value <= 5; value += 1) await spool.append([draft('press', value)]);
    await spool.close();
    const [path = ''] = disk.paths('telemetry/segment-');
    const bytes = disk.content(path);
    const { body } = encodeMessage(draft('press', 3).message);
    bytes.write('!', bytes.indexOf(body));
    disk.overwrite(path, bytes);
    const before = disk.operations;
    const proof = await look(disk);
    assert.equal(disk.operations, before);
    assert.equal(proof.isSound, false);
    assert.deepEqual(
      proof.holes.map(({ from, to }) => [from, to]),
      [[3, 3]],
    );
    assert.equal(proof.damage[0]?.path, path);
  });

  it('takes a commit under way at the end for no damage', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk });
    await spool.append([draft('press', 1)]);
    await spool.append([draft('press', 2)]);
    await spool.close();
    const [path = ''] = disk.paths('telemetry/segment-');
    disk.overwrite(path, disk.content(path).subarray(0, -10));
    const proof = await look(disk);
    assert.deepEqual([proof.isSound, proof.messages], [true, 1]);
  });
});
