import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { compressPayload } from '../../src/northbound/compress.ts';
import { type SimulatedBroker, startBroker } from '../../src/simulator/broker.ts';
import { edge, hubOf } from '../northbound/sparkplug-b/plant.ts';
import { stored } from '../support/recorded-spool-reader.ts';
import { exitOf, LAUNCHER, runCli } from '../support/run-cli.ts';

const message = (seq: number, more = {}) =>
  JSON.stringify({
    id: `gw-01:press-07:e1:${seq}`,
    gateway: 'gw-01',
    twin: 'press-07',
    epoch: 'e1',
    seq,
    values: { a: [[0, 1]] },
    ...more,
  });

describe('fieldmarshal verify', function () {
  this.timeout(30_000);
  let directory: string;
  let broker: SimulatedBroker;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fieldmarshal-verify-'));
    broker = await startBroker({ port: 0 });
    await writeFile(
      join(directory, 'gateway.yaml'),
      `gateway: { id: gw-01 }\nhubs:\n  cloud: { dialect: mqtt, url: ${broker.url}, protocol: "3.1.1" }\nmappings: [press.yaml]\n`,
    );
    await writeFile(
      join(directory, 'press.yaml'),
      'twin: press-07\nconnection: { protocol: modbus-tcp, host: 127.0.0.1, unit: 1 }\npoints:\n  a: { address: { input: 1 }, type: int16 }\n',
    );
  });

  after(async () => {
    await broker.close();
    await rm(directory, { recursive: true });
  });

  it('proves a capture of a subscriber complete, or says what is missing', async () => {
    const capture = join(directory, 'capture.txt');
    const lines = [message(1), message(2), message(2), 'a line of something else', '{ "temperature": 71.4 }', message(4)];
    await writeFile(capture, lines.map((line) => `gw-01/press-07/telemetry ${line}\n`).join(''));
    const missing = await runCli(['verify', capture]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^1 messages do not say which ones they are/);
    assert.match(missing.stdout, /NOT DECLARED: 3 did not come/);
    assert.match(
      missing.stdout,
      /\nNOT COMPLETE: 3 messages, 3 readings of 1 twins, 1 twice, 0 missing and declared, 1 missing and not declared\n$/,
    );
    const gap = { reason: 'overflow', fromSeq: 3, toSeq: 3, messages: 1, readings: 1 };
    await writeFile(capture, [...lines, message(5, { values: undefined, gap })].join('\n'));
    const declared = await runCli(['verify', capture, '--json']);
    assert.equal(declared.code, 0, declared.stdout);
    assert.equal(JSON.parse(declared.stdout).isComplete, true);
  });

  it('subscribes with the settings of the gateway, beside it', async () => {
    const child = spawn(LAUNCHER, ['verify', '--config', directory], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, code] = [text(child.stdout), exitOf(child)];
    await once(child.stderr, 'data');
    for (let seq = 1; seq <= 20; seq += 1) await broker.publish('gw-01/press-07/telemetry', message(seq));
    await broker.publish(
      'gw-01/press-07/gap',
      message(22, { gap: { reason: 'expired', fromSeq: 21, toSeq: 21, messages: 1, readings: 3 } }),
    );
    await setTimeout(200);
    child.kill('SIGINT');
    const report = await output;
    assert.equal(await code, 0, report);
    assert.match(report, /lost, expired: 1 records, 1 messages, 3 readings\n/);
    assert.match(report, /\ncomplete: .* 1 missing and declared, 0 missing and not declared\n$/);
  });

  for (const compression of ['gzip', 'zstd'] as const) {
    it(`reads what was compressed with ${compression}, at the hub and in a capture`, async () => {
      const values = { a: Array.from({ length: 10 }, (_, index) => [index * 1_000, 71.4]) };
      const compressed = (seq: number) =>
        compressPayload(Buffer.from(message(seq, { values })), compression) ?? assert.fail('not smaller');
      const child = spawn(LAUNCHER, ['verify', '--config', directory], { stdio: ['ignore', 'pipe', 'pipe'] });
      const [output, code] = [text(child.stdout), exitOf(child)];
      await once(child.stderr, 'data');
      for (const seq of [1, 2]) await broker.publish('gw-01/press-07/telemetry', Buffer.from(compressed(seq)));
      await setTimeout(200);
      child.kill('SIGINT');
      assert.match(await output, /\ncomplete: 2 messages/);
      assert.equal(await code, 0);
      const capture = join(directory, `capture-${compression}.txt`);
      const lines = [1, 2, 3].map((seq) => `gw-01/press-07/telemetry ${Buffer.from(compressed(seq)).toString('hex')}\n`);
      await writeFile(capture, lines.join(''));
      const { code: ofCapture, stdout } = await runCli(['verify', capture]);
      assert.equal(ofCapture, 0, stdout);
      assert.match(stdout, /\ncomplete: 3 messages, 30 readings/);
    });
  }

  it('follows an edge node of Sparkplug by the ids in its payloads', async () => {
    const place = join(directory, 'sparkplug');
    await mkdir(place);
    const hub = `scada: { dialect: sparkplug-b, url: ${broker.url}, group: plant-a }`;
    await writeFile(join(place, 'gateway.yaml'), `gateway: { id: gw-01 }\nhubs:\n  ${hub}\nmappings: [press.yaml]\n`);
    await copyFile(join(directory, 'press.yaml'), join(place, 'press.yaml'));
    const node = await edge({ url: broker.url });
    const child = spawn(LAUNCHER, ['verify', '--config', place], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, code] = [text(child.stdout), exitOf(child)];
    await once(child.stderr, 'data');
    const session = await hubOf(node).open(new AbortController().signal);
    for (let sequence = 1; sequence <= 20; sequence += 1) await session.publish(stored(sequence));
    const gap = { reason: 'expired', fromSequence: 21, toSequence: 23, fromTimeMs: 0, toTimeMs: 1, messages: 3, readings: 9 };
    await session.publish({ ...stored(24), message: { ...stored(24).message, kind: 'gap', values: {}, gap } });
    await session.publish(stored(26));
    await setTimeout(200);
    child.kill('SIGINT');
    const report = await output;
    await session.close();
    await rm(node.stateDirectory, { recursive: true });
    assert.equal(await code, 1, report);
    assert.match(
      report,
      /gw-01\/press-07 any class epoch e1: 1 to 26, 22 messages, 21 readings, 3 missing and declared \(21-23\)/,
    );
    assert.match(report, /NOT DECLARED: 25 did not come/);
  });

  it('ends with 1, and no bug, where the broker does not answer', async () => {
    await using silent = createServer((socket) => void socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const other = join(directory, 'silent');
    await mkdir(other);
    await copyFile(join(directory, 'press.yaml'), join(other, 'press.yaml'));
    const url = `mqtt://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const hubs = (more: string) =>
      `gateway: { id: gw-01 }\nhubs: { cloud: { dialect: mqtt, url: "${url}"${more} } }\nmappings: [press.yaml]\n`;
    for (const [more, within] of [
      ['', /HUB_TIMEOUT/],
      [', connectTimeout: 500 ms', /no answer within 500 ms \(HUB_TIMEOUT\)/],
    ] as const) {
      await writeFile(join(other, 'gateway.yaml'), hubs(more));
      const { code, stderr } = await runCli(['verify', '--config', other, '--for', '1 s']);
      assert.equal(code, 1, stderr);
      assert.match(stderr, within);
      assert.doesNotMatch(stderr, /BUG|\n {4}at /);
    }
  });

  it('ends with 1 where nothing came, and with 64 where it is not told what to look at', async () => {
    const [nothing, usage, both] = await Promise.all([
      runCli(['verify', '--config', directory, '--for', '500 ms']),
      runCli(['verify']),
      runCli(['verify', 'x', '--config', directory]),
    ]);
    assert.deepEqual([nothing.code, usage.code, both.code], [1, 64, 64]);
    assert.match(nothing.stdout, /^nothing came: 0 messages/);
  });
});
