import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../support/run-cli.ts';

const MAPPINGS = join(import.meta.dirname, '../../mappings');
const README = readFileSync(join(import.meta.dirname, '../../connectors/modbus/README.md'), 'utf8');

describe('fieldmarshal plan', function () {
  this.timeout(30_000);

  it('prints what the README of the connector shows', async () => {
    const { stdout, code } = await runCli(['plan', join(MAPPINGS, 'energy-meters.yaml')]);
    const [, shown = 'nothing'] = /\$ fieldmarshal plan .*\n([\s\S]*?)```/.exec(README) ?? [];
    assert.ok(stdout.startsWith(shown), stdout);
    assert.equal(code, 0);
  });

  it('adds up what all mappings of a gateway ask of a line, in JSON with every point', async () => {
    const { stdout } = await runCli(['plan', MAPPINGS, '--json']);
    const planned = JSON.parse(stdout) as {
      protocol: string;
      busyPercent: number;
      polls: { requests: { points: string[] }[] }[];
    }[];
    assert.deepEqual(
      planned.map(({ protocol }) => protocol),
      ['modbus-rtu', 'modbus-tcp'],
    );
    const [line] = planned;
    assert.deepEqual(
      line?.polls.map(({ requests }) => requests.flatMap(({ points }) => points)),
      [
        ['voltage', 'current', 'power', 'energy'],
        ['voltage', 'current', 'power', 'energy'],
      ],
    );
    assert.ok(Math.abs((line?.busyPercent ?? 0) - 5.66) < 0.01);
  });

  it('says so where nothing is polled by requests', async () => {
    const { stderr, code } = await runCli(['plan', join(MAPPINGS, 'filler-02.yaml')]);
    assert.match(stderr, /no connection that is polled by requests/);
    assert.equal(code, 64);
  });
});
