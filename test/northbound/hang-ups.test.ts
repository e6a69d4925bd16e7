import assert from 'node:assert/strict';
import { type Forwarding, startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { DEFAULT_BACK_OFF } from '../../src/runtime/back-off.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { fastClock } from '../support/fast-clock.ts';
import { RecordedSpoolReader, telemetry } from '../support/recorded-spool-reader.ts';
import { type Answer, SinkBroker, type SinkPublish } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

/** Minutes of back-off and waiting in a second. */
const FACTOR = 500;
const QUICK = { firstMs: 500, maxMs: 1_000, resetAfterMs: 30_000 };

describe('a hub that hangs up', () => {
  let broker: SinkBroker;
  let reader: RecordedSpoolReader;
  let forwarding: Forwarding;
  let plant: NodeJS.Timeout | undefined;

  beforeEach(() => {
    reader = new RecordedSpoolReader();
  });

  afterEach(async () => {
    clearInterval(plant);
    await forwarding.stop(0);
    await broker.stop();
  });

  const start = async (answer: (publish: SinkPublish) => Answer, backOff = DEFAULT_BACK_OFF) => {
    broker = await SinkBroker.start({ answer: (publish) => (publish.retain ? 'acknowledge' : answer(publish)) });
    const dialect = mqttDialect({ url: broker.url, protocol: '3.1.1', acknowledgeTimeout: '5 s', window: 10 });
    const hub = createMqttHub('cloud', dialect, systemClock);
    const clock = fastClock(FACTOR);
    const execute = async () => assert.fail('nobody sends commands');
    forwarding = startForwarding({ hub, reader, gateway: 'gw-01', clock, log: silentLog, backOff, execute });
  };

  const append = (count: number, twins = ['press-07', 'press-08']) => {
    for (let index = 0; index < count; index += 1) {
      for (const twin of twins) reader.append(telemetry(twin, index));
    }
  };
  /** A message of each of two twins a second. */
  const keepMeasuring = (everyMs = 1_000, twins?: string[]) => {
    plant = setInterval(() => append(1, twins), everyMs / FACTOR);
  };
  /** What came, each once. */
  const received = (twin: string) => [
    ...new Set(broker.messages.filter((message) => message.twin === twin).map(({ seq }) => Number(seq))),
  ];
  const rejected = () =>
    reader.rejected.map(({ stored: { message, sequence }, reason }) => `${message.twin} ${sequence} ${reason}`);
  const allDone = () => until(() => reader.cursor === reader.stored.at(-1)?.offset);

  it('at one message loses that one only, with a gap told, and takes the others in order', async () => {
    append(40);
    await start(({ topic, payload }) => (topic.includes('press-07') && payload.includes('"seq":5,') ? 'cut' : 'acknowledge'));
    await until(() => forwarding.status().heldBack === 1);
    await until(() => received('press-08').length === 40);
    assert.deepEqual(rejected(), [], 'nothing is given up before others are seen to be taken, again and again');
    keepMeasuring();
    await until(() => rejected().length > 0);
    clearInterval(plant);
    await allDone();
    assert.deepEqual(rejected(), ['press-07 5 rejected']);
    assert.equal(forwarding.status().heldBack, undefined);
    assert.equal(forwarding.status().counters.rejected_messages, 1);
    for (const twin of ['press-07', 'press-08']) assertRising(received(twin).filter((seq) => twin !== 'press-07' || seq !== 5));
    assert.equal(received('press-08').length, reader.stored.length / 2);
  });

  it('at one message loses it, though hardly anything else is there to be sent', async () => {
    append(5, ['press-07']);
    await start(({ payload }) => (payload.includes('"seq":3,') ? 'cut' : 'acknowledge'));
    keepMeasuring(120_000, ['press-07']);
    await until(() => rejected().length > 0);
    clearInterval(plant);
    await allDone();
    assert.deepEqual(rejected(), ['press-07 3 rejected']);
    assert.equal(received('press-07').length, reader.stored.length);
  });

  it('at all messages of one twin costs the other twin nothing', async () => {
    append(10);
    await start(({ topic }) => (topic.includes('press-08') ? 'cut' : 'acknowledge'));
    keepMeasuring();
    await until(() => reader.rejected.length >= 100);
    clearInterval(plant);
    await until(() => received('press-07').length === reader.stored.length / 2);
    assertRising(received('press-07'));
    assert.deepEqual(new Set(reader.rejected.map(({ stored }) => stored.message.twin)), new Set(['press-08']));
  });

  it('at messages of one twin until somebody mends it gets all that are measured from then on', async () => {
    let isForbidden = true;
    append(10);
    await start(({ topic }) => (isForbidden && topic.includes('press-08') ? 'cut' : 'acknowledge'));
    keepMeasuring();
    await until(() => reader.rejected.length >= 10);
    isForbidden = false;
    await until(() => forwarding.status().heldBack === undefined);
    const before = reader.rejected.length;
    const mended = reader.stored.length;
    await until(() => reader.stored.length >= mended + 100);
    clearInterval(plant);
    await allDone();
    assert.equal(reader.rejected.length, before);
    assert.equal(received('press-08').filter((seq) => seq > mended / 2).length, reader.stored.length / 2 - mended / 2);
  });

  it('at everything costs nothing, however long it lasts', async () => {
    append(30);
    let isBad = true;
    await start(() => (isBad ? 'cut' : 'acknowledge'), QUICK);
    await until(() => broker.connects.length >= 40);
    isBad = false;
    keepMeasuring();
    await until(() => reader.stored.length >= 400);
    clearInterval(plant);
    await allDone();
    assert.deepEqual(rejected(), []);
    for (const twin of ['press-07', 'press-08']) assert.equal(received(twin).length, reader.stored.length / 2);
  });

  for (const [name, isHangUp] of [
    ['now and then', () => (random) => random() < 0.1],
    ['at every other message', () => (random) => random() < 0.5],
    ['at most messages', () => (random) => random() < 0.6],
    ['at the second message of each connection', () => nthOfConnection(2)],
    ['at the tenth message of each connection', () => nthOfConnection(10)],
  ] satisfies [string, () => (random: () => number, publish: SinkPublish) => boolean][]) {
    it(`${name}, whatever it is, costs nothing`, async () => {
      append(25);
      const random = seeded(7);
      const hangsUp = isHangUp();
      const isOver = () => broker.connects.length >= 120;
      await start((publish) => (!isOver() && hangsUp(random, publish) ? 'cut' : 'acknowledge'), QUICK);
      await allDone();
      assert.deepEqual(rejected(), []);
      for (const twin of ['press-07', 'press-08']) assert.equal(received(twin).length, reader.stored.length / 2);
    });
  }

  for (const seed of [1, 2, 3]) {
    it(`now and then, where connections last long enough for trials, costs nothing either (${seed})`, async () => {
      append(20);
      const random = seeded(seed * 7_919);
      const isOver = () => reader.stored.length > 1_000;
      await start(() => (!isOver() && random() < 0.2 ? 'cut' : 'acknowledge'), QUICK);
      keepMeasuring(4_000);
      await until(isOver);
      clearInterval(plant);
      await allDone();
      assert.deepEqual(rejected(), []);
    });
  }
});

function nthOfConnection(n: number): (random: () => number, publish: SinkPublish) => boolean {
  const seen = new Map<number, number>();
  return (_, { connection }) => {
    seen.set(connection, (seen.get(connection) ?? 0) + 1);
    return seen.get(connection) === n;
  };
}

/** The same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

function assertRising(numbers: readonly number[]): void {
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  );
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(5, undefined);
}
