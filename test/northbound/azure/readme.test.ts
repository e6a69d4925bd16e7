import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { loadConfiguration } from '../../../src/config/load.ts';
import { declarations } from '../../../src/gateway/plug-ins.ts';
import type { CommandResult, WriteCommand } from '../../../src/model/command.ts';
import type { JsonMap } from '../../support/azure/device-twin.ts';
import { answerCommands, HubPlant, until } from '../../support/azure/hub-plant.ts';
import { KEY } from '../../support/azure/plant.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { telemetry } from '../../support/recorded-spool-reader.ts';

const VERSION = 5;

describe('README of azure-iot-hub', () => {
  const examples = new Map<string, string>();
  const example = (name: string): string => examples.get(name) ?? assert.fail(`no example \`${name}\``);
  const json = (name: string) => JSON.parse(example(name)) as JsonMap;
  let plant: HubPlant;

  before(async function () {
    this.timeout(30_000);
    const readme = new URL('../../../src/northbound/dialects/azure-iot-hub/README.md', import.meta.url);
    const text = await readFile(readme, 'utf8');
    for (const [, name = '', body = ''] of text.matchAll(/```(?:json|yaml) ([\w-]+)\n([\s\S]*?)```/g)) examples.set(name, body);
    plant = await HubPlant.start();
  });

  afterEach(() => plant.rest());

  after(() => plant.end());

  for (const name of ['gateway', 'provisioning', 'per-device']) {
    it(`shows a configuration that is right: ${name}`, async () => {
      using configuration = new TemporaryConfiguration({
        'gateway.yaml': example(name),
        'secrets/hub-key': KEY,
        'secrets/group-key': KEY,
      });
      const { problems } = await loadConfiguration(configuration.directory, declarations);
      assert.deepEqual(
        problems.map(({ message }) => message),
        [],
      );
    });
  }

  const written = ({ desired }: WriteCommand): Partial<CommandResult> => ({
    points: { speedSetpoint: { status: 'written', value: desired.speedSetpoint ?? 0 } },
  });

  it('shows the twin as it is', async () => {
    const { twin } = plant.hub.device('gw-01');
    twin.desiredVersion = VERSION - 1;
    const session = await plant.open();
    const seen = answerCommands(session, (command) =>
      'desired' in command ? written(command) : { settings: { logLevel: { status: 'changed', value: 'debug' } } },
    );
    const state = { twin: 'press-07', kind: 'property' as const, startTimeMs: 0, values: { isRunning: [[0, true] as const] } };
    await session.publish({ class: 'property', offset: 1, sequence: 1, epoch: 'e1', message: state });
    plant.hub.desire('gw-01', json('desired'));
    await until(() => JSON.stringify(twin.reported).match(/"ac"/g)?.length === 2);
    const { gatewaySettings, ...points } = twin.reported['press-07'] as JsonMap;
    assert.deepEqual({ 'press-07': points }, json('reported'));
    assert.equal((gatewaySettings as JsonMap).ac, 200);
    const settings = seen.find((command) => 'settings' in command);
    assert.deepEqual(settings?.settings, { logLevel: 'debug', 'motorCurrent.interval': '1 s' });
  });

  it('shows a method and a message that are commands', async () => {
    const session = await plant.open();
    const seen = answerCommands(session, (command) => ('desired' in command ? written(command) : {}));
    const { status } = await plant.hub.invoke('gw-01', 'press-07*gw.command', json('method'));
    assert.equal(status, 200);
    plant.hub.sendToDevice('gw-01', '%24.mid=m1&twinId=press-07', example('message'));
    await until(() => seen.length === 2);
    assert.deepEqual(
      (seen as WriteCommand[]).map(({ desired }) => desired),
      [{ speedSetpoint: 900 }, { speedSetpoint: 900 }],
    );
  });

  it('names the properties that its routing queries use', async () => {
    const session = await plant.open();
    await session.publish({ class: 'telemetry', offset: 1, sequence: 1, epoch: 'e1', message: telemetry('press-07', 1) });
    const message = plant.hub.telemetry.find(({ properties }) => properties.twinId === 'press-07');
    assert.deepEqual([message?.properties.schema, message?.properties.history], ['gw.telemetry/1', 'true']);
  });
});
