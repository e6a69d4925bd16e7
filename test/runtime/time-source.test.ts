import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemTime } from '../../src/runtime/time-source.ts';

describe('the time of the machine', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'time-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is set as soon as the file is there that was named', async () => {
    const file = join(directory, 'synchronized');
    const time = systemTime(file);
    assert.equal(time.isSet(), false);
    await writeFile(file, '');
    assert.equal(time.isSet(), true);
  });

  it('asks nobody where nobody was named', () => {
    assert.equal(systemTime().isSet(), undefined);
  });

  it('counts from when the machine was switched on, so that another process counts the same', () => {
    const [one, other] = [systemTime(), systemTime()];
    assert.ok(Math.abs(one.sinceBootMs() - other.sinceBootMs()) < 1_000);
    assert.ok(Math.abs(one.sinceBootMs() - Number(process.hrtime.bigint()) / 1e6) < 1_000);
    assert.equal(one.boot, other.boot);
  });
});
