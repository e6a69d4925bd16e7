import assert from 'node:assert/strict';
import { SimulatedDisk } from './support/simulated-disk.ts';
import { draft, type Opened, open, readWhatIsThere } from './support/spool-fixture.ts';

const HUBS = ['cloud', 'historian'];

describe('since when the oldest message of a hub waits', () => {
  let nowMs: number;
  let disk: SimulatedDisk;
  let spool: Opened;

  const reopen = async (): Promise<void> => {
    spool = await open({ directory: '/spool', fileSystem: disk, hubs: HUBS, nowMs: () => nowMs });
  };
  const appendAt = async (atMs: number, hubs: readonly string[] = HUBS): Promise<void> => {
    nowMs = atMs;
    await spool.append([draft('press', atMs, hubs)]);
  };
  const deliver = async (hub: string, most = Number.POSITIVE_INFINITY): Promise<void> => {
    const stored = await readWhatIsThere(spool.reader(hub));
    const last = stored.slice(0, most).at(-1);
    if (last !== undefined) spool.reader(hub).acknowledge(last);
  };
  const oldest = (hub: string): number | undefined => spool.status().hubs[hub]?.oldestTimeMs;

  beforeEach(async () => {
    nowMs = 1_000;
    disk = new SimulatedDisk();
    await reopen();
  });

  afterEach(() => spool.close());

  it('is when it was committed, though the hub is away and nobody has read it', async () => {
    await appendAt(1_000);
    await deliver('cloud');
    assert.equal(oldest('cloud'), undefined);
    await appendAt(90_000);
    await appendAt(95_000);
    assert.equal(oldest('cloud'), 90_000);
  });

  it('is of its own messages, whatever others got before', async () => {
    await appendAt(1_000, ['cloud']);
    await appendAt(50_000, ['cloud']);
    await appendAt(60_000, ['historian']);
    assert.equal(oldest('historian'), 60_000);
    assert.equal(oldest('cloud'), 1_000);
  });

  it('moves on with what is acknowledged', async () => {
    for (const atMs of [10_000, 20_000, 30_000]) await appendAt(atMs);
    await deliver('cloud', 2);
    assert.equal(oldest('cloud'), 30_000);
  });

  it('is known after a restart', async () => {
    for (const atMs of [10_000, 20_000, 30_000]) await appendAt(atMs);
    await deliver('cloud', 1);
    await spool.close();
    nowMs = 40_000;
    await reopen();
    assert.equal(oldest('cloud'), 20_000);
    assert.equal(oldest('historian'), 10_000);
  });

  it('is never told to be later than it was, however many messages wait', async () => {
    await appendAt(1_000);
    await deliver('cloud');
    for (let count = 0; count < 600; count += 1) await appendAt(10_000 + count);
    const told = oldest('cloud') ?? assert.fail();
    assert.ok(told <= 10_000, `${told} is later`);
    assert.ok(told >= 1_000);
  });
});
