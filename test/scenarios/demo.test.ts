import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { DemoSummary } from '../../src/cli/demo-summary.ts';

const LAUNCHER = join(import.meta.dirname, '../../bin/fieldmarshal');

/** Runs the demo; each answer is typed when its text was told. */
async function runDemo(duration: string, answers: readonly (readonly [told: string, typed: string])[] = []) {
  const demo = spawn(LAUNCHER, ['demo', '--for', duration, '--json'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting = [...answers];
  let told = '';
  demo.stderr.setEncoding('utf8').on('data', (more: string) => {
    told += more;
    const [next] = waiting;
    if (next === undefined || !told.includes(next[0])) return;
    waiting.shift();
    demo.stdin.write(`${next[1]}\n`);
  });
  const exit = new Promise<number | null>((resolve) => demo.once('exit', resolve));
  const [summary, code] = await Promise.all([text(demo.stdout), exit]);
  return { summary: JSON.parse(summary) as DemoSummary, told, code };
}

describe('demo', function () {
  this.timeout(60_000);

  it('delivers from every protocol and loses nothing', async () => {
    const { summary, told, code } = await runDemo('6 s');
    assert.equal(code, 0, told);
    assert.deepEqual(Object.keys(summary.protocols).toSorted(), ['modbus-rtu', 'modbus-tcp', 'opcua']);
    for (const { readings } of Object.values(summary.protocols)) assert.ok(readings > 0);
    assert.deepEqual([summary.losses, summary.gapRecords], [0, 0]);
  });

  it('catches up after the broker was away', async () => {
    const { summary, told, code } = await runDemo('15 s', [
      ['link up hub=plant-broker', 'broker off'],
      ['link lost hub=plant-broker', 'broker on'],
    ]);
    assert.equal(code, 0, told);
    assert.match(told, /broker is down[\s\S]*link lost hub=plant-broker[\s\S]*link up hub=plant-broker/);
    assert.deepEqual([summary.losses, summary.waiting], [0, 0]);
  });

  it('tells what still waits when it ends while the broker is away', async () => {
    const { summary, told } = await runDemo('9 s', [['link up hub=plant-broker', 'broker off']]);
    assert.ok(summary.waiting > 0, told);
  });
});
