import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { open, removeDirectory, temporaryDirectory } from './support/spool-fixture.ts';

describe('the lock of a spool', () => {
  it('lets one owner in, names it to the second, and is free after a close', async () => {
    const directory = await temporaryDirectory();
    const spool = await open({ directory });
    await assert.rejects(open({ directory }), (error: Error & { code: string }) => {
      return error.code === 'SPOOL_BUSY' && error.message.includes(String(process.pid));
    });
    await spool.close();
    await (await open({ directory })).close();
    await removeDirectory(directory);
  });
});

describe('the lock of a spool between processes', () => {
  it('keeps a second process out, and lets it in when the first is gone', async () => {
    const directory = await temporaryDirectory();
    const script = join(import.meta.dirname, 'support/open-and-tell.ts');
    const spool = await open({ directory });
    const refused = await promisify(execFile)(process.execPath, [script, directory]);
    assert.match(refused.stdout, new RegExp(`^SPOOL_BUSY .*${process.pid}`));
    await spool.close();
    const opened = await promisify(execFile)(process.execPath, [script, directory]);
    assert.equal(opened.stdout, 'opened');
    await removeDirectory(directory);
  }).timeout(20_000);
});
