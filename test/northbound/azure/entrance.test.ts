import assert from 'node:assert/strict';
import { createHmac, X509Certificate } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError } from '../../../src/model/error.ts';
import type { Attempt } from '../../../src/northbound/dialect.ts';
import { createMqttHub } from '../../../src/northbound/mqtt-hub.ts';
import { ADDRESS, eachWithPlant, type HubPlant } from '../../support/azure/hub-plant.ts';
import { IotHub } from '../../support/azure/iot-hub.ts';
import { azureDialect, GROUP_KEY, KEY, OTHER_KEY, press, secret } from '../../support/azure/plant.ts';
import { type Enrolment, ProvisioningService } from '../../support/azure/provisioning.ts';
import { fastClock } from '../../support/fast-clock.ts';
import { HttpProxy } from '../../support/http-proxy.ts';
import { stored } from '../../support/recorded-spool-reader.ts';

const NEVER = new AbortController().signal;
const SECOND_ADDRESS = '127.0.0.2';
const SERVICE_ADDRESS = '127.0.0.3';
const ID_SCOPE = '0ne00ABCDEF';

describe('the entrance to an IoT hub', () => {
  let plant: HubPlant;

  eachWithPlant((started) => {
    plant = started;
  });

  const register = (id: string, credentials: Parameters<IotHub['register']>[1]) => plant.hub.register(id, credentials);

  describe('by token', () => {
    it('is renewed before the token ends, by a reconnect that loses nothing', async () => {
      const hour = 3_600_000;
      const nowMs = Date.UTC(2026, 0, 1);
      const clock = { nowMs: () => nowMs, monotonicMs: () => 0, sleep: () => new Promise<void>(() => {}) };
      const settings = { host: ADDRESS, port: plant.hub.port, ca: plant.authority.ca };
      const dialect = azureDialect({ settings, context: { clock, stateDirectory: plant.stateDirectory } });
      const [endpoint] = dialect.wire.endpoints;
      assert.ok(endpoint !== undefined && dialect.prepare !== undefined);
      const prepared = await dialect.prepare({ endpoint, signal: NEVER, ask: () => assert.fail('nobody is asked') });
      const { renewAtMs = 0 } = prepared;
      assert.ok(renewAtMs >= nowMs + 0.8 * hour && renewAtMs <= nowMs + 0.9 * hour);
      assert.match(prepared.settings.password?.reveal() ?? '', /se=1767229200$/);
    });

    it('takes the other key where the first is not accepted any more', async () => {
      register('gw-01', { keys: [OTHER_KEY] });
      const gateway = plant.gateway({ settings: { auth: { key: secret(KEY), otherKey: secret(OTHER_KEY) } } });
      await assert.rejects(gateway.open(NEVER), { code: 'HUB_UNAUTHORIZED' });
      await plant.open(gateway);
    });

    it('is refused with a key that is not that of the device', async () => {
      const gateway = plant.gateway({ settings: { auth: { key: secret(OTHER_KEY) } } });
      await assert.rejects(gateway.open(NEVER), { code: 'HUB_UNAUTHORIZED' });
      assert.deepEqual(plant.hub.refusals, ['the signature is wrong']);
    });

    it('lets in one connection of a device only: the newer one', async () => {
      const first = await plant.open();
      await plant.open();
      const { code, message } = await first.lost;
      assert.equal(code, 'HUB_REFUSED');
      assert.match(message, /no other client uses the client id `gw-01`/);
    });
  });

  describe('by certificate', () => {
    it('needs no password, whether the hub knows the thumbprint or the authority', async () => {
      const { certificate, privateKey } = await plant.authority.issue('gw-01');
      const auth = { certificate, privateKey: secret(await readFile(privateKey)) };
      register('gw-01', { isCaSigned: true });
      await (await plant.open({ settings: { auth } })).close();
      assert.equal(plant.hub.connects[0]?.password, undefined);
      register('gw-01', { thumbprints: [new X509Certificate(await readFile(certificate)).fingerprint256] });
      await (await plant.open({ settings: { auth } })).close();
      register('gw-01', { thumbprints: ['00'] });
      await assert.rejects(plant.gateway({ settings: { auth } }).open(NEVER), { code: 'HUB_UNAUTHORIZED' });
    });

    it('reads a certificate that was renewed on disk at the next connect', async () => {
      const { directory } = plant.authority;
      const old = await plant.authority.issue('old');
      await copyFile(old.certificate, join(directory, 'press-07.crt'));
      await copyFile(old.privateKey, join(directory, 'press-07.key'));
      await chmod(join(directory, 'press-07.key'), 0o600);
      register('press-07', { isCaSigned: true });
      const auth = { certificates: join(directory, '{twin}.crt'), privateKeys: join(directory, '{twin}.key') };
      const gateway = plant.gateway({
        settings: { deviceIdentity: 'per-device', auth },
        plan: { name: 'cloud/press-07', twin: 'press-07' },
      });
      await assert.rejects(gateway.open(NEVER), { code: 'HUB_UNAUTHORIZED' });
      await plant.authority.issue('press-07');
      await plant.open(gateway);
      await chmod(join(directory, 'press-07.key'), 0o644);
      await assert.rejects(gateway.open(NEVER), { code: 'HUB_UNAUTHORIZED', message: /chmod 0600/ });
    });
  });

  describe('by a pin', () => {
    const pinOf = (pem: unknown) => new X509Certificate(String(pem)).fingerprint256;

    for (const transport of ['mqtt', 'websocket'] as const) {
      it(`takes the hub for what it is without an authority, ${transport}`, async () => {
        const port = transport === 'mqtt' ? plant.hub.port : plant.hub.webSocketPort;
        const settings = { transport, port, ca: undefined, pin: pinOf(plant.tls.cert) };
        await (await plant.open({ settings })).publish(stored(1));
        assert.equal(plant.hub.messages.length, 1);
      });
    }

    it('refuses any other hub before anything is said', async () => {
      const { certificate } = await plant.authority.issue('other');
      const pin = pinOf(await readFile(certificate));
      await assert.rejects(plant.gateway({ settings: { pin } }).open(NEVER), { code: 'HUB_UNTRUSTED' });
      assert.equal(plant.hub.connects.length, 0);
    });
  });

  it('goes through a proxy, over WebSocket', async () => {
    const proxy = await HttpProxy.start();
    const settings = { transport: 'websocket', port: plant.hub.webSocketPort, proxy: { url: proxy.url } };
    const session = await plant.open({ settings });
    await session.publish(stored(1));
    await session.close();
    await proxy.stop();
    assert.deepEqual(proxy.targets, [`${ADDRESS}:${plant.hub.webSocketPort}`]);
    assert.equal(plant.hub.messages.length, 1);
  });

  it('takes the second transport where the first is not let out', async () => {
    const gateway = plant.gateway({ settings: { transport: ['mqtt', 'websocket'], port: plant.hub.webSocketPort } });
    await assert.rejects(gateway.open(NEVER));
    await (await plant.open(gateway)).close();
  });

  describe('by the provisioning service', () => {
    let second: IotHub;
    let service: ProvisioningService;
    let assigned: { host: string; deviceId: string } | 'failed' | 'disabled';
    /** Of the service and the second hub. */
    let certificate: Buffer;
    const clock = fastClock(50);
    const derived = (id: string) => createHmac('sha256', Buffer.from(GROUP_KEY, 'base64')).update(id).digest('base64');

    const start = async (enrolment: Enrolment) => {
      const { port } = plant.hub;
      assigned = { host: ADDRESS, deviceId: 'gw-01' };
      const tls = await plant.authority.issue('everywhere', {
        subjectAltNames: [ADDRESS, SECOND_ADDRESS, SERVICE_ADDRESS].map((value) => ({ type: 'ip' as const, value })),
      });
      certificate = await readFile(tls.certificate);
      const files = { cert: certificate, key: await readFile(tls.privateKey) };
      second = await IotHub.start({ address: SECOND_ADDRESS, port, tls: files });
      service = await ProvisioningService.start({
        ...{ address: SERVICE_ADDRESS, port, tls: files, idScope: ID_SCOPE, enrolment, nowMs: () => clock.nowMs() },
        assign: () => assigned,
      });
    };

    afterEach(async () => {
      await plant.rest();
      await second.stop();
      await service.stop();
      assert.deepEqual([...service.violations, ...second.violations], []);
    });

    const gateway = (auth: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}) => {
      const settings = {
        ...{ port: plant.hub.port, ca: plant.authority.ca, auth, acknowledgeTimeout: '100 s', connectTimeout: '100 s' },
        provisioning: { idScope: ID_SCOPE, host: SERVICE_ADDRESS, payload: { site: 'plant-a' } },
        ...more,
      };
      const dialect = azureDialect({ settings, context: { clock, stateDirectory: plant.stateDirectory } });
      return createMqttHub('cloud', dialect, clock);
    };

    it('asks with the key derived from that of the group, and connects where it is sent with the same', async () => {
      await start({ groupKey: GROUP_KEY });
      register('gw-01', { keys: [derived('gw-01')] });
      const session = await plant.open(gateway({ groupKey: secret(GROUP_KEY) }, { modelId: 'dtmi:com:acme:Gateway;1' }));
      await session.publish(stored(1));
      const expected = { registrationId: 'gw-01', payload: { site: 'plant-a', modelId: 'dtmi:com:acme:Gateway;1' } };
      assert.deepEqual(service.registrations, [expected]);
      assert.equal(plant.hub.messages.length, 1);
      assert.equal(service.openConnections, 0);
    });

    it('asks with a key of its own, or with a certificate, and may get another device id', async () => {
      await start({ key: KEY, isX509: true });
      assigned = { host: SECOND_ADDRESS, deviceId: 'line-3' };
      second.register('line-3', { keys: [KEY] });
      const first = await plant.open(gateway({ key: secret(KEY) }));
      await first.publish(stored(1));
      assert.equal(second.messages.length, 1);
      await plant.rest();
      assigned = { host: SECOND_ADDRESS, deviceId: 'gw-01' };
      second.register('gw-01', { isCaSigned: true });
      const { certificate, privateKey } = await plant.authority.issue('gw-01');
      await plant.open(gateway({ certificate, privateKey: secret(await readFile(privateKey)) }));
      assert.equal(service.registrations.length, 2);
    });

    it('goes by the pin at the hub, and by the authority at the service', async () => {
      await start({ key: KEY });
      const pin = new X509Certificate(String(plant.tls.cert)).fingerprint256;
      await (await plant.open(gateway({ key: secret(KEY) }, { pin }))).close();
      plant.hub.connects.splice(0);
      await plant.rest();
      const ofService = new X509Certificate(certificate).fingerprint256;
      await assert.rejects(gateway({ key: secret(KEY) }, { pin: ofService }).open(NEVER), { code: 'HUB_UNTRUSTED' });
      assert.deepEqual([service.registrations.length, plant.hub.connects.length], [2, 0]);
    });

    it('does not ask in the same moment as all others, least of all when a hub has gone', async () => {
      const waits = { first: [] as number[], again: [] as number[] };
      for (let gatewayNumber = 0; gatewayNumber < 40; gatewayNumber += 1) {
        let sleeps: number[] = [];
        const counting = { ...clock, sleep: async (ms: number) => void sleeps.push(ms) };
        const settings = { host: undefined, provisioning: { idScope: ID_SCOPE }, auth: { key: secret(KEY) } };
        const { prepare, wire } = azureDialect({ settings, context: { clock: counting, stateDirectory: '/dev/null/none' } });
        const [endpoint] = wire.endpoints;
        const ask = (async () => ({ host: ADDRESS, deviceId: 'gw-01' })) as Attempt['ask'];
        const attempt = { endpoint: endpoint ?? assert.fail(), signal: NEVER, ask };
        await prepare?.(attempt);
        waits.first.push(...sleeps);
        sleeps = [];
        await prepare?.({ ...attempt, previous: new GatewayError('HUB_UNAUTHORIZED', 'hub', 'gone') });
        waits.again.push(...sleeps);
      }
      assert.deepEqual([waits.first.length, waits.again.length], [40, 40]);
      assert.ok(Math.max(...waits.first) <= 10_000 && Math.max(...waits.again) <= 60_000);
      assert.ok(new Set(waits.first).size > 30 && Math.max(...waits.again) > 20_000);
    });

    it('asks once, and keeps the answer over restarts', async () => {
      await start({ key: KEY });
      await (await plant.open(gateway({ key: secret(KEY) }))).close();
      await service.stop();
      await plant.open(gateway({ key: secret(KEY) }));
      assert.equal(service.registrations.length, 1);
      await service.listen();
    });

    it('asks again when the hub refuses, and goes to the hub that the device has moved to', async () => {
      await start({ key: KEY });
      const moving = gateway({ key: secret(KEY) });
      await (await plant.open(moving)).close();
      plant.hub.device('gw-01').isEnabled = false;
      second.register('gw-01', { keys: [KEY] });
      assigned = { host: SECOND_ADDRESS, deviceId: 'gw-01' };
      await assert.rejects(moving.open(NEVER), { code: 'HUB_UNAUTHORIZED' });
      await plant.open(moving);
      assert.deepEqual([service.registrations.length, second.connects.length], [2, 1]);
      assert.match(moving.endpoint, /127\.0\.0\.2/);
    });

    it('asks again after ten failures in a row, but not while the service is away', async () => {
      await start({ key: KEY });
      const failing = gateway({ key: secret(KEY) });
      await (await plant.open(failing)).close();
      await service.stop();
      plant.hub.script = { connackCode: 3 };
      for (let count = 0; count < 12; count += 1) await assert.rejects(failing.open(NEVER), { code: 'HUB_REFUSED' });
      await service.listen();
      await assert.rejects(failing.open(NEVER));
      assert.equal(service.registrations.length, 2);
      plant.hub.script = {};
      await plant.open(failing);
    });

    it('does not forget the hub it knows where the service refuses', async () => {
      await start({ key: KEY });
      const doubting = gateway({ key: secret(KEY) });
      await (await plant.open(doubting)).close();
      plant.hub.device('gw-01').isEnabled = false;
      await assert.rejects(doubting.open(NEVER), { code: 'HUB_UNAUTHORIZED' });
      assigned = 'disabled';
      await assert.rejects(doubting.open(NEVER), { code: 'HUB_UNAUTHORIZED', message: /disabled/ });
      plant.hub.device('gw-01').isEnabled = true;
      await plant.open(doubting);
    });

    it('finds the right key of two for the service and for the hub, also when the device has moved', async () => {
      await start({ key: KEY });
      const moving = gateway({ key: secret(KEY), otherKey: secret(OTHER_KEY) });
      await (await plant.open(moving)).close();
      plant.hub.device('gw-01').isEnabled = false;
      second.register('gw-01', { keys: [KEY] });
      assigned = { host: SECOND_ADDRESS, deviceId: 'gw-01' };
      for (let attempt = 1; attempt < 6 && second.telemetry.length === 0; attempt += 1) {
        const session = await plant.open(moving).catch(() => undefined);
        await session?.publish(stored(1));
      }
      assert.ok(second.telemetry.length > 0);
    });

    it('waits as long as the service says, and tries again what was throttled', async () => {
      await start({ key: KEY });
      service.script = [{ status: 429, retryAfterS: 4 }, { status: 503 }];
      const startedMs = clock.monotonicMs();
      await plant.open(gateway({ key: secret(KEY) }));
      assert.ok(clock.monotonicMs() - startedMs >= 4_000 + 2_000 + 2 * 3_000);
    });

    for (const state of ['failed', 'disabled'] as const) {
      it(`tells what the service says of a registration that is ${state}`, async () => {
        await start({ key: KEY });
        assigned = state;
        await assert.rejects(gateway({ key: secret(KEY) }).open(NEVER), {
          code: 'HUB_UNAUTHORIZED',
          message: new RegExp(`${state}: Custom allocation failed`),
        });
      });
    }

    it('is refused with 401 for good', async () => {
      await start({ key: KEY });
      service.script = [{ status: 401 }];
      await assert.rejects(gateway({ key: secret(KEY) }).open(NEVER), { code: 'HUB_UNAUTHORIZED', message: /401/ });
      await assert.rejects(gateway({ key: secret(OTHER_KEY) }).open(NEVER), { code: 'HUB_UNAUTHORIZED' });
    });
  });

  it('has a key in a file for each twin', async () => {
    register('press-07', { keys: [KEY] });
    const directory = join(plant.authority.directory, 'keys');
    await mkdir(directory);
    await writeFile(join(directory, 'press-07.key'), `${KEY}\n`, { mode: 0o600 });
    const settings = { deviceIdentity: 'per-device', auth: { keyFiles: join(directory, '{twin}.key') } };
    const model = 'dtmi:com:acme:Press;1';
    const gateway = plant.gateway({
      settings,
      devices: [press('press-07', { model }), press('press-08')],
      plan: { name: 'cloud/press-07', twin: 'press-07' },
    });
    await plant.open(gateway);
    assert.match(plant.hub.connects[0]?.username ?? '', /\/press-07\/.*model-id=dtmi:com:acme:Press;1/);
    const other = plant.gateway({ settings, devices: [press('press-08')], plan: { name: 'cloud/press-08', twin: 'press-08' } });
    await assert.rejects(other.open(NEVER), { code: 'HUB_UNAUTHORIZED', message: /press-08\.key cannot be read/ });
  });
});
