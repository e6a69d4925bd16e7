import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import type { HubSession } from '../../../src/northbound/hub.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { SinkBroker, type SinkScript } from '../../support/sink-broker.ts';
import type { StrictHost } from '../../support/sparkplug/host.ts';
import { type WirePayload, writePayload } from '../../support/sparkplug/wire.ts';
import { GAP } from '../shape-messages.ts';
import { type Edge, edge, host, hubOf, message, NEVER, T0, values } from './plant.ts';

const NCMD = 'spBv1.0/plant-a/NCMD/gw-01';
const REBIRTH: Partial<WirePayload> = { metrics: [{ name: 'Node Control/Rebirth', booleanValue: true }] };

describe('a Sparkplug session', () => {
  let broker: SinkBroker;
  let node: Edge;
  let session: HubSession;

  const open = async (settings: Readonly<Record<string, unknown>> = {}, script: SinkScript = {}) => {
    broker = await SinkBroker.start(script);
    node = await edge({ url: broker.url, ...settings });
    node.field.read('press-07', 'temperature', 71.5, T0);
    session = await hubOf(node).open(NEVER);
  };
  /** Everything up to now, as a strict host has understood it. */
  const heard = (): StrictHost => {
    const understood = host();
    for (const { topic, payload, qos, retain } of broker.publishes) understood.hear(topic, payload, { qos, retain });
    assert.deepEqual(understood.violations, []);
    return understood;
  };
  const verbs = () => heard().heard.map(({ verb, device }) => (device === undefined ? verb : `${verb} ${device}`));

  afterEach(async () => {
    await session.close();
    await broker.stop();
    await rm(node.stateDirectory, { recursive: true });
  });

  it('is not taken for delivered before the broker has read it', async () => {
    await open();
    broker.script.pings = 'later';
    let isDone = false;
    const sending = session.publish(values('press-07', T0 + 1, { temperature: [[0, 1]] })).then(() => (isDone = true));
    await broker.until(() => broker.publishes.length === 3 && broker.pings >= 2);
    await systemClock.sleep(20);
    assert.equal(isDone, false);
    broker.release();
    await sending;
  });

  it('carries the id of each message', async () => {
    await open();
    const sent = values('press-07', T0 + 1, { temperature: [[0, 1]] });
    await session.publish(sent);
    assert.deepEqual(heard().uuids, [`gw-01:press-07:e1:${sent.sequence}`]);
  });

  it('says of each metric that its time was not known, and takes that back once', async () => {
    await open();
    const doubt = { clock: { boot: 'b', offsetMs: 0 } };
    const value = (offsetMs: number) => ({ startTimeMs: T0 + offsetMs, values: { temperature: [[0, offsetMs] as const] } });
    await session.publish(message('press-07', { ...value(1), ...doubt }));
    await session.publish(message('press-07', { ...value(2), clock: { ...doubt.clock, correctedByMs: 5 } }));
    await session.publish(message('press-07', value(3)));
    await session.publish(message('press-07', value(4)));
    await session.publish(message('press-07', { kind: 'event', body: { name: 'overTemperature' }, ...doubt }));
    await session.publish(message('press-07', { kind: 'gap', gap: GAP.gap ?? assert.fail(), ...doubt }));
    const told = heard().heard.filter(({ verb }) => verb.endsWith('DATA'));
    const clocks = told.map(({ payload: { metrics: [metric] = [] } }) => {
      const { keys = [], values: given = [] } = metric?.properties ?? {};
      return given[keys.indexOf('Clock')]?.stringValue;
    });
    assert.deepEqual(clocks, ['unsynchronised', 'corrected', 'synchronised', undefined, 'unsynchronised', 'unsynchronised']);
  });

  it('is born with a word about a clock that nobody knows', async () => {
    broker = await SinkBroker.start();
    node = await edge({ url: broker.url }, { clock: { ...systemClock, isKnown: false } });
    node.field.read('press-07', 'temperature', 71.5, T0);
    session = await hubOf(node).open(NEVER);
    const birth = heard().metric('press-07', 'temperature')?.birth;
    assert.equal(birth?.properties?.values[birth.properties.keys.indexOf('Clock')]?.stringValue, 'unsynchronised');
  });

  it('takes for history what is not newer than the last birth, and keeps the live value', async () => {
    await open();
    await session.publish(
      values('press-07', T0 - 9_000, {
        temperature: [
          [0, 60],
          [9_000, 71.5],
        ],
      }),
    );
    await session.publish(values('press-07', T0 + 1_000, { temperature: [[0, 72]] }));
    const samples = heard()
      .samples.get('press-07/temperature')
      ?.map(({ value, isHistorical }) => [value, isHistorical]);
    assert.deepEqual(samples, [
      [71.5, false],
      [60, true],
      [71.5, true],
      [72, false],
    ]);
    assert.equal(heard().metric('press-07', 'temperature')?.live.value, 72);
  });

  it('takes for history what a device told later of itself', async () => {
    await open();
    await session.publish(message('press-07', { startTimeMs: T0 + 5_000, isHistory: true, values: { temperature: [[0, 75]] } }));
    assert.equal(heard().metric('press-07', 'temperature')?.live.value, 71.5);
    assert.equal(heard().samples.get('press-07/temperature')?.at(-1)?.value, 75);
  });

  it('takes for history what was measured before a value that was read back, though it is sent after it', async () => {
    await open();
    const beforeMs = Date.now() - 10;
    node.field.read('press-07', 'setpoint', 900, beforeMs);
    await session.respond({
      id: 'w1',
      device: 'press-07',
      status: 'done',
      points: { setpoint: { status: 'written', value: 900 } },
    });
    await session.publish(values('press-07', beforeMs, { setpoint: [[0, 900]] }));
    const afterMs = Date.now() + 10;
    node.field.read('press-07', 'setpoint', 901, afterMs);
    await session.publish(values('press-07', afterMs, { setpoint: [[0, 901]] }));
    const told = heard().samples.get('press-07/setpoint') ?? [];
    assert.deepEqual(
      told.slice(-3).map(({ value, isHistorical }) => [value, isHistorical]),
      [
        [900, false],
        [900, true],
        [901, false],
      ],
    );
  });

  describe('with a device whose clock is set back', () => {
    const HOUR = 3_600_000;

    it('is born anew with the value of now, and goes on from there', async () => {
      await open();
      await session.publish(values('press-07', T0 + 1_000, { temperature: [[0, 72]] }));
      for (const [atMs, value] of [
        [2_000, 73],
        [3_000, 74],
        [4_000, 75],
      ] as const) {
        node.field.read('press-07', 'temperature', value, T0 - HOUR + atMs);
        await session.publish(values('press-07', T0 - HOUR + atMs, { temperature: [[0, value]] }));
        assert.equal(heard().metric('press-07', 'temperature')?.live.value, value);
      }
      assert.deepEqual(verbs().slice(2), ['DDATA press-07', 'DBIRTH press-07', ...Array(3).fill('DDATA press-07')]);
    });

    it('is so for a metric that only messages tell of', async () => {
      await open();
      for (const [atMs, value] of [
        [0, 1],
        [1_000, 2],
        [1_000 - HOUR, 3],
        [2_000 - HOUR, 4],
      ] as const) {
        await session.publish(values('press-07', T0 + atMs, { unplanned: [[0, value]] }));
        assert.equal(heard().metric('press-07', 'unplanned')?.live.value, value);
      }
    });

    it('does not take for that what waited while the hub was away, nor what is sent again', async () => {
      await open();
      const again = [1, 2, 3].map((second) =>
        values('press-07', T0 + second * 5_000, { unplanned: [[0, second]], temperature: [[0, second]] }),
      );
      for (const one of again) await session.publish(one);
      node.field.read('press-07', 'temperature', 5, T0 + HOUR);
      await session.close();
      session = await hubOf(node).open(NEVER);
      for (const one of again) await session.publish(one);
      assert.deepEqual(verbs().slice(-4), ['DBIRTH press-07', ...Array(3).fill('DDATA press-07')]);
      assert.equal(heard().metric('press-07', 'unplanned')?.live.value, 3);
      assert.equal(heard().metric('press-07', 'temperature')?.live.value, 5);
    });

    it('is born for that no more often than hosts may ask for it', async () => {
      await open({ rebirthAtMostEvery: '1 min' });
      for (let index = 0; index < 20; index += 1) {
        const atMs = index % 2 === 0 ? T0 + index : T0 - HOUR + index;
        node.field.read('press-07', 'temperature', index, atMs);
        await session.publish(values('press-07', atMs, { temperature: [[0, index]] }));
      }
      assert.ok(verbs().filter((verb) => verb === 'DBIRTH press-07').length <= 2, String(verbs()));
    });
  });

  it('forgets metrics that a pattern stands for no more, and no message tells of', async () => {
    await open();
    const byIndex = (index: number) => `job${index}`;
    let births: WirePayload[] = [];
    for (let index = 0; index < 600; index += 1) {
      await session.publish(values('press-07', T0 + 1 + index, { [byIndex(index)]: [[0, index]], always: [[0, index]] }));
      if (index % 100 === 99)
        births = heard()
          .heard.filter(({ verb }) => verb === 'DBIRTH')
          .map(({ payload }) => payload);
    }
    const names = (births.at(-1)?.metrics ?? []).map(({ name }) => name);
    assert.ok(names.length < 300, `${names.length} metrics in a birth`);
    for (const name of ['temperature', 'setpoint', 'always', byIndex(599), byIndex(590)]) assert.ok(names.includes(name), name);
  });

  it('is born anew where a point turns out to be of another type, and once only', async () => {
    await open();
    await session.publish(message('press-07', { startTimeMs: T0 + 1, values: { unplanned: [[0, 1]] } }));
    await session.publish(message('press-07', { startTimeMs: T0 + 2, values: { unplanned: [[0, 2.5]] } }));
    await session.publish(message('press-07', { startTimeMs: T0 + 3, values: { unplanned: [[0, 'off']] } }));
    await session.publish(message('press-07', { startTimeMs: T0 + 4, values: { unplanned: [[0, 3]] } }));
    await session.publish(message('press-07', { startTimeMs: T0 + 5, values: { unplanned: [[0, true]] } }));
    assert.deepEqual(verbs().slice(2), [
      ...['DBIRTH press-07', 'DDATA press-07', 'DDATA press-07', 'DBIRTH press-07', 'DDATA press-07', 'DDATA press-07'],
      'DDATA press-07',
    ]);
    assert.deepEqual(
      heard()
        .samples.get('press-07/unplanned')
        ?.filter(({ timeMs }) => timeMs >= T0 + 3)
        .map(({ value }) => value)
        .slice(-3),
      ['off', '3', 'true'],
    );
  });

  it('says structures as templates, and is born anew with their definition', async () => {
    await open();
    const recipe = { name: 'A', steps: { count: 3 }, tools: [1, 2] };
    await session.publish(message('press-07', { kind: 'property', startTimeMs: T0 + 1, values: { recipe: [[0, recipe]] } }));
    const understood = heard();
    assert.deepEqual(verbs().slice(2), ['NBIRTH', 'DBIRTH press-07', 'DDATA press-07']);
    assert.deepEqual([...understood.templates.keys()].toSorted(), [
      '_types_/recipe',
      '_types_/recipe_steps',
      '_types_/startProgram',
    ]);
    assert.deepEqual(understood.metric('press-07', 'recipe')?.live.value, recipe);
  });

  it('says arrays of structures and of arrays as data sets', async () => {
    await open();
    const log = [
      { code: 1, text: 'a' },
      { code: 2, text: null },
    ];
    await session.publish(
      message('press-07', {
        startTimeMs: T0 + 1,
        values: {
          log: [[0, log]],
          matrix: [
            [
              0,
              [
                [1, 2],
                [3, 4],
              ],
            ],
          ],
        },
      }),
    );
    const understood = heard();
    const table = (name: string) => understood.metric('press-07', name)?.live.value;
    assert.deepEqual(table('log'), {
      columns: ['code', 'text'],
      types: [10, 12],
      rows: [
        [1, 'a'],
        [2, null],
      ],
    });
    assert.deepEqual(table('matrix'), {
      columns: ['1', '2'],
      types: [10, 10],
      rows: [
        [1, 2],
        [3, 4],
      ],
    });
  });

  it('shows unit, range, limits and words of a point', async () => {
    await open();
    const properties = (name: string) => {
      const { keys = [], values: all = [] } = heard().metric('press-07', name)?.birth.properties ?? {};
      return Object.fromEntries(keys.map((key, index) => [key, all[index]]));
    };
    assert.equal(properties('temperature').engUnit?.stringValue, 'degreeCelsius');
    assert.deepEqual([properties('temperature').engLow?.doubleValue, properties('temperature').engHigh?.doubleValue], [-40, 150]);
    assert.equal(properties('temperature').readOnly?.booleanValue, true);
    assert.equal(properties('setpoint').readOnly?.booleanValue, false);
    assert.deepEqual(
      [properties('setpoint').writeLow?.doubleValue, properties('setpoint').writeHigh?.doubleValue],
      [-100, 1_500],
    );
    const words = properties('mode').labels?.propertysetValue;
    assert.deepEqual(
      [words?.keys, words?.values.map(({ stringValue }) => stringValue)],
      [
        ['0', '1'],
        ['stopped', 'running'],
      ],
    );
  });

  it('tells a gap and an event', async () => {
    await open();
    const gap = {
      reason: 'overflow',
      fromSequence: 3,
      toSequence: 9,
      fromTimeMs: T0,
      toTimeMs: T0 + 1,
      messages: 7,
      readings: 70,
    };
    await session.publish(message('press-07', { kind: 'gap', gap }));
    await session.publish(message('press-07', { kind: 'event', body: { name: 'overTemperature', severity: 700 } }));
    const table = heard().nodeMetric('Gateway/Gap')?.live.value;
    assert.deepEqual((table as { rows: unknown[] }).rows, [
      ['press-07', 'overflow', 'telemetry', 'e1', 3n, 9n, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.001Z', 7n, 70n, ''],
    ]);
    assert.equal(heard().metric('press-07', 'Events/overTemperature')?.live.value, '{"name":"overTemperature","severity":700}');
  });

  it('says that a device is away once with its values, then only that it still is', async () => {
    await open();
    node.field.lose('press-07', T0 + 1);
    for (const timeMs of [T0 + 1, T0 + 2, T0 + 3])
      await session.publish(values('press-07', timeMs, { temperature: [[0, null, 'bad', 'BadTimeout']] }));
    assert.deepEqual(verbs().slice(2), ['DDATA press-07', ...Array(3).fill('DDEATH press-07')]);
    assert.equal(heard().uuids.length, 3);
    assert.equal(heard().devices.get('press-07')?.isOnline, false);
  });

  it('answers many wishes for a rebirth with one', async () => {
    await open();
    for (let count = 0; count < 20; count += 1) broker.send(NCMD, writePayload(REBIRTH));
    await broker.until(() => broker.publishes.length >= 4);
    await systemClock.sleep(300);
    assert.deepEqual(verbs(), ['NBIRTH', 'DBIRTH press-07', 'NBIRTH', 'DBIRTH press-07']);
  });

  it('names metrics where aliases are off', async () => {
    await open({ aliases: false });
    await session.publish(values('press-07', T0 + 1_000, { temperature: [[0, 72]] }));
    assert.ok(heard().heard.every(({ payload }) => payload.metrics.every(({ alias }) => alias === undefined)));
    assert.equal(heard().metric('press-07', 'temperature')?.live.value, 72);
  });

  it('goes on counting connections after a restart', async () => {
    await open();
    await session.close();
    const again = await edge({ url: broker.url }, { stateDirectory: node.stateDirectory });
    session = await hubOf(again).open(NEVER);
    assert.equal(heard().bdSeq, 1);
  });

  describe('at a broker that says how large a packet may be', () => {
    const SMALL = { connackProperties: { maximumPacketSize: 4_000 } };
    const LONG = 'x'.repeat(5_000);

    it('rejects a larger message, and no number is missing', async () => {
      await open({ protocol: 5 }, SMALL);
      const large = values('press-07', T0 + 1, { temperature: Array.from({ length: 500 }, (_, at) => [at, at] as const) });
      await session.publish(values('press-07', T0 + 1, { temperature: [[0, null, 'bad', 'BadOutOfRange']] }));
      await assert.rejects(session.publish(large), { code: 'HUB_MESSAGE_TOO_LARGE' });
      node.field.read('press-07', 'temperature', 5, T0 + 9_000);
      await session.publish(values('press-07', T0 + 9_000, { temperature: [[0, 5]] }));
      assert.deepEqual(verbs(), ['NBIRTH', 'DBIRTH press-07', 'DDATA press-07', 'DBIRTH press-07', 'DDATA press-07']);
      assert.equal(heard().metric('press-07', 'temperature')?.live.quality, 192);
    });

    it('says anew what it had to announce for a message that was rejected', async () => {
      await open({ protocol: 5 }, SMALL);
      await assert.rejects(session.publish(values('press-07', T0 + 1, { text: [[0, LONG]] })), { code: 'HUB_MESSAGE_TOO_LARGE' });
      await session.publish(values('press-07', T0 + 2, { text: [[0, 'short']] }));
      assert.deepEqual(verbs().slice(2), ['NBIRTH', 'DBIRTH press-07', 'DDATA press-07']);
      assert.equal(heard().metric('press-07', 'text')?.live.value, 'short');
    });

    it('is born without the long values that would not fit', async () => {
      await open({ protocol: 5 }, SMALL);
      node.field.read('press-07', 'recipe', { text: LONG }, T0);
      broker.send(NCMD, writePayload(REBIRTH));
      await broker.until(() => broker.publishes.length >= 4);
      assert.deepEqual(heard().metric('press-07', 'recipe')?.live.value, null);
      assert.equal(heard().metric('press-07', 'temperature')?.live.value, 71.5);
      await session.publish(values('press-07', T0 + 1, { temperature: [[0, 72]] }));
      assert.equal(verbs().at(-1), 'DDATA press-07');
    });

    it('has no session where not even its birth fits', async () => {
      await open({ protocol: 5 }, SMALL);
      await session.close();
      broker.script.connackProperties = { maximumPacketSize: 100 };
      await assert.rejects(hubOf(node).open(NEVER), { code: 'HUB_REFUSED' });
    });
  });
});

describe('a Sparkplug session with a primary host', () => {
  const STATE = 'spBv1.0/STATE/scada';
  const state = (online: boolean, timestamp: number) => JSON.stringify({ online, timestamp });
  const waiting = async (broker: SinkBroker) => {
    const node = await edge({ url: broker.url, primaryHost: 'scada' });
    node.field.read('press-07', 'temperature', 71.5, T0);
    return { node, hub: hubOf(node) };
  };
  let brokers: SinkBroker[] = [];
  const start = async (script: SinkScript = {}) => {
    const broker = await SinkBroker.start(script);
    brokers.push(broker);
    return broker;
  };

  afterEach(async () => {
    for (const broker of brokers) await broker.stop();
    brokers = [];
  });

  for (const id of [
    'message-flow-edge-node-birth-publish-phid-wait',
    'message-flow-edge-node-birth-publish-phid-wait-online',
    'operational-behavior-edge-node-birth-sequence-wait',
  ]) {
    it(`tck-id-${id}: nothing is said, and nothing is taken from the spool, before it is online`, async () => {
      const broker = await start({ retained: { [STATE]: state(false, T0) } });
      const { hub } = await waiting(broker);
      const session = await hub.open(NEVER);
      let isTaken = false;
      const sending = session.publish(values('press-07', T0 + 1, { temperature: [[0, 1]] })).then(() => (isTaken = true));
      await systemClock.sleep(100);
      assert.deepEqual([broker.publishes.length, isTaken], [0, false]);
      broker.send(STATE, state(true, T0 + 1), { retain: true, qos: 0 });
      await sending;
      assert.deepEqual(
        broker.publishes.map(({ topic }) => topic.split('/')[2]),
        ['NBIRTH', 'DBIRTH', 'DDATA'],
      );
      await session.close();
    });
  }

  it('tck-id-message-flow-edge-node-birth-publish-phid-wait-id: only the host that is named counts', async () => {
    const broker = await start();
    const { hub } = await waiting(broker);
    const session = await hub.open(NEVER);
    broker.send('spBv1.0/STATE/other', state(true, T0), { retain: true, qos: 0 });
    broker.send('spBv1.0/STATE/scada/x', state(true, T0), { retain: true, qos: 0 });
    broker.send(STATE, '{"online": "true"}', { qos: 0 });
    broker.send(STATE, '[]', { qos: 0 });
    broker.send(STATE, 'ONLINE', { qos: 0 });
    await systemClock.sleep(50);
    assert.equal(broker.publishes.length, 0);
    await session.close();
  });

  for (const id of [
    'message-flow-edge-node-birth-publish-phid-wait-timestamp',
    'operational-behavior-edge-node-termination-host-offline-timestamp',
  ]) {
    it(`tck-id-${id}: what is older than what was believed is not believed`, async () => {
      const broker = await start({ retained: { [STATE]: state(false, T0 + 10) } });
      const { hub } = await waiting(broker);
      const session = await hub.open(NEVER);
      broker.send(STATE, state(true, T0 + 9), { qos: 0 });
      await systemClock.sleep(50);
      assert.equal(broker.publishes.length, 0);
      broker.send(STATE, state(true, T0 + 10), { qos: 0 });
      await broker.until(() => broker.publishes.length >= 2);
      broker.send(STATE, state(false, T0 + 9), { qos: 0 });
      await session.publish(values('press-07', T0 + 1, { temperature: [[0, 1]] }));
      await session.close();
    });
  }

  for (const id of [
    'message-flow-edge-node-birth-publish-phid-offline',
    'operational-behavior-edge-node-termination-host-offline',
  ]) {
    it(`tck-id-${id}: it dies and leaves when the host is offline`, async () => {
      const broker = await start({ retained: { [STATE]: state(true, T0) } });
      const { hub } = await waiting(broker);
      const session = await hub.open(NEVER);
      broker.send(STATE, state(false, T0), { qos: 0 });
      assert.equal((await session.lost).code, 'HUB_HOST_OFFLINE');
      await session.close();
      assert.equal(broker.publishes.at(-1)?.topic, 'spBv1.0/plant-a/NDEATH/gw-01');
      assert.equal(broker.disconnects, 1);
    });
  }

  it('reads the state as Sparkplug 2.2 wrote it', async () => {
    const broker = await start({ retained: { 'STATE/scada': 'ONLINE' } });
    const { hub } = await waiting(broker);
    const session = await hub.open(NEVER);
    await broker.until(() => broker.publishes.length === 2);
    broker.send('STATE/scada', 'OFFLINE', { qos: 0 });
    assert.equal((await session.lost).code, 'HUB_HOST_OFFLINE');
    await session.close();
  });

  for (const id of [
    'operational-behavior-primary-application-state-with-multiple-servers-walk',
    'operational-behavior-primary-application-state-with-multiple-servers-single-server',
    'operational-behavior-primary-application-state-with-multiple-servers-state-subs',
    'operational-behavior-edge-node-termination-host-offline-reconnect',
  ]) {
    it(`tck-id-${id}: it goes from broker to broker, one at a time, until the host is there`, async () => {
      const first = await start({ retained: { [STATE]: state(false, T0) } });
      const second = await start({ retained: { [STATE]: state(true, T0) } });
      const node = await edge({ url: [first.url, second.url], primaryHost: 'scada' });
      const hub = hubOf(node);
      await assert.rejects(hub.open(NEVER), { code: 'HUB_HOST_OFFLINE' });
      await first.until(() => first.openConnections === 0);
      const session = await hub.open(NEVER);
      assert.deepEqual([first.publishes.length, second.publishes[0]?.topic], [0, 'spBv1.0/plant-a/NBIRTH/gw-01']);
      for (const { subscriptions } of [first, second]) assert.ok(subscriptions.includes(STATE));
      second.script.retained = { [STATE]: state(false, T0 + 1) };
      first.script.retained = { [STATE]: state(true, T0 + 1) };
      second.send(STATE, state(false, T0 + 1), { qos: 0 });
      await session.lost;
      await session.close();
      const third = await hub.open(NEVER);
      await first.until(() => first.publishes.length > 0);
      assert.equal(second.openConnections, 0);
      await third.close();
    });
  }
});
