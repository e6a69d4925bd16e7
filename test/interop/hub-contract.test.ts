import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { describeHubAtRealBroker } from '../contract/hub-talk.ts';
import { mqttDialect } from '../northbound/plant.ts';
import { commands, EdgeNodes } from '../northbound/sparkplug-b/hub-under-test.ts';
import { host } from '../northbound/sparkplug-b/plant.ts';
import { findMosquitto, Mosquitto } from '../support/mosquitto.ts';
import { jsonReader, ObservedBroker, type Reader } from '../support/observed-broker.ts';
import { sparkplugReader } from '../support/sparkplug/host-reader.ts';

const PROGRAM = findMosquitto();
const title =
  PROGRAM === undefined ? 'hubs at mosquitto (to run it: sudo scripts/install-test-peers/mosquitto.sh)' : 'hubs at mosquitto';

describe(title, () => {
  const nodes = new Map((['3.1.1', 5] as const).map((protocol) => [protocol, new EdgeNodes({ protocol })]));

  before(function () {
    if (PROGRAM === undefined) this.skip();
  });

  after(async () => {
    for (const each of nodes.values()) await each.remove();
  });

  const start = async (reader: Reader) => {
    const broker = await Mosquitto.start(PROGRAM ?? '', ['allow_anonymous true']);
    return await ObservedBroker.attach(broker.port, () => broker.stop(), reader);
  };

  for (const [protocol, edges] of nodes) {
    describeHubAtRealBroker({
      title: `dialect mqtt, MQTT ${protocol}, mosquitto`,
      startBroker: () => start(jsonReader()),
      createHub: ({ url }) => createMqttHub('cloud', mqttDialect({ url, protocol, connectTimeout: '2 s' }), systemClock),
      commandTopic: 'gw-01/press-07/command',
      command: (id) => JSON.stringify({ id, desired: { speedSetpoint: 900 } }),
    });

    describeHubAtRealBroker({
      ...commands,
      title: `dialect sparkplug-b, MQTT ${protocol}, mosquitto`,
      startBroker: async () => edges.prepare(await start(sparkplugReader(host()))),
      createHub: (broker) => edges.hub(broker),
    });
  }
});
