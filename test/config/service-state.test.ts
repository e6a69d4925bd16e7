import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { loadConfiguration } from '../../src/config/load.ts';
import type { Secret } from '../../src/model/secret.ts';
import { GATEWAY, TemporaryConfiguration } from '../support/configuration.ts';
import { declarations } from '../support/declarations.ts';

describe('the state of a service whose configuration is looked at at the command line', () => {
  let root: TemporaryConfiguration;
  const mapping =
    'twin: press-07\nhub: cloud\nconnection: { protocol: modbus-tcp, host: 10.20.0.17 }\npoints: { a: { address: { input: 1 }, type: int16 } }\n';

  beforeEach(() => {
    root = new TemporaryConfiguration({
      'etc/fieldmarshal/gateway.yaml': GATEWAY,
      'etc/fieldmarshal/mappings/press.yaml': mapping,
    });
  });

  afterEach(() => root[Symbol.dispose]());

  async function placesOf(environment: Readonly<Record<string, string>> = {}) {
    const { plan, problems } = await loadConfiguration(root.path('etc/fieldmarshal'), declarations, { environment });
    assert.ok(plan !== undefined, JSON.stringify(problems));
    return { plan, spool: plan.spool.directory, state: plan.stateDirectory };
  }

  it('is that of the service, below /var/lib by the same name', async () => {
    mkdirSync(root.path('var/lib/fieldmarshal'), { recursive: true });
    const { spool, state } = await placesOf();
    assert.deepEqual([spool, state], [root.path('var/lib/fieldmarshal/spool'), root.path('var/lib/fieldmarshal')]);
  });

  it('is what systemd says, in the service itself', async () => {
    mkdirSync(root.path('var/lib/fieldmarshal'), { recursive: true });
    const { spool, state } = await placesOf({ STATE_DIRECTORY: '/srv/one:/srv/two' });
    assert.deepEqual([spool, state], ['/srv/one/spool', '/srv/one']);
  });

  it('is there also where the spool lies on a disk of its own', async () => {
    mkdirSync(root.path('var/lib/fieldmarshal'), { recursive: true });
    root.write('etc/fieldmarshal/gateway.yaml', `${GATEWAY}spool: { directory: /data/spool }\n`);
    const { spool, state } = await placesOf();
    assert.deepEqual([spool, state], ['/data/spool', root.path('var/lib/fieldmarshal')]);
  });

  it('lies beside the configuration where there is no service', async () => {
    const { spool, state } = await placesOf();
    assert.deepEqual([spool, state], [root.path('etc/fieldmarshal/var/spool'), root.path('etc/fieldmarshal/var')]);
  });

  it('includes the credentials that systemd hands to the service', async () => {
    const auth = 'auth: { username: gw, password: !secret hub-password }';
    root.write('etc/fieldmarshal/gateway.yaml', GATEWAY.replace('url:', `${auth}, url:`));
    root.write('etc/fieldmarshal/credentials/hub-password', 'sesame');
    const { plan } = await placesOf();
    const [hub] = plan.hubs;
    assert.ok(hub !== undefined);
    const given = hub.settings as { readonly auth: { readonly password: Secret } };
    assert.equal(Buffer.from(given.auth.password.revealBytes()).toString(), 'sesame');
    chmodSync(root.path('etc/fieldmarshal/credentials/hub-password'), 0o644);
    const { problems } = await loadConfiguration(root.path('etc/fieldmarshal'), declarations, { environment: {} });
    assert.match(problems[0]?.message ?? '', /others than its owner may read/);
  });
});
