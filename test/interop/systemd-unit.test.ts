import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const UNIT = readFileSync(new URL('../../systemd/fieldmarshal.service', import.meta.url), 'utf8');
const MAX_EXPOSURE = 1.5;

const isHere = spawnSync('systemd-analyze', ['--version']).status === 0;
const title = isHere ? 'systemd unit' : 'systemd unit (pending: run scripts/install-test-peers/systemd.sh as root)';

(isHere ? describe : describe.skip)(title, () => {
  let directory: string;
  let unit: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'unit-'));
    unit = join(directory, 'fieldmarshal.service');
    // Verification looks for the program, which is installed elsewhere.
    writeFileSync(unit, UNIT.replace('/usr/lib/fieldmarshal/bin/fieldmarshal', '/bin/true'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const analyze = (...parameters: readonly string[]) => spawnSync('systemd-analyze', [...parameters, unit], { encoding: 'utf8' });

  it('is understood without a complaint', () => {
    const { status, stderr, stdout } = analyze('verify', '--man=no');
    assert.deepEqual([status, stdout + stderr], [0, '']);
  });

  it(`exposes the machine by ${MAX_EXPOSURE} of 10 at most`, () => {
    const { status, stdout } = analyze('security', '--offline=true', '--no-pager', `--threshold=${MAX_EXPOSURE * 10}`);
    const exposure = Number(/exposure level for \S+: (\d+\.\d)/.exec(stdout)?.[1]);
    assert.ok(exposure <= MAX_EXPOSURE, stdout);
    assert.equal(status, 0);
  });

  it('does not start again on a wrong configuration, and lets the gateway compile', () => {
    assert.match(UNIT, /^RestartPreventExitStatus=78$/m);
    assert.doesNotMatch(UNIT, /^MemoryDenyWriteExecute=/m);
  });
});
