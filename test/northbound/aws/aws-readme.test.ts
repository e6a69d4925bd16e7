import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { loadConfiguration } from '../../../src/config/load.ts';
import { declarations } from '../../../src/gateway/plug-ins.ts';
import type { Command } from '../../../src/model/command.ts';
import { AwsAccount, AwsEmulator, fingerprintOf } from '../../support/aws/aws-emulator.ts';
import type { Policy } from '../../support/aws/policy.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { stored } from '../../support/recorded-spool-reader.ts';
import { awsDialect, openSession, property, settingsFor, until } from './plant.ts';

type Json = Record<string, unknown>;

interface Statement {
  readonly Action: string;
  readonly Resource: string | readonly string[];
}

describe('README of aws-iot-core', () => {
  const examples = new Map<string, string>();
  const example = (name: string): string => examples.get(name) ?? assert.fail(`no example \`${name}\``);
  let account: AwsAccount;
  let emulator: AwsEmulator;

  before(async function () {
    this.timeout(30_000);
    const readme = new URL('../../../src/northbound/dialects/aws-iot-core/README.md', import.meta.url);
    const text = await readFile(readme, 'utf8');
    for (const [, name = '', body = ''] of text.matchAll(/```(?:json|yaml) (\w+)\n([\s\S]*?)```/g)) examples.set(name, body);
    account = await AwsAccount.create();
  });

  after(() => account.remove());

  for (const name of ['gateway', 'provisioning']) {
    it(`shows a configuration that is right: ${name}`, async () => {
      const { gateway, claim } = account.files;
      using configuration = new TemporaryConfiguration({
        'gateway.yaml': example(name),
        'gw.crt': await readFile(gateway.certificate),
        'secrets/gw.key': await readFile(gateway.privateKey),
        'claim.crt': await readFile(claim.certificate),
        'secrets/claim.key': await readFile(claim.privateKey),
      });
      const { problems } = await loadConfiguration(configuration.directory, declarations);
      assert.deepEqual(
        problems.map(({ message }) => message),
        [],
      );
    });
  }

  it('warns of a point that can be desired in a shadow and does not stand there', async () => {
    const { gateway } = account.files;
    const point = (number: number, more = '') =>
      `{ address: { holding: ${number} }, type: uint16${more}, write: { min: 0, max: 9 } }`;
    const mapping = `twin: press-07
connection: { protocol: modbus-tcp, host: 10.0.0.1, unit: 1 }
points:
  speed: ${point(1)}
  mode: ${point(2, ', as: property')}
`;
    const warningsWith = async (more: string) => {
      using configuration = new TemporaryConfiguration({
        'gateway.yaml': example('gateway').replace('    auth:', `${more}    auth:`),
        'gw.crt': await readFile(gateway.certificate),
        'secrets/gw.key': await readFile(gateway.privateKey),
        'mappings/press.yaml': mapping,
      });
      const { plan, problems } = await loadConfiguration(configuration.directory, declarations);
      assert.ok(plan !== undefined);
      return problems.map(({ line, message, hint }) => [line, message, hint]);
    };
    const [[line, message, hint] = [], ...others] = await warningsWith('');
    assert.deepEqual([line, hint, others], [4, 'say `as: property`', []]);
    assert.match(String(message), /`speed` can be desired/);
    assert.deepEqual(await warningsWith('    shadows: false\n'), []);
  });

  it('asks for the rights that are needed, and for no more topics than that', async () => {
    emulator = await AwsEmulator.start(account);
    emulator.allow(await fingerprintOf(account.files.gateway), policyOf(example('policy')));
    const session = await openSession(awsDialect(settingsFor(account, emulator, { commands: {} })));
    const commands: Command[] = [];
    session.commands.subscribe((command) => void commands.push(command));
    await session.publish(stored(1));
    emulator.createJob('job', JSON.parse(example('job')) as Json);
    emulator.broker.send('cmd/gw-01/press-07', '{"id":"c1","desired":{"speed":1}}');
    await until(() => commands.length === 2);
    for (const { id, device } of commands) await session.respond({ id, device, status: 'done', points: {} });
    await until(() => emulator.jobs.next === undefined);
    const { _gateway: own, ...values } = JSON.parse(example('reported')) as { _gateway: Json; oilTemperature: number };
    const told = { ...property(58, { oilTemperature: [0, values.oilTemperature], pressure: [0, null, 'bad', 'BadTimeout'] }) };
    const message = { ...told.message, startTimeMs: Date.parse(String(own.time)) };
    await session.publish({ ...told, epoch: String(own.epoch), message });
    assert.deepEqual(emulator.shadows.document('gw-01', 'press-07')?.reported, { ...values, _gateway: own });
    await session.close();
    await emulator.broker.stop();
    assert.deepEqual([emulator.violations, emulator.refusals], [[], []]);
  });
});

/** What stands behind `client/`, `topic/` or `topicfilter/` in each statement. */
function policyOf(text: string): Policy {
  const { Statement: statements } = JSON.parse(text) as { Statement: readonly Statement[] };
  const resources = (action: string) =>
    statements
      .filter(({ Action }) => Action === action)
      .flatMap(({ Resource }) => Resource)
      .map((arn) => arn.replace(/^arn:aws:iot:REGION:ACCOUNT:[a-z]+\//, ''));
  return {
    connect: resources('iot:Connect'),
    publish: resources('iot:Publish'),
    subscribe: resources('iot:Subscribe'),
    receive: resources('iot:Receive'),
  };
}
