import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyAudit } from '../../src/audit/verify-audit.ts';
import { CommandPlant } from '../support/command-plant.ts';
import { runCli } from '../support/run-cli.ts';

const MAPPING = `points:
  stop: { address: { coil: 4 } }
  speed: { address: { holding: 40 }, type: uint16, write: { min: 0, max: 1500, step: 50, onlyIf: stop == false } }
  torque: { address: { holding: 41 }, type: uint16, write: { min: 0, max: 9, approval: required } }
`;

describe('the audit log of a gateway', function () {
  this.timeout(30_000);
  let plant: CommandPlant;

  beforeEach(async () => {
    plant = await CommandPlant.start({ mapping: MAPPING });
  });

  afterEach(() => plant.end());

  const outcomes = () =>
    plant
      .audit('command')
      .map(({ command, status, code, repeated }) => [command, status, code ?? (repeated === true ? 'again' : undefined)]);

  it('tells every command with what became of it, and the cloud gets it as an event that names its place', async () => {
    await plant.send({ id: 'c1', desired: { speed: 900 }, by: 'anna' });
    await plant.send({ id: 'c1', desired: { speed: 900 }, by: 'anna' });
    await plant.send({ id: 'c2', desired: { speed: 925 } });
    await plant.send({ id: 'c3', desired: { speed: 100 }, dryRun: true });
    await plant.send({ id: 'c4', desired: { torque: 5 }, by: 'anna' });
    await plant.send({ id: 'c4', approve: true, by: 'anna' });
    await plant.send({ id: 'c4', approve: true, by: 'ben' });
    assert.deepEqual([plant.memory.holding[40], plant.memory.holding[41]], [900, 5]);
    await plant.until('all are told', () => plant.audit('command').length === 7 && plant.events('command').length === 6);
    assert.deepEqual(outcomes(), [
      ['c1', 'done', undefined],
      ['c1', 'done', 'again'],
      ['c2', 'refused', undefined],
      ['c3', 'checked', undefined],
      ['c4', 'held', undefined],
      ['c4', 'refused', 'COMMAND_NOT_APPROVED'],
      ['c4', 'done', undefined],
    ]);
    const [first, , , , , , approved] = plant.audit('command');
    const { audit, outcome, command, by, desired, points, twin } = plant.events('command')[0] ?? {};
    assert.deepEqual([twin, command, outcome, by], ['press-07', 'c1', 'done', 'anna']);
    assert.deepEqual([desired, points], [{ speed: 900 }, { speed: { status: 'written', value: 900 } }]);
    assert.deepEqual(audit, { sequence: first?.sequence, hash: first?.hash });
    assert.deepEqual([approved?.by, approved?.requested_by, approved?.approval], ['ben', 'anna', true]);
    assert.ok((await verifyAudit(plant.auditDirectory)).isSound);
  });

  it('tells starts and stops, and whether the configuration is another one', async () => {
    const restart = async () => {
      await plant.stopGateway();
      await plant.startGateway();
    };
    await restart();
    plant.configuration.write(
      'mappings/press.yaml',
      `# said otherwise\ntwin: press-07\nconnection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${plant.plc.port}, unit: 1 }\n${MAPPING}`,
    );
    await restart();
    plant.configuration.write(
      'mappings/press.yaml',
      `twin: press-07\nconnection: { protocol: modbus-tcp, host: 127.0.0.1, port: ${plant.plc.port}, unit: 1 }\n${MAPPING.replace('1500', '3000')}`,
    );
    await restart();
    await plant.stopGateway();
    const starts = plant.audit('start');
    assert.deepEqual(
      starts.map(({ configurationChanged }) => configurationChanged),
      [undefined, false, false, true],
    );
    assert.notEqual(starts[2]?.configuration, starts[3]?.configuration);
    assert.equal(plant.audit('stop').length, 4);
    assert.ok((await verifyAudit(plant.auditDirectory)).isSound);
  });

  it('tells the hub that comes and goes, each refusal once, and what was no command', async () => {
    await plant.broker.publish('gw-01/press-07/command', 'no json');
    await plant.until('the packet is told', () => plant.audit('packet').length === 1);
    await plant.broker.down();
    await plant.until('the refusal is told', () => plant.audit('hub').length >= 3);
    const [up, lost, refused] = plant.audit('hub');
    assert.deepEqual([up?.state, lost?.state, refused?.state, refused?.code], ['up', 'lost', 'refused', 'HUB_REFUSED']);
    assert.deepEqual(
      [up?.endpoint, plant.audit('packet')[0]?.code],
      [`mqtt://127.0.0.1:${plant.broker.port}`, 'COMMAND_INVALID'],
    );
  });

  it('counts each packet of a flood that is no command, and writes no more than a bounded number of lines', async () => {
    const { holding } = plant.memory;
    const before = Buffer.from(holding).toString('hex');
    const invalid = () => plant.gateway.status().hubs[0]?.counters.invalid_commands ?? 0;
    for (let index = 0; index < 3_000; index += 1)
      await plant.broker.publish('gw-01/press-07/command', `{"id":"c${index}","desired":`);
    await plant.until('all are refused', () => invalid() === 3_000);
    assert.equal((await plant.send({ id: 'c1', desired: { speed: 900 } })).status, 'done');
    await plant.stopGateway();
    const packets = plant.audit('packet');
    const counted = [...packets, ...plant.audit('flood')].reduce(
      (sum, { kind, notWrittenBefore = 0, notWritten = 0 }) =>
        sum + Number(kind === 'packet') + Number(notWrittenBefore) + Number(notWritten),
      0,
    );
    assert.equal(counted, 3_000);
    assert.ok(packets.length >= 1_000 && packets.length < 1_100, `${packets.length} lines`);
    holding[40] = 0;
    assert.equal(Buffer.from(holding).toString('hex'), before);
  });

  it('goes on without a disk, shows it, and tells what was lost', async () => {
    await plant.stopGateway();
    rmSync(plant.auditDirectory, { recursive: true });
    writeFileSync(plant.auditDirectory, 'a file in the way');
    await plant.startGateway();
    assert.equal((await plant.send({ id: 'c1', desired: { speed: 50 } })).status, 'done');
    await plant.until('the event comes without its place', () => plant.events('command').length === 1);
    assert.equal(plant.events('command')[0]?.audit, undefined);
    assert.equal(plant.gateway.status().audit?.state, 'degraded');
    const { isHealthy, remarks } = plant.gateway.health();
    assert.deepEqual([isHealthy, remarks?.length], [true, 1]);
    assert.equal(plant.log.events('audit degraded').length, 1);
    rmSync(plant.auditDirectory);
    await plant.until('the disk is there again', () => plant.gateway.status().audit?.state === 'ok');
    assert.equal(plant.gateway.health().remarks, undefined);
    await plant.until('what waited is written', () => plant.audit('command').length === 1);
  });

  it('is proved, shown and found broken at the command line', async function () {
    this.timeout(120_000);
    await plant.send({ id: 'c1', desired: { speed: 900 }, by: 'anna' });
    await plant.stopGateway();
    const of = (...args: readonly string[]) => runCli(['audit', ...args, '--directory', plant.auditDirectory]);
    const [proof, shown, last] = await Promise.all([
      of('verify'),
      of('show', '--kind', 'command'),
      of('show', '--last', '1', '--json'),
    ]);
    const [, head = ''] = /the chain is whole; head (\d+:[0-9a-f]{64})/.exec(proof.stdout) ?? [];
    assert.equal(proof.code, 0, proof.stdout);
    assert.match(shown.stdout, /^\d+ \S+Z command command=c1 device=press-07 by=anna status=done .*desired=\{"speed":900\}.*\n$/);
    assert.equal(JSON.parse(last.stdout).kind, 'stop');
    const other = head.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    const heads = await Promise.all([head, other, 'x'].map((place) => of('verify', '--head', place)));
    assert.deepEqual(
      heads.map(({ code }) => code),
      [0, 1, 64],
    );
    const path = join(plant.auditDirectory, 'audit-000000000001.jsonl');
    writeFileSync(path, readFileSync(path, 'latin1').replace('"speed":900', '"speed":800'), 'latin1');
    const broken = await of('verify');
    assert.equal(broken.code, 1);
    assert.match(broken.stdout, /broken: audit-0+1\.jsonl:\d+: this is not what was written here\n.*the chain is broken/s);
  });
});
