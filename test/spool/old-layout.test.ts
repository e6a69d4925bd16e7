import assert from 'node:assert/strict';
import { FreeSpace } from '../../src/spool/free-space.ts';
import { openClass } from '../../src/spool/open-class.ts';
import { logOptionsOf } from '../../src/spool/spool-options.ts';
import { viewSpool } from '../../src/spool/spool-view.ts';
import { Turns } from '../../src/spool/turns.ts';
import { PowerCut, SimulatedDisk } from './support/simulated-disk.ts';
import { draft, type Opened, ofKind, open, readAll, values } from './support/spool-fixture.ts';

const OPTIONS = { directory: '/spool', maxBytes: 256 * 1024 };
const DRAFTS = [1, 2, 3, 4, 5, 6].map((value) => ofKind(value % 2 === 0 ? 'property' : 'telemetry', draft('press', value)));

/** As a gateway left it that had one log for everything, in the directory of the spool; the hub has acknowledged two. */
async function oldDisk(): Promise<SimulatedDisk> {
  const fileSystem = new SimulatedDisk();
  const events = { hubs: ['cloud'], onEvent: () => {}, maxAgeMs: 86_400_000, commitWindowMs: 0 };
  const options = { ...logOptionsOf({ ...OPTIONS, ...events }, 'alarm'), directory: '/spool' };
  const lock = { sign: async () => {}, release: async () => {} };
  const freeSpace = new FreeSpace({ fileSystem, directory: '/spool', keepFreeBytes: 0, monotonicMs: () => 0, onEvent: () => {} });
  const log = await openClass({ options, spoolDirectory: '/', fileSystem, turns: new Turns('/spool'), lock, freeSpace });
  await log.append(DRAFTS);
  const taken = await log.reader('cloud').take(1 << 20);
  log.reader('cloud').acknowledge(taken === 'later' ? 0 : (taken[1]?.offset ?? 0));
  await log.close();
  assert.ok(fileSystem.paths().every((path) => /^\/spool\/[a-z0-9.-]+$/.test(path)));
  return fileSystem;
}

async function readNew(spool: Opened): Promise<readonly unknown[]> {
  await spool.append([draft('press', 7)]);
  const stored = await readAll(spool.reader('cloud'), 10);
  assert.equal(new Set(stored.map(({ epoch }) => epoch)).size, 1, 'the epoch goes on');
  assert.deepEqual(
    stored.map(({ sequence }) => sequence),
    values(stored),
    'the numbers go on',
  );
  return values(stored);
}

describe('a spool of the layout before there were classes', () => {
  it('is taken over as the log of telemetry, with its numbers and cursors', async () => {
    const fileSystem = await oldDisk();
    const spool = await open({ ...OPTIONS, fileSystem });
    assert.deepEqual(await readNew(spool), [3, 4, 5, 6, 7]);
    assert.deepEqual(fileSystem.paths('/spool/segment-'), []);
    assert.deepEqual(
      spool.events.map(({ event }) => event),
      ['old log taken over'],
    );
    await spool.close();
    const again = await open({ ...OPTIONS, fileSystem });
    assert.deepEqual(again.events, []);
    await again.close();
  });

  it('loses nothing whenever the power goes while it is taken over', async () => {
    const base = await oldDisk();
    const cutAt = async (operation: number): Promise<boolean> => {
      const disk = base.fork();
      let isCut = false;
      disk.onOperation = (count) => {
        isCut ||= count === operation;
        if (isCut) throw new PowerCut('now');
      };
      const first = await open({ ...OPTIONS, fileSystem: disk }).catch(() => undefined);
      await first?.close();
      const again = await open({ ...OPTIONS, fileSystem: disk.cutPower() });
      assert.deepEqual(await readNew(again), [3, 4, 5, 6, 7], `operation ${operation}`);
      await again.close();
      return isCut;
    };
    let operation = 1;
    while (await cutAt(operation)) operation += 1;
    assert.ok(operation > 8, `${operation} operations`);
  });

  it('is left where it is, and told, where a newer gateway had run before', async () => {
    const fileSystem = await oldDisk();
    const newer = await open({ ...OPTIONS, directory: '/other', fileSystem });
    await newer.append([draft('press', 1)]);
    await newer.close();
    for (const path of fileSystem.paths('/other/')) await fileSystem.rename(path, path.replace('/other/', '/spool/'));
    const spool = await open({ ...OPTIONS, fileSystem });
    assert.deepEqual(
      spool.events.map(({ event }) => event),
      ['old log ignored'],
    );
    assert.deepEqual(values(await readAll(spool.reader('cloud'), 10)), [1]);
    assert.ok(fileSystem.paths('/spool/segment-').length > 0);
    await spool.close();
  });

  it('can be looked into before any newer gateway has started on it', async () => {
    const { logs } = await viewSpool({ directory: '/spool', fileSystem: await oldDisk(), keys: [] });
    const found: unknown[] = [];
    for await (const item of logs[0]?.items() ?? []) if (item.found === 'message') found.push(item.message.kind);
    assert.equal(found.length, 6);
  });
});
