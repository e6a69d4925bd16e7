import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { Secret } from '../../src/model/secret.ts';
import { type Forwarding, startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { mqttDialect } from '../northbound/plant.ts';
import { createAuthority, type TestAuthority } from '../support/certificates.ts';
import { fastClock } from '../support/fast-clock.ts';
import { findMosquitto, Mosquitto } from '../support/mosquitto.ts';
import { RecordedSpoolReader, stored, telemetry } from '../support/recorded-spool-reader.ts';

const PROGRAM = findMosquitto();
const NEVER = new AbortController().signal;
const title = PROGRAM === undefined ? 'mosquitto (to run it: sudo scripts/install-test-peers/mosquitto.sh)' : 'mosquitto';

describe(title, () => {
  let broker: Mosquitto;
  let observer: MqttClient | undefined;
  let forwarding: Forwarding | undefined;
  let seen: { readonly topic: string; readonly body: Record<string, unknown> }[];

  before(function () {
    if (PROGRAM === undefined) this.skip();
  });

  beforeEach(() => {
    seen = [];
  });

  afterEach(async () => {
    await forwarding?.stop(0);
    await observer?.endAsync(true);
    [forwarding, observer] = [undefined, undefined];
    await broker?.stop();
  });

  const start = async (lines: readonly string[], password?: { user: string; password: string }) => {
    broker = await Mosquitto.start(PROGRAM ?? '', lines, password);
  };

  const observe = async (options: IClientOptions = {}) => {
    const clean = { protocolVersion: 5, clientId: 'observer', clean: false, properties: { sessionExpiryInterval: 600 } } as const;
    observer = await connectAsync({
      host: '127.0.0.1',
      port: broker.port,
      protocol: 'mqtt',
      reconnectPeriod: 50,
      ...clean,
      ...options,
    });
    observer.on('message', (topic, payload) => void seen.push({ topic, body: JSON.parse(payload.toString()) }));
    await observer.subscribeAsync('gw-01/#', { qos: 1 });
  };

  const hub = (settings: Readonly<Record<string, unknown>> = {}) => {
    const url = `mqtt://127.0.0.1:${broker.port}`;
    return createMqttHub(
      'cloud',
      mqttDialect({ url, connectTimeout: '2 s', acknowledgeTimeout: '1 s', ...settings }),
      systemClock,
    );
  };

  const forward = (reader: RecordedSpoolReader, settings = {}, clock: Clock = systemClock) => {
    forwarding = startForwarding({
      hub: hub(settings),
      reader,
      gateway: 'gw-01',
      clock,
      log: silentLog,
      backOff: { firstMs: 20, maxMs: 100, resetAfterMs: 60_000 },
      execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
    });
  };

  const sequences = () => new Set(seen.filter(({ body }) => body.schema === 'gw.telemetry/1').map(({ body }) => body.seq));

  for (const protocol of ['3.1.1', 5] as const) {
    it(`delivers, answers commands and leaves a retained status (MQTT ${protocol})`, async () => {
      await start(['allow_anonymous true']);
      await observe();
      const reader = new RecordedSpoolReader();
      for (let count = 0; count < 100; count += 1) reader.append(telemetry('press-07', count));
      forward(reader, { protocol });
      await until(() => sequences().size === 100 && reader.cursor === 1_000);
      await observer?.publishAsync('gw-01/press-07/command', '{"id":"c1","desired":{"speedSetpoint":900}}', { qos: 1 });
      await until(() => seen.some(({ topic, body }) => topic === 'gw-01/press-07/result' && body.id === 'c1'));
      await forwarding?.stop(1_000);
      await until(() => seen.some(({ topic, body }) => topic === 'gw-01/status' && body.reason === 'stopped'));
      assert.ok(!seen.some(({ body }) => body.reason === 'connection lost'));
    });
  }

  it('is known by user name and password, and refused without', async () => {
    await start(['password_file {directory}/passwords', 'allow_anonymous false'], { user: 'gw3', password: 'right' });
    for (const protocol of ['3.1.1', 5]) {
      const auth = (password: string) => ({ username: 'gw3', password: new Secret('p', Buffer.from(`${password}\n`)) });
      await assert.rejects(hub({ protocol, auth: auth('wrong') }).open(NEVER), { code: 'HUB_UNAUTHORIZED' });
      const session = await hub({ protocol, auth: auth('right') }).open(NEVER);
      await session.publish(stored(1));
      await session.close();
    }
  });

  it('is known by its certificate over TLS, and refused without', async () => {
    const authority: TestAuthority = await createAuthority();
    try {
      const server = await authority.issue('localhost');
      const client = await authority.issue('gw-01');
      const files = [`cafile ${authority.ca}`, `certfile ${server.certificate}`, `keyfile ${server.privateKey}`];
      await start([...files, 'require_certificate true', 'use_identity_as_username true', 'allow_anonymous false']);
      const tls = { url: `mqtts://localhost:${broker.port}`, ca: authority.ca };
      await assert.rejects(hub(tls).open(NEVER), { code: 'HUB_UNAUTHORIZED' });
      const auth = { certificate: client.certificate, privateKey: new Secret('key', await readFile(client.privateKey)) };
      const session = await hub({ ...tls, auth }).open(NEVER);
      await session.publish(stored(1));
      await session.close();
    } finally {
      await authority.remove();
    }
  });

  it('is killed and started again: the spool is emptied all the same', async () => {
    await start(['allow_anonymous true', 'persistence false']);
    await observe();
    const reader = new RecordedSpoolReader();
    forward(reader);
    for (let count = 0; count < 300; count += 1) {
      reader.append(telemetry('press-07', count));
      if (count % 100 === 50) {
        await until(() => reader.cursor > count * 5);
        await broker.kill();
        await observer?.endAsync(true);
        await broker.resume();
        await observe();
      }
    }
    await until(() => reader.cursor === 3_000);
    assert.equal(forwarding?.status().counters.acknowledged_messages, 300);
  });

  it('hangs up at a message that is too large for it, and gets all others', async () => {
    await start(['allow_anonymous true', 'max_packet_size 2000']);
    await observe();
    const reader = new RecordedSpoolReader();
    const large = telemetry('press-07', 0);
    const values = { temperature: Array.from({ length: 500 }, (_, index): [number, number] => [index, index]) };
    for (let index = 1; index <= 20; index += 1) reader.append(index === 7 ? { ...large, values } : telemetry('press-07', index));
    forward(reader, { protocol: '3.1.1' }, fastClock(200));
    const plant = setInterval(() => void reader.append(telemetry('press-07', 0)), 10);
    while (reader.rejected.length === 0) await systemClock.sleep(5, undefined);
    clearInterval(plant);
    while (reader.cursor !== reader.stored.at(-1)?.offset) await systemClock.sleep(5, undefined);
    assert.deepEqual(
      reader.rejected.map(({ stored: { sequence } }) => sequence),
      [7],
    );
    while (sequences().size < reader.stored.length - 1) await systemClock.sleep(5, undefined);
    assert.equal(sequences().has(7), false);
  });

  it('is frozen: found out, and everything is delivered when it thaws', async () => {
    await start(['allow_anonymous true']);
    await observe();
    const reader = new RecordedSpoolReader();
    forward(reader);
    reader.append(telemetry('press-07', 1));
    await until(() => reader.cursor === 10);
    broker.signal('SIGSTOP');
    for (let count = 2; count <= 50; count += 1) reader.append(telemetry('press-07', count));
    await until(() => forwarding?.status().link.error?.code === 'HUB_TIMEOUT');
    broker.signal('SIGCONT');
    await until(() => reader.cursor === 500 && sequences().size === 50);
  });

  it('tells the will when the gateway is gone without a word', async () => {
    await start(['allow_anonymous true']);
    await observe();
    const session = await hub().open(NEVER);
    await until(() => seen.some(({ body }) => body.state === 'online'));
    const rival = await hub().open(NEVER);
    assert.match((await session.lost).message, /client id/);
    await until(() => seen.some(({ body }) => body.reason === 'connection lost'));
    await Promise.all([session.close(), rival.close()]);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
