import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BootedMachine, until, whyNotBootable } from './peers/booted-machine.ts';

const HOME = join(import.meta.dirname, '../..');
const UNIT = 'fieldmarshal.service';
const GATEWAY = '/etc/fieldmarshal/gateway.yaml';
/** As long as the gateway may be silent in this test. */
const WATCHDOG_SECONDS = 5;

/** Device and hub are absent: that is normal, and what is measured waits on disk. */
const CONFIGURATION = `gateway: { id: booted }
hubs:
  cloud:
    dialect: mqtt
    url: mqtt://127.0.0.1:1883
    auth: { username: gateway, password: !secret hub-password }
operations: { port: 9464 }
`;
const MAPPING = `twin: press-07
hub: cloud
connection: { protocol: modbus-tcp, host: 127.0.0.1, port: 1502, unit: 1 }
points:
  oilTemperature: { address: { input: 12 }, type: int16 }
`;

const obstacle = whyNotBootable();
const title = `Fieldmarshal under systemd${obstacle === undefined ? '' : ` (pending: ${obstacle})`}`;

(obstacle === undefined ? describe : describe.skip)(title, function () {
  this.timeout(240_000);
  let machine: BootedMachine;
  let waitedAtStop = 0;

  const state = () =>
    machine.show(UNIT, 'ActiveState', 'SubState', 'Result', 'NRestarts', 'MainPID', 'ExecMainStatus', 'StatusText');
  const isActive = () => state().ActiveState === 'active';
  const systemctl = (...parameters: readonly string[]) => machine.run('systemctl', ...parameters, UNIT);

  /** Asks `/status` from inside: nothing of the machine can be reached from outside. */
  function waitingMessages(): number {
    const ask = "fetch('http://127.0.0.1:9464/status').then(r => r.json()).then(s => console.log(s.hubs[0].waitingMessages))";
    return Number(machine.run('/usr/lib/fieldmarshal/bin/node', '-e', ask).output);
  }

  async function active(what: string): Promise<void> {
    await until(what, isActive).catch((error: unknown) => assert.fail(`${error}\n${machine.journal(UNIT)}`));
  }

  before(async () => {
    const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: HOME, encoding: 'utf8' });
    assert.equal(built.status, 0, built.stdout + built.stderr);
    machine = new BootedMachine();
    const installed = spawnSync(join(HOME, 'systemd/install.sh'), ['--root', machine.root], { encoding: 'utf8' });
    assert.equal(installed.status, 0, installed.stdout + installed.stderr);
    machine.write(`/etc/systemd/system/${UNIT}.d/test.conf`, `[Service]\nWatchdogSec=${WATCHDOG_SECONDS}\nRestartSec=200ms\n`);
    await machine.boot();
  });
  after(() => machine?.shutDown());

  it('is installed, enabled and skipped as long as there is no configuration', () => {
    assert.equal(systemctl('is-enabled').output.trim(), 'enabled');
    assert.equal(state().ActiveState, 'inactive');
    assert.equal(machine.run('fieldmarshal', '--version').status, 0);
  });

  it('is installed a second time without a change to configuration and credentials', () => {
    machine.write('/etc/fieldmarshal/credentials/hub-password', 'sesame\n', 0o600);
    const again = spawnSync(join(HOME, 'systemd/install.sh'), ['--root', machine.root], { encoding: 'utf8' });
    assert.equal(again.status, 0, again.stderr);
    assert.equal(machine.run('cat', '/etc/fieldmarshal/credentials/hub-password').output, 'sesame\n');
  });

  it('is laid out in an empty directory, as the content of a package, without users and their directories', async () => {
    const content = await mkdtemp(join(tmpdir(), 'fieldmarshal-package-'));
    try {
      const packed = spawnSync(join(HOME, 'systemd/install.sh'), ['--root', content], { encoding: 'utf8' });
      assert.equal(packed.status, 0, packed.stdout + packed.stderr);
      const version = spawnSync(join(content, 'usr/bin/fieldmarshal'), ['--version'], { encoding: 'utf8' });
      assert.equal(version.status, 0, version.stderr);
      const enabled = await lstat(join(content, 'etc/systemd/system/multi-user.target.wants', UNIT));
      assert.ok(enabled.isSymbolicLink());
    } finally {
      await rm(content, { recursive: true });
    }
  });

  it('ends with 78 and stays down on a wrong configuration, and says where it is wrong', async () => {
    machine.write(GATEWAY, CONFIGURATION.replace('dialect: mqtt', 'dialect: mqttt'));
    machine.write('/etc/fieldmarshal/mappings/press-07.yaml', MAPPING);
    assert.notEqual(systemctl('start').status, 0);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const { ActiveState, ExecMainStatus, NRestarts } = state();
    assert.deepEqual([ActiveState, ExecMainStatus, NRestarts], ['failed', '78', '0']);
    assert.match(machine.journal(UNIT), /gateway\.yaml:4:/);
  });

  it('becomes ready with device and hub absent', async () => {
    machine.write(GATEWAY, CONFIGURATION);
    assert.equal(systemctl('start').status, 0, machine.journal(UNIT));
    await active('the gateway is ready');
    await until('the silence of the device is on disk', () => waitingMessages() > 0);
  });

  it('is looked at with the commands of its manual, from outside of the service', async () => {
    const look = (...parameters: readonly string[]) => machine.run('fieldmarshal', ...parameters);
    assert.match(look('check', '/etc/fieldmarshal').output, /^ok: 1 connection, 1 device, 1 point/m);
    const spool = look('spool', 'status', '--config', '/etc/fieldmarshal');
    assert.deepEqual([spool.status, /cloud: [1-9]\d* messages? with/.test(spool.output)], [0, true], spool.output);
    const audit = look('audit', 'verify', '--config', '/etc/fieldmarshal');
    assert.deepEqual([audit.status, /^\/var\/lib\/fieldmarshal\/audit: [1-9]/m.test(audit.output)], [0, true], audit.output);
    assert.equal(look('trust', 'list', '--config', '/etc/fieldmarshal').status, 0);
  });

  it('runs as its own user, without any privilege', () => {
    const { MainPID } = state();
    const { output } = machine.run('cat', `/proc/${MainPID}/status`);
    const user = machine.run('id', '-u', 'fieldmarshal').output.trim();
    assert.match(output, new RegExp(`^Uid:\\t${user}\\t`, 'm'));
    assert.match(output, /^CapEff:\t0+$/m);
    assert.match(output, /^NoNewPrivs:\t1$/m);
  });

  it('keeps the watchdog quiet while it is healthy', async () => {
    const { MainPID } = state();
    await new Promise((resolve) => setTimeout(resolve, WATCHDOG_SECONDS * 1_500));
    const later = state();
    assert.deepEqual([later.ActiveState, later.MainPID, later.NRestarts], ['active', MainPID, '0']);
  });

  it('is ended and started again when it hangs, and keeps its spool', async () => {
    const before = waitingMessages();
    systemctl('kill', '--kill-whom=main', '--signal=SIGSTOP');
    await until('the watchdog has restarted it', () => state().NRestarts === '1');
    await active('the gateway is ready again');
    assert.match(machine.journal(UNIT), /Watchdog timeout/);
    await until(`more than the ${before} messages of before wait`, () => waitingMessages() > before);
  });

  it('is started again when it is killed', async () => {
    systemctl('kill', '--kill-whom=main', '--signal=SIGKILL');
    await until('it has been restarted', () => state().NRestarts === '2');
    await active('the gateway is ready again');
  });

  it('stops cleanly with 0', () => {
    waitedAtStop = waitingMessages();
    assert.equal(systemctl('stop').status, 0);
    const { ActiveState, Result, ExecMainStatus } = machine.show(UNIT, 'ActiveState', 'Result', 'ExecMainStatus');
    assert.deepEqual([ActiveState, Result, ExecMainStatus], ['inactive', 'success', '0'], machine.journal(UNIT));
  });

  it('starts again with everything that waited', async () => {
    assert.equal(systemctl('start').status, 0, machine.journal(UNIT));
    await until(`more than ${waitedAtStop} messages wait`, () => waitingMessages() > waitedAtStop);
  });
});
