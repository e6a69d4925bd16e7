import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { PLAUSIBLE_RULES } from '../../src/southbound/decode-tool.ts';
import { exitOf, LAUNCHER, runCli } from '../support/run-cli.ts';

describe('fieldmarshal scan and decode', function () {
  this.timeout(30_000);
  let server: ModbusTcpServer;
  let directory: string;
  let mapping: string;
  const device = new SimulatedModbusDevice();

  before(async () => {
    device.memory.holding.set([0xe979, 0x42f6], 100);
    server = await startModbusTcpServer({ port: 0, units: new Map([[7, device]]) });
    directory = await mkdtemp(join(tmpdir(), 'fieldmarshal-decode-'));
    mapping = join(directory, 'press.yaml');
    const connection = `{ protocol: modbus-tcp, host: 127.0.0.1, port: ${server.port}, unit: 7 }`;
    const points = 'points:\n  current: { address: { holding: 100 }, type: float32, range: { max: 200 } }\n';
    await writeFile(mapping, `twin: press\nconnection: ${connection}\n${points}`);
  });
  after(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });

  it('finds what is there, and says on the way what it does', async () => {
    const target = `modbus-tcp://127.0.0.1:${server.port}`;
    const { code, stdout, stderr } = await runCli(['scan', target, '--units', '6-8', '--timeout', '200ms', '--ranges', '0-9']);
    assert.equal(code, 0);
    assert.match(stdout, /^unit 7: answers, holding 0 is 0000 · Fieldmarshal.*\nunit 7: holding 0 to 9\nunit 7: input 0 to 9\n/);
    assert.match(stderr, /^3 units, each asked once; at most 1 s/);
  });

  it('prints one JSON object a line, and ends with 1 where nobody is', async () => {
    const target = `modbus-tcp://127.0.0.1:${server.port}`;
    const { code, stdout } = await runCli(['scan', target, '--units', '1', '--timeout', '100ms', '--json']);
    assert.equal(code, 1);
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).kind),
      ['plan', 'done'],
    );
  });

  it('stops at once on a signal, with what was found', async () => {
    const child = spawn(LAUNCHER, ['scan', `modbus-tcp://127.0.0.1:${server.port}`, '--units', '7,1-6', '--timeout', '20s']);
    const exited = exitOf(child);
    await once(child.stdout, 'data');
    let told = '';
    child.stderr.on('data', (chunk) => {
      told += String(chunk);
    });
    child.kill('SIGINT');
    assert.equal(await exited, 0);
    assert.match(told, /stopped; 1 found until then/);
  });

  for (const [what, args] of [
    ['a target without a scheme', ['10.0.0.5']],
    ['a unit that cannot be', ['modbus-tcp://10.0.0.5', '--units', '256']],
  ] as const) {
    it(`refuses ${what}`, async () => assert.equal((await runCli(['scan', ...args])).code, 64));
  }

  it('shows one point in every type and order, and the lines for the mapping', async () => {
    const { code, stdout } = await runCli(['decode', mapping, 'current']);
    assert.equal(code, 0);
    assert.match(stdout, /> holding: 100 {2}E979/);
    assert.match(stdout, /^\* +\d+ +float32 +CDAB +E979 42F6 +123\.456 +within the range$/m);
    assert.match(stdout, / {2}current:\n {4}address: \{ holding: 100 \}\n {4}type: float32\n {4}wordOrder: little-endian\n$/);
  });

  it('shows a row that is asked for, the same for programs, and says by which rules it judges', async () => {
    const { stdout } = await runCli(['decode', mapping, 'current', '--row', '1', '--plausible']);
    assert.match(stdout, /Row 1 in the mapping:\n\n {2}current:\n {4}address: \{ holding: 100 \}\n {4}type: int16\n/);
    const json = JSON.parse((await runCli(['decode', mapping, 'press/current', '--json'])).stdout);
    assert.equal(json.point, 'press/current');
    assert.equal(json.rows[json.best - 1].value, 123.456);
    const help = (await runCli(['decode', '--help'])).stdout;
    for (const rule of PLAUSIBLE_RULES) assert.ok(help.includes(rule), rule);
    assert.equal((await runCli(['decode', mapping, 'current', '--row', '999'])).code, 64);
  });

  it('has written nothing', () => assert.equal(device.writeCount, 0));
});
