import assert from 'node:assert/strict';
import { Secret } from '../../src/model/secret.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { describeHub } from '../contract/hub.ts';
import { createAuthority, readCertificate, type TestAuthority } from '../support/certificates.ts';
import { HttpProxy } from '../support/http-proxy.ts';
import { stored } from '../support/recorded-spool-reader.ts';
import { SinkBroker } from '../support/sink-broker.ts';
import { WebSocketFront } from '../support/web-socket-front.ts';
import { mqttDialect } from './plant.ts';

const SHORT = { connectTimeout: '300 ms', acknowledgeTimeout: '300 ms' };
const NEVER = new AbortController().signal;

function hub(settings: Readonly<Record<string, unknown>>) {
  return createMqttHub('cloud', mqttDialect({ ...SHORT, ...settings }), systemClock);
}

const under = {
  commandTopic: 'gw-01/press-07/command',
  command: (id: string) => JSON.stringify({ id, desired: { speedSetpoint: 900 } }),
};

describe('MQTT over WebSocket', () => {
  let front: WebSocketFront;

  before(async () => {
    front = await WebSocketFront.start('/mqtt');
  });

  after(() => front.stop());

  describeHub({
    ...under,
    title: 'dialect mqtt, MQTT 3.1.1, WebSocket',
    isVersion5: false,
    async startBroker(script) {
      const broker = await SinkBroker.start(script);
      front.targetPort = broker.port;
      return broker;
    },
    createHub: () => hub({ url: `ws://127.0.0.1:${front.port}/mqtt`, protocol: '3.1.1' }),
  });

  it('says with which status a path is refused where no WebSocket is spoken', async () => {
    const refused = await hub({ url: `ws://127.0.0.1:${front.port}/elsewhere` })
      .open(NEVER)
      .catch((error: unknown) => error as { code: string; message: string });
    assert.ok('code' in refused);
    assert.equal(refused.code, 'HUB_REFUSED');
    assert.match(refused.message, /400/);
  });

  it('says so when what answers is no web server', async () => {
    const broker = await SinkBroker.start({ greeting: Buffer.from('SSH-2.0-OpenSSH_9.2\r\n') });
    await assert.rejects(hub({ url: `ws://127.0.0.1:${broker.port}/mqtt` }).open(NEVER), { code: 'HUB_REFUSED' });
    await broker.stop();
  });
});

describe('MQTT through an HTTP proxy', () => {
  let proxy: HttpProxy;
  let broker: SinkBroker;

  beforeEach(async () => {
    proxy = await HttpProxy.start();
    broker = await SinkBroker.start();
  });

  afterEach(async () => {
    await broker.stop();
    await proxy.stop();
  });

  const through = (more: Readonly<Record<string, unknown>> = {}) => hub({ url: broker.url, proxy: { url: proxy.url, ...more } });

  it('goes through the proxy and nowhere else', async () => {
    const session = await through().open(NEVER);
    await session.publish(stored(1));
    await session.close();
    assert.deepEqual(proxy.targets, [new URL(broker.url).host]);
    assert.equal(broker.messages.length, 1);
    assert.equal(broker.disconnects, 1);
  });

  it('shows the credentials that the proxy asks for', async () => {
    proxy.script = { credentials: 'gw3:let me: through' };
    const password = (text: string) => new Secret('proxy', Buffer.from(text));
    const wrong = { username: 'gw3', password: password('wrong') };
    await assert.rejects(through(wrong).open(NEVER), { code: 'HUB_UNAUTHORIZED', subject: proxy.url });
    await assert.rejects(through().open(NEVER), { code: 'HUB_UNAUTHORIZED' });
    assert.equal(broker.connects.length, 0);
    const session = await through({ username: 'gw3', password: password('let me: through') }).open(NEVER);
    await session.close();
  });

  it('says what the proxy says', async () => {
    proxy.script = { refuseWith: 503 };
    await assert.rejects(through().open(NEVER), { code: 'HUB_REFUSED', message: /503/ });
  });

  it('says that the proxy is not there', async () => {
    const { url } = proxy;
    await proxy.stop();
    const away = hub({ url: broker.url, proxy: { url } }).open(NEVER);
    await assert.rejects(away, { code: 'HUB_REFUSED', message: /on the way to the proxy/ });
    proxy = await HttpProxy.start();
  });

  it('gives up a proxy that never answers, and leaves nothing open', async () => {
    proxy.script = { isSilent: true };
    await assert.rejects(through().open(NEVER), { code: 'HUB_TIMEOUT' });
    const abort = new AbortController();
    const opening = through().open(abort.signal);
    setTimeout(() => abort.abort(), 20);
    await assert.rejects(opening, { code: 'LINK_CLOSED' });
    while (proxy.openConnections > 0) await systemClock.sleep(5);
  });
});

describe('WebSocket, TLS and a proxy at once', () => {
  let authority: TestAuthority;
  let front: WebSocketFront;
  let proxy: HttpProxy;

  before(async function () {
    this.timeout(30_000);
    authority = await createAuthority();
    front = await WebSocketFront.start('/mqtt', await readCertificate(await authority.issue('localhost')));
    proxy = await HttpProxy.start();
  });

  after(async () => {
    await proxy.stop();
    await front.stop();
    await authority.remove();
  });

  const settings = () => ({ url: `wss://localhost:${front.port}/mqtt`, proxy: { url: proxy.url }, connectTimeout: '1 s' });

  describeHub({
    ...under,
    title: 'dialect mqtt, MQTT 5, WebSocket, TLS, proxy',
    isVersion5: true,
    async startBroker(script) {
      const broker = await SinkBroker.start(script);
      front.targetPort = broker.port;
      return broker;
    },
    createHub: () => hub({ ...settings(), ca: authority.ca }),
  });

  it('names the hub, not the proxy, as host, and checks its certificate', async () => {
    const broker = await SinkBroker.start();
    front.targetPort = broker.port;
    await assert.rejects(hub(settings()).open(NEVER), { code: 'HUB_UNTRUSTED' });
    await (await hub({ ...settings(), ca: authority.ca }).open(NEVER)).close();
    await broker.stop();
    assert.equal(front.hosts.at(-1), `localhost:${front.port}`);
    assert.equal(proxy.targets.at(-1), `localhost:${front.port}`);
  });
});
