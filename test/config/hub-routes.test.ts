import assert from 'node:assert/strict';
import { loadConfiguration } from '../../src/config/load.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { declarations } from '../support/declarations.ts';

const HUB = 'dialect: mqtt, url: "mqtt://127.0.0.1"';
const gateway = (hubs: string) => `gateway: { id: gw, labels: { site: plant-a } }\nhubs:\n${hubs}`;
const mapping = (head: string) => `${head}
connection: { protocol: modbus-tcp, host: 127.0.0.1 }
points: { a: { address: { input: 1 }, type: int16 } }
`;
const INSTANCES = mapping('instances: [{ twin: press-1, labels: { tenant: acme } }, { twin: meter-1, connection: { unit: 2 } }]');

async function load(hubs: string, mappings: Readonly<Record<string, string>>) {
  const files = Object.fromEntries(Object.entries(mappings).map(([name, text]) => [`mappings/${name}.yaml`, text]));
  using configuration = new TemporaryConfiguration({ 'gateway.yaml': gateway(hubs), ...files });
  const { plan, problems } = await loadConfiguration(configuration.directory, declarations);
  return { problems, routes: new Map(plan?.devices.map(({ twin, hubs }) => [twin, hubs])) };
}

describe('routes by what hubs take', () => {
  const HUBS = `
  cloud: { ${HUB}, takes: { twins: ["press-*"], kinds: [property, event] } }
  tenant: { ${HUB}, takes: { labels: { tenant: ac*, site: plant-a } } }
  all: { ${HUB} }`;

  it('choose the hubs of each twin by its name, its labels and the kind of message', async () => {
    const { routes, problems } = await load(HUBS, { both: INSTANCES });
    assert.deepEqual(problems, []);
    assert.deepEqual(routes.get('press-1'), {
      telemetry: ['tenant', 'all'],
      property: ['cloud', 'tenant', 'all'],
      event: ['cloud', 'tenant', 'all'],
      status: ['tenant', 'all'],
      gap: ['cloud', 'tenant', 'all'],
    });
    assert.deepEqual(routes.get('meter-1')?.property, ['all']);
  });

  it('leave a mapping alone that names its hubs itself', async () => {
    const { routes } = await load(HUBS, { own: mapping('twin: press-1\nhub: all') });
    assert.deepEqual(routes.get('press-1')?.event, ['all']);
  });

  it('complain of a twin that no hub takes, at its instance', async () => {
    const hubs = `
  cloud: { ${HUB}, takes: { twins: ["press-*"] } }
  more: { ${HUB}, takes: { twins: ["p(ess-1"] } }`;
    const { problems } = await load(hubs, { both: INSTANCES });
    assert.deepEqual(
      problems.map(({ message, line }) => [message, line]),
      [['no hub takes the twin `meter-1`', 1]],
    );
  });

  it('want every mapping to name its hub where no hub says what it takes', async () => {
    const { problems } = await load(`\n  a: { ${HUB} }\n  b: { ${HUB} }`, { one: mapping('twin: press-1') });
    assert.equal(problems[0]?.message, '`hub` is missing');
    assert.match(problems[0]?.hint ?? '', /takes/);
  });
});
