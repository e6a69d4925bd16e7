import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const ROOT = join(import.meta.dirname, '../..');

describe('npm run chaos', () => {
  it('prints the figures of each trial with its name, and fails one that has none', async () => {
    const args = ['mocha', '--config', 'test/chaos/.mocharc.json', '--no-parallel', 'test/chaos/support/silent-trial.ts'];
    const child = spawn('npx', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
    const output = await text(child.stdout);
    assert.match(output, /^ +a trial › tells what it measured: kills 7$/m);
    assert.match(output, /"a trial says nothing" told no figures/);
    assert.match(output, /2 passing[\s\S]*1 failing/);
  }).timeout(30_000);
});
