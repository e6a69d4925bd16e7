import assert from 'node:assert/strict';
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
