import { startBroker } from '../../../src/simulator/broker.ts';
import { describeHub } from '../../contract/hub.ts';
import { describeHubAtRealBroker } from '../../contract/hub-talk.ts';
import { ObservedBroker } from '../../support/observed-broker.ts';
import { SinkBroker } from '../../support/sink-broker.ts';
import { messagesOf, sparkplugReader } from '../../support/sparkplug/host-reader.ts';
import { commands, EdgeNodes } from './hub-under-test.ts';
import { host } from './plant.ts';

/** As a strict host understands it up to now. */
function understood(broker: SinkBroker) {
  const listening = host();
  for (const { topic, payload, qos, retain } of broker.publishes) listening.hear(topic, payload, { qos, retain });
  return listening;
}

describe('the dialect sparkplug-b', () => {
  for (const protocol of ['3.1.1', 5] as const) {
    const nodes = new EdgeNodes({ protocol, connectTimeout: '1 s', acknowledgeTimeout: '300 ms' });

    after(() => nodes.remove());

    describeHub({
      ...commands,
      title: `dialect sparkplug-b, MQTT ${protocol}`,
      isVersion5: protocol === 5,
      async startBroker(script) {
        const broker = await SinkBroker.start(script);
        const rules = broker.violations;
        Object.defineProperties(broker, {
          messages: { get: () => messagesOf(understood(broker)) },
          violations: { get: () => [...rules, ...understood(broker).violations] },
        });
        return nodes.prepare(broker);
      },
      createHub: (broker) => nodes.hub(broker),
      withhold: ({ script }, how) => {
        script.pings = how;
      },
    });
  }
});

describe('the dialect sparkplug-b at a broker of others', () => {
  const nodes = new EdgeNodes({});

  after(() => nodes.remove());

  describeHubAtRealBroker({
    ...commands,
    title: 'dialect sparkplug-b, MQTT 3.1.1, aedes',
    async startBroker() {
      const broker = await startBroker({ port: 0 });
      return nodes.prepare(await ObservedBroker.attach(broker.port, () => broker.close(), sparkplugReader(host())));
    },
    createHub: (broker) => nodes.hub(broker),
  });
});
