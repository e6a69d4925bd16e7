import assert from 'node:assert/strict';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import type { HubPlan } from '../../src/model/plan.ts';
import type { Secret } from '../../src/model/secret.ts';
import { TemporaryConfiguration } from '../support/configuration.ts';
import { planOf } from '../support/gateway-plan.ts';

const YAML = `gateway: { id: plant-a }
hubs:
  cloud: { dialect: mqtt, url: "mqtts://broker.example", auth: { username: gw, password: !secret hub-password } }
`;

describe('a secret of the configuration', () => {
  it('is read anew where it lies, but never what is half written, gone, or open to others', async () => {
    using configuration = new TemporaryConfiguration({ 'gateway.yaml': YAML, 'secrets/hub-password': 'first\n' });
    const plan = await planOf(configuration);
    const [hub] = plan.hubs as readonly [HubPlan<{ auth: { password: Secret } }>];
    const { password } = hub.settings.auth;
    const file = configuration.path('secrets/hub-password');
    assert.equal(password.reveal(), 'first');
    writeFileSync(file, 'second\n');
    assert.equal(password.reveal(), 'second');
    writeFileSync(file, '');
    assert.equal(password.reveal(), 'second');
    writeFileSync(file, 'third');
    chmodSync(file, 0o644);
    assert.equal(password.reveal(), 'second');
    rmSync(file);
    assert.equal(password.reveal(), 'second');
    for (const shown of [String(password), JSON.stringify(password), inspect(password, { depth: 9, showHidden: true })])
      assert.ok(!shown.includes('second'), shown);
  });
});
