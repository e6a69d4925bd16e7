import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connectAsync, type IClientPublishOptions, type MqttClient } from 'mqtt';
import { sasToken } from '../../../src/northbound/dialects/azure-iot-hub/sas-token.ts';
import { ADDRESS, HubPlant, until } from '../../support/azure/hub-plant.ts';
import { KEY } from '../../support/azure/plant.ts';

/** An emulator that forgives proves nothing. */
describe('the emulator of an IoT hub', () => {
  let plant: HubPlant;
  let client: MqttClient | undefined;

  before(async function () {
    this.timeout(30_000);
    plant = await HubPlant.start();
  });

  afterEach(async () => {
    await client?.endAsync(true);
    await plant.rest();
  });

  after(() => plant.end());

  const connect = async (more: Readonly<Record<string, unknown>> = {}) => {
    const token = { resource: `${ADDRESS}/devices/gw-01`, key: Buffer.from(KEY, 'base64'), expiresTimeMs: Date.now() + 60_000 };
    client = await connectAsync(`mqtts://${ADDRESS}:${plant.hub.port}`, {
      ...{ protocolVersion: 4, clientId: 'gw-01', reconnectPeriod: 0, ca: await readFile(plant.authority.ca) },
      username: `${ADDRESS}/gw-01/?api-version=2021-04-12`,
      password: sasToken(token),
      ...more,
    });
    client.on('error', () => {});
    return client;
  };

  /** What it says of one thing that a client does, after which it closes the connection. */
  const breach = async (act: (opened: MqttClient) => unknown) => {
    const opened = await connect();
    const closed = new Promise<void>((resolve) => void opened.once('close', () => resolve()));
    act(opened);
    await closed;
    return plant.hub.violations.join();
  };

  const EVENTS = 'devices/gw-01/messages/events/';
  const GOOD = `${EVENTS}%24.ct=application%2Fjson%3Bcharset%3Dutf-8&%24.ce=utf-8`;
  const publish = (topic: string, payload: string | Buffer = '{}', options: IClientPublishOptions = { qos: 1 }) =>
    breach((opened) => void opened.publish(topic, payload, options));

  it('closes the connection of whoever breaks a rule', async () => {
    assert.match(await publish(GOOD, '{}', { qos: 2 }), /QoS 2/);
    assert.match(await publish('plant/press-07', '{}'), /topic plant/);
    assert.match(await publish(GOOD.replace('gw-01', 'gw-02')), /topic devices\/gw-02/);
    assert.match(await publish(GOOD, `{"a":"${'x'.repeat(270_000)}"}`), /a message of 27\d+ bytes/);
    assert.match(await publish(GOOD, '[1]'), /no object/);
    assert.match(await publish(EVENTS), /content type/);
    assert.match(await publish(`${GOOD}&a=b=c`), /property bag/);
    assert.match(await publish(`${GOOD}&%24.xyz=1`), /system property/);
    assert.match(await publish(`${GOOD}&twin=press-07`), /twin/);
    assert.match(await breach((opened) => void opened.subscribe('#')), /filter #/);
    assert.match(await breach((opened) => void opened.subscribe('devices/gw-02/messages/devicebound/#')), /filter/);
  });

  it('notes what a real hub would put up with, but nobody should do', async () => {
    const opened = await connect();
    await opened.publishAsync(GOOD, '{}', { qos: 1, retain: true });
    await opened.publishAsync('$iothub/twin/GET/?$rid=1', '', { qos: 0 });
    await until(() => plant.hub.violations.length === 2);
    assert.match(plant.hub.violations.join(), /RETAIN.*without a subscription/);
  });

  it('refuses reported properties that break the rules of twins', async () => {
    const opened = await connect();
    await opened.subscribeAsync('$iothub/twin/res/#');
    const bad = [{ 'a.b': 1 }, { a: 2 ** 53 }, { a: 'x'.repeat(5_000) }, JSON.parse(`${'{"a":'.repeat(12)}1${'}'.repeat(12)}`)];
    for (const patch of bad) await opened.publishAsync('$iothub/twin/PATCH/properties/reported/?$rid=1', JSON.stringify(patch));
    await until(() => plant.hub.violations.length === bad.length);
    assert.equal(plant.hub.device('gw-01').twin.reportedVersion, 1);
  });

  it('lets nobody in with a user name, a token or a version that is not as it should be', async () => {
    for (const more of [
      { username: `${ADDRESS}/gw-01` },
      { password: 'SharedAccessSignature sr=a&sig=b&se=1' },
      { password: undefined },
      { clientId: 'gw-02' },
    ])
      await assert.rejects(connect(more), /Not authorized/);
    assert.equal(plant.hub.refusals.length, 4);
    await connect({ protocolVersion: 5 }).catch(() => {});
    assert.match(plant.hub.violations.join(), /protocol version 5/);
  });
});
