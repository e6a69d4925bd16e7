import assert from 'node:assert/strict';
import type { TlsOptions } from 'node:tls';
import { createMqttHub } from '../../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { describeHub } from '../../contract/hub.ts';
import { IotHub } from '../../support/azure/iot-hub.ts';
import { azureDialect, KEY } from '../../support/azure/plant.ts';
import { createAuthority, readCertificate, type TestAuthority } from '../../support/certificates.ts';

const ADDRESS = '127.0.0.1';
const SHORT = { connectTimeout: '1 s', acknowledgeTimeout: '300 ms' };

describe('the dialect azure-iot-hub', () => {
  let authority: TestAuthority;
  let tls: TlsOptions;
  let hub: IotHub;

  before(async function () {
    this.timeout(30_000);
    authority = await createAuthority();
    tls = await readCertificate(await authority.issue('localhost'));
  });

  after(() => authority.remove());

  for (const transport of ['mqtt', 'websocket'] as const) {
    describeHub({
      title: `azure-iot-hub, ${transport}`,
      isVersion5: false,
      async startBroker(script = {}) {
        const { answer, connackCode, greeting } = script;
        const own = {
          ...(answer === undefined ? {} : { answer }),
          ...(connackCode === undefined ? {} : { connackCode }),
          ...(greeting === undefined ? {} : { greeting }),
        };
        hub = await IotHub.start({ address: ADDRESS, tls, script: own });
        hub.register('gw-01', { keys: [KEY] });
        return Object.assign(hub, {
          send: (topic: string, payload: string | Buffer) => hub.sendRaw(topic, payload),
          disconnect: () => assert.fail('MQTT 5 only'),
        });
      },
      createHub: () => {
        const port = transport === 'mqtt' ? hub.port : hub.webSocketPort;
        const settings = { host: ADDRESS, port, transport, ca: authority.ca, ...SHORT };
        return createMqttHub('cloud', azureDialect({ settings }), systemClock);
      },
      commandTopic: 'devices/gw-01/messages/devicebound/%24.mid=m1&twinId=press-07',
      command: (id) => JSON.stringify({ id, desired: { speedSetpoint: 900 }, expires: Date.now() + 10_000 }),
    });
  }
});
