import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { verifyAudit } from '../../src/audit/verify-audit.ts';
import { SimulatedModbusDevice } from '../../src/simulator/modbus-device.ts';
import { type ModbusTcpServer, startModbusTcpServer } from '../../src/simulator/modbus-tcp-server.ts';
import { createAuthority } from '../support/certificates.ts';
import { exitOf, LAUNCHER, runCli } from '../support/run-cli.ts';

describe('the command line', function () {
  this.timeout(30_000);
  let directory: string;
  const device = new SimulatedModbusDevice();
  let press: ModbusTcpServer;
  let silentHub: Server;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fieldmarshal-cli-'));
    press = await startModbusTcpServer({ port: 0, units: new Map([[3, device]]) });
    silentHub = createServer().listen(0, '127.0.0.1');
    await once(silentHub, 'listening');
    await writeFile(join(directory, 'gateway.yaml'), gatewayYaml((silentHub.address() as AddressInfo).port));
    await writeFile(join(directory, 'press.yaml'), mappingYaml(press.port));
  });

  after(async () => {
    await press.close();
    silentHub.close();
    await rm(directory, { recursive: true });
  });

  const press07 = () => join(directory, 'press.yaml');

  it('prints its version and its help', async () => {
    const [version, help] = await Promise.all([runCli(['--version']), runCli(['--help'])]);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    for (const command of ['run', 'check', 'plan', 'browse', 'read', 'write', 'verify', 'spool', 'cost', 'schema', 'demo'])
      assert.match(help.stdout, new RegExp(`  ${command} `));
    assert.deepEqual([version.code, help.code], [0, 0]);
  });

  it('exits 64 when it is used wrongly', async () => {
    const results = await Promise.all([
      runCli([]),
      runCli(['nonsense']),
      runCli(['run']),
      runCli(['demo', '--for', 'soon']),
      runCli(['read', press07(), 'noSuchPoint']),
    ]);
    assert.deepEqual(
      results.map(({ code }) => code),
      [64, 64, 64, 64, 64],
    );
    assert.match(results[4]?.stderr ?? '', /noSuchPoint.*oilTemperature/s);
  });

  it('checks a configuration and says what it holds', async () => {
    const { code, stdout, stderr } = await runCli(['check', directory]);
    assert.deepEqual([code, stdout, stderr], [0, 'ok: 1 connection, 1 device, 2 points\n', '']);
  });

  it('takes a configuration as an argument or by `--config`, and not two', async () => {
    for (const command of ['check', 'plan', 'cost']) {
      const [byName, byOption, byBoth] = await Promise.all([
        runCli([command, directory]),
        runCli([command, '--config', directory]),
        runCli([command, directory, '--config', press07()]),
      ]);
      assert.deepEqual([byName.code, byOption.code, byOption.stdout], [0, 0, byName.stdout], command);
      assert.equal(byBoth.code, command === 'check' ? 0 : 64, command);
    }
    const nothing = await runCli(['run']);
    assert.match(nothing.stderr, /say which configuration.*\(USAGE\)/);
  });

  it('does not take an audit log that is not there for one that is whole', async () => {
    const results = await Promise.all(
      ['verify', 'show'].map((verb) => runCli(['audit', verb, '--directory', join(directory, 'none')])),
    );
    for (const { code, stdout, stderr } of results) {
      assert.deepEqual([code, stdout], [74, '']);
      assert.match(stderr, /none: there is no log.*\(AUDIT_MISSING\)/);
    }
  });

  it('exits 78 for a wrong mapping and says where, before any socket opens', async () => {
    const wrong = join(directory, 'wrong');
    await writeFile(wrong, `${mappingYaml(press.port)}  pressure: { adress: { holding: 2 }, type: uint16 }\n`);
    const asked = device.requestCount;
    const checked = await runCli(['check', wrong]);
    const read = await runCli(['read', wrong]);
    assert.deepEqual([checked.code, read.code], [78, 78]);
    assert.match(checked.stderr, /wrong:\d+:15: error: .*adress/);
    assert.match(checked.stderr, /did you mean.*address/);
    assert.equal(device.requestCount, asked);
  });

  it('reads points once: what came over the wire beside what the mapping makes of it', async () => {
    const { code, stdout } = await runCli(['read', press07(), '--json']);
    const [temperature, setpoint] = JSON.parse(stdout) as Record<string, unknown>[];
    assert.equal(code, 0);
    assert.deepEqual([temperature?.point, temperature?.raw, temperature?.value], ['press-07/oilTemperature', '000C', 1.2]);
    assert.deepEqual([setpoint?.point, setpoint?.raw, setpoint?.value], ['press-07/speedSetpoint', '0028', 40]);
  });

  it('shows the beginning of a value that no screen holds', async () => {
    const wide = join(directory, 'wide.yaml');
    await writeFile(wide, `${mappingYaml(press.port)}  table: { address: { holding: 0 }, type: uint16, count: 60 }\n`);
    const { code, stdout } = await runCli(['read', wide, 'table']);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /\[\d+(,\d+)*,?… {2}good/);
  });

  it('writes a list as JSON', async () => {
    const pair = join(directory, 'pair.yaml');
    const point = '  pair: { address: { holding: 0 }, type: uint16, count: 2, write: { min: 0, max: 9 } }\n';
    await writeFile(pair, `${mappingYaml(press.port)}${point}`);
    const { stdout } = await runCli(['write', pair, 'pair', '[3, 4]']);
    assert.equal(stdout, 'press-07/pair: written, read back [3,4]\n');
  });

  it('says what to look at when a unit is silent', async () => {
    const wrongUnit = join(directory, 'wrong-unit.yaml');
    await writeFile(wrongUnit, mappingYaml(press.port).replace('unit: 3', 'unit: 9, timeout: 100 ms'));
    const { code, stdout, stderr } = await runCli(['read', wrongUnit, 'oilTemperature']);
    assert.equal(code, 1);
    assert.match(stdout, /bad BadTimeout/);
    assert.match(stderr, /BadTimeout: check unit number/);
    assert.match(stderr, /BadTimeout: exception 11 .*: unit 9, function 4, address 12, 1 asked/);
  });

  it('exits 74 when another gateway owns the spool', async () => {
    const first = spawn(LAUNCHER, ['run', '--config', directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = exitOf(first);
    await once(first.stdout, 'data');
    const second = await runCli(['run', '--config', directory]);
    first.kill('SIGTERM');
    assert.equal(second.code, 74);
    assert.match(second.stderr, /process \d+ owns this spool/);
    assert.equal(await exit, 0);
  });

  it('writes a point, reads it back, and refuses what the mapping does not allow', async () => {
    const written = await runCli(['write', press07(), 'speedSetpoint', '900']);
    const refused = await runCli(['write', press07(), 'speedSetpoint', '9000']);
    const readOnly = await runCli(['write', press07(), 'oilTemperature', '1']);
    assert.deepEqual([written.code, written.stdout], [0, 'press-07/speedSetpoint: written, read back 900\n']);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /at most 1500.*COMMAND_OUT_OF_RANGE/);
    assert.match(readOnly.stdout, /COMMAND_READ_ONLY/);
  });

  it('writes down who wrote what, and what was refused, beside the log of the gateway', async () => {
    const state = await mkdtemp(join(directory, 'state-'));
    const environment = { STATE_DIRECTORY: state, SUDO_USER: 'anna' };
    await Promise.all(['910', '9000'].map((value) => runCli(['write', press07(), 'speedSetpoint', value], environment)));
    const authority = await createAuthority();
    await runCli(['trust', 'accept', (await authority.issue('press')).certificate], environment);
    await authority.remove();
    const shown = await runCli(['audit', 'show', '--directory', join(state, 'audit'), '--json']);
    const entries = shown.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    assert.deepEqual(entries.map(({ kind, by, status, action }) => [kind, by, status ?? action]).toSorted(), [
      ['command', `anna as ${userInfo().username}`, 'done'],
      ['command', `anna as ${userInfo().username}`, 'refused'],
      ['trust', `anna as ${userInfo().username}`, 'accept'],
    ]);
    const done = entries.find(({ status }) => status === 'done');
    assert.deepEqual(done?.points, { speedSetpoint: { status: 'written', value: 910 } });
    assert.ok((await verifyAudit(join(state, 'audit/command-line'))).isSound);
    const [file = ''] = await readdir(join(state, 'audit/command-line')).then((names) =>
      names.filter((name) => name.startsWith('audit-')),
    );
    const path = join(state, 'audit/command-line', file);
    await writeFile(path, (await readFile(path, 'utf8')).replace('910', '911'));
    assert.equal((await runCli(['audit', 'verify', '--directory', join(state, 'audit')])).code, 1);
  });

  it('writes a point, and says so, where it cannot be written down', async () => {
    const environment = { STATE_DIRECTORY: join(press07(), 'no-directory') };
    const written = await runCli(['write', press07(), 'speedSetpoint', '920'], environment);
    assert.deepEqual([written.code, written.stdout], [0, 'press-07/speedSetpoint: written, read back 920\n']);
    assert.match(written.stderr, /not in the audit log: .*ENOTDIR/);
  });

  it('tells in a dry run what the device would be given, and writes nothing', async () => {
    const tried = await runCli(['write', press07(), 'speedSetpoint', '700', '--dry-run']);
    const read = await runCli(['read', press07(), 'speedSetpoint']);
    assert.deepEqual([tried.code, tried.stdout], [0, 'press-07/speedSetpoint: checked, the device would be given 700\n']);
    assert.ok(!/\b700\b/.test(read.stdout));
  });

  it('prints the JSON Schema of both files', async () => {
    const schemas = await Promise.all(
      ['gateway', 'mapping'].map(async (file) => JSON.parse((await runCli(['schema', file])).stdout)),
    );
    for (const schema of schemas) assert.equal(typeof schema.$schema, 'string');
  });

  it('says which Node it needs where it finds an older one only', async () => {
    const home = join(directory, 'without-node');
    const tools = join(directory, 'tools');
    await Promise.all([cp(dirname(LAUNCHER), join(home, 'bin'), { recursive: true }), mkdir(tools)]);
    await writeFile(join(tools, 'node'), '#!/bin/sh\necho 20\n', { mode: 0o755 });
    const child = spawn(join(home, 'bin/fieldmarshal'), ['--version'], {
      env: { PATH: `${tools}:/usr/bin:/bin` },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    const [code, told] = await Promise.all([exitOf(child), text(child.stderr)]);
    assert.equal(code, 69);
    assert.match(told, /needs Node 24, found 20/);
  });

  it('gives Node enough threads and the C library few heaps, unless it is told otherwise', async () => {
    const home = join(directory, 'with-node');
    await cp(dirname(LAUNCHER), join(home, 'bin'), { recursive: true });
    await writeFile(join(home, 'bin/node'), '#!/bin/sh\necho "$UV_THREADPOOL_SIZE $MALLOC_ARENA_MAX"\n', { mode: 0o755 });
    const told = (env: NodeJS.ProcessEnv) =>
      text(
        spawn(join(home, 'bin/fieldmarshal'), { env: { PATH: '/usr/bin:/bin', ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
          .stdout,
      );
    assert.equal(await told({}), '8 2\n');
    assert.equal(await told({ UV_THREADPOOL_SIZE: '4', MALLOC_ARENA_MAX: '1' }), '4 1\n');
  });

  it('runs without its hub, and stops with exit code 0 on SIGTERM', async () => {
    const child = spawn(LAUNCHER, ['run', directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = exitOf(child);
    let log = '';
    let isTold = false;
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      log += chunk;
      if (!isTold && log.includes('gateway started')) isTold = child.kill('SIGTERM');
    }
    assert.equal(await exit, 0);
    assert.match(log, /gateway stopped/);
  });
});

function gatewayYaml(hubPort: number): string {
  return `
gateway: { id: cli-test }
hubs:
  cloud: { dialect: mqtt, url: "mqtt://127.0.0.1:${hubPort}" }
operations: { port: 0 }
mappings: [ press.yaml ]
`;
}

function mappingYaml(port: number): string {
  return `
twin: press-07
hub: cloud
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${port}, unit: 3 }
points:
  oilTemperature: { address: { input: 12 }, type: int16, scale: 0.1 }
  speedSetpoint: { address: { holding: 40 }, type: uint16, write: { min: 0, max: 1500 } }
`;
}
