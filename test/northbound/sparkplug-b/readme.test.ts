import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { loadConfiguration } from '../../../src/config/load.ts';
import { formatProblems } from '../../../src/config/problem.ts';
import { declarations, dialectsOf } from '../../../src/gateway/plug-ins.ts';
import { TemporaryConfiguration } from '../../support/configuration.ts';
import { message, T0 } from './plant.ts';

const README = new URL('../../../src/northbound/dialects/sparkplug-b/README.md', import.meta.url);

async function plan() {
  const [, example = ''] = /```yaml example\n([\s\S]*?)```/.exec(await readFile(README, 'utf8')) ?? [];
  using configuration = new TemporaryConfiguration({
    'gateway.yaml': `gateway: { id: plant-a }\n${example}`,
    'mappings/press.yaml':
      'twin: press-07\nconnection: { protocol: modbus-tcp, host: 10.20.0.17, unit: 3 }\npoints:\n  oil: { address: { input: 12 }, type: int16 }\n',
    'credentials/scada-password': 'x',
  });
  const environment = { CREDENTIALS_DIRECTORY: configuration.path('credentials') };
  const loaded = await loadConfiguration(configuration.directory, declarations, { environment });
  assert.equal(formatProblems(loaded.problems), '');
  assert.ok(loaded.plan);
  return loaded.plan;
}

describe('README of Sparkplug B', () => {
  it('shows a configuration that is taken, and names that hosts will see', async () => {
    const dialect = (await dialectsOf(await plan())).get('scada') ?? assert.fail();
    const [packet] = dialect.encode(message('press-07', { startTimeMs: T0, values: { oil: [[0, 5]] } }), T0);
    assert.equal(packet?.topic, 'spBv1.0/Plant A/DDATA/line-3/press-07');
  });
});
