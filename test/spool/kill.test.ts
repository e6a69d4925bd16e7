import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { numbers, open, readAll, removeDirectory, temporaryDirectory } from './support/spool-fixture.ts';

describe('a gateway killed in full flow', () => {
  it('has everything on disk that it said was there', async () => {
    const directory = await temporaryDirectory();
    const script = join(import.meta.dirname, 'support/append-and-tell.ts');
    const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    child.stdout.on('data', (bytes: Buffer) => {
      told += bytes.toString();
      if (told.split('\n').length > 50) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const spool = await open({ directory });
    const stored = new Set(numbers(await readAll(spool.reader('cloud'))));
    const promised = told.split('\n').slice(0, -1).map(Number);
    assert.ok(promised.length >= 50);
    assert.deepEqual(
      promised.filter((value) => !stored.has(value)),
      [],
    );
    await spool.close();
    await removeDirectory(directory);
  }).timeout(20_000);
});
