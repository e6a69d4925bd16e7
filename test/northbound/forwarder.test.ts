import assert from 'node:assert/strict';
import type { Command, CommandResult } from '../../src/model/command.ts';
import type { Stored } from '../../src/model/twin-message.ts';
import type { Dialect } from '../../src/northbound/dialect.ts';
import { type Forwarding, type ForwardingOptions, startForwarding } from '../../src/northbound/forwarder.ts';
import { createMqttHub } from '../../src/northbound/mqtt-hub.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { RecordedSpoolReader, telemetry } from '../support/recorded-spool-reader.ts';
import { SinkBroker, type SinkPublish, type SinkScript } from '../support/sink-broker.ts';
import { mqttDialect } from './plant.ts';

const QUICK = { firstMs: 5, maxMs: 20, resetAfterMs: 60_000 };

describe('forwarder', () => {
  let broker: SinkBroker;
  let reader: RecordedSpoolReader;
  let forwardings: Forwarding[];

  beforeEach(() => {
    reader = new RecordedSpoolReader();
    forwardings = [];
  });

  afterEach(async () => {
    await Promise.all(forwardings.map((forwarding) => forwarding.stop(0)));
    await broker.stop();
  });

  const start = async (script: SinkScript, options: Partial<ForwardingOptions> = {}, settings = {}) => {
    broker = await SinkBroker.start(script);
    return forward(options, settings);
  };

  const forward = (options: Partial<ForwardingOptions> = {}, settings: Readonly<Record<string, unknown>> = {}) => {
    const dialect = mqttDialect({
      url: broker.url,
      connectTimeout: '1 s',
      acknowledgeTimeout: '400 ms',
      window: 10,
      ...settings,
    });
    const forwarding = startForwarding({
      hub: createMqttHub('cloud', dialect, systemClock),
      reader,
      gateway: 'gw-01',
      clock: systemClock,
      log: silentLog,
      backOff: QUICK,
      execute: async ({ id, device }) => ({ id, device, status: 'done', points: {} }),
      ...options,
    });
    forwardings.push(forwarding);
    return forwarding;
  };

  const append = (count: number, twin = (index: number) => (index % 2 === 0 ? 'press-07' : 'press-08')) => {
    for (let index = 0; index < count; index += 1) reader.append(telemetry(twin(index), index));
  };
  const allAcknowledged = () => until(() => reader.cursor === (reader.stored.at(-1)?.offset ?? 0));
  const received = (twin: string) => broker.messages.filter((message) => message.twin === twin).map(({ seq }) => Number(seq));

  it('loses nothing, keeps the order of each twin and repeats at most a window at each cut', async () => {
    const random = seeded(7);
    let cuts = 0;
    const answer: SinkScript['answer'] = ({ retain }) => {
      if (retain || random() > 0.02) return 'acknowledge';
      cuts += 1;
      return random() < 0.5 ? 'cut' : 'cut-after';
    };
    append(1_000);
    await start({ answer });
    await allAcknowledged();
    assert.ok(cuts > 5, `only ${cuts} cuts`);
    assert.ok(broker.messages.length - 1_000 <= cuts * 10, `${broker.messages.length - 1_000} duplicates of ${cuts} cuts`);
    for (const twin of ['press-07', 'press-08']) assertInOrder(received(twin), 500);
    const idOf = new Map(broker.messages.map(({ id, twin, seq }) => [`${twin} ${seq}`, id]));
    assert.ok(broker.messages.every(({ id, twin, seq }) => idOf.get(`${twin} ${seq}`) === id));
    assert.equal(new Set(idOf.values()).size, 1_000);
    assert.deepEqual(broker.violations, []);
  });

  it('acknowledges only what has nothing unacknowledged before it', async () => {
    append(3);
    await start({ answer: ({ retain, payload }) => (retain || !payload.includes('"seq":1,') ? 'acknowledge' : 'later') });
    await broker.until(() => broker.messages.length === 3);
    assert.deepEqual(reader.acknowledged, []);
    broker.release();
    await allAcknowledged();
  });

  it('stays within its window', async () => {
    append(100);
    await start({}, {}, { window: 3 });
    await allAcknowledged();
    assert.ok(broker.maxInFlight <= 3, `${broker.maxInFlight} in flight`);
  });

  it('sends no faster than was bought, and counts what the hub bills', async () => {
    append(25);
    const startedMs = performance.now();
    const forwarding = await start({}, {}, { limits: { messagesPerSecond: 20, messagesPerDay: 1_000 } });
    await allAcknowledged();
    // A quarter of a second may go at once.
    assert.ok(performance.now() - startedMs >= 950, `${performance.now() - startedMs} ms`);
    // And the word that the gateway is there.
    assert.equal(forwarding.status().quota?.usedToday, 26);
  });

  it('goes on after a message that the hub will never take, and has a gap told', async () => {
    append(20, () => 'press-07');
    const poison = '"seq":5,';
    const forwarding = await start({
      answer: ({ payload }) => (payload.includes(poison) ? { reasonCode: 0x99 } : 'acknowledge'),
    });
    await allAcknowledged();
    assert.deepEqual(
      reader.rejected.map(({ stored }) => stored.sequence),
      [5],
    );
    assert.equal(forwarding.status().counters.rejected_messages, 1);
    assert.equal(received('press-07').length, 20);
  });

  it('waits and goes on in order when the hub throttles', async () => {
    append(40, () => 'press-07');
    let refusals = 0;
    const forwarding = await start(
      {
        answer: ({ retain, payload }) => {
          if (retain || refusals >= 3 || !payload.includes('"seq":8,')) return 'acknowledge';
          refusals += 1;
          return { reasonCode: 0x97 };
        },
      },
      { clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 30), signal) } },
      { acknowledgeTimeout: '5 s' },
    );
    await allAcknowledged();
    assert.deepEqual(reader.rejected, []);
    assert.deepEqual(
      [...new Set(received('press-07'))].toSorted((a, b) => a - b),
      range(40),
    );
    assert.equal(forwarding.status().counters.throttled_messages, 3);
  });

  describe('without the right to publish', () => {
    const hasty = {
      clock: { ...systemClock, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(Math.min(ms, 30), signal) },
    };
    const patient = { acknowledgeTimeout: '5 s' };

    it('waits, says so, and sends all of it in order when it has the right', async () => {
      append(40, () => 'press-07');
      const recorded = new RecordedLog();
      let isAllowed = false;
      const answer: SinkScript['answer'] = ({ retain, payload }) =>
        retain || isAllowed || !/"seq":(1\d|[2-9]\d),/.test(payload.toString()) ? 'acknowledge' : { reasonCode: 0x87 };
      const forwarding = await start({ answer }, { ...hasty, log: recorded.log }, patient);
      await until(() => forwarding.status().forbidden !== undefined);
      await systemClock.sleep(300);
      const { forbidden, waitingMessages: _, link } = { waitingMessages: 0, ...forwarding.status() };
      assert.deepEqual([forbidden?.code, link.state], ['HUB_MESSAGE_FORBIDDEN', 'up']);
      assert.match(forbidden?.message ?? '', /no right.*0x87/);
      assert.deepEqual([reader.rejected, reader.cursor], [[], reader.stored[8]?.offset]);
      assert.ok(broker.messages.length < 300, `${broker.messages.length} sent`);
      isAllowed = true;
      await allAcknowledged();
      assert.equal(forwarding.status().forbidden, undefined);
      assert.deepEqual(reader.rejected, []);
      assert.deepEqual(
        [...new Set(received('press-07'))].toSorted((a, b) => a - b),
        range(40),
      );
      assert.deepEqual([recorded.events('messages forbidden').length, recorded.events('messages allowed').length], [1, 1]);
    });

    it('to some topics only, gives those messages up and has gaps told, so that the others go on', async () => {
      append(401);
      const forbiddenTwin = ({ topic }: SinkPublish) => topic.includes('press-08');
      const answer: SinkScript['answer'] = (publish) => (forbiddenTwin(publish) ? { reasonCode: 0x87 } : 'acknowledge');
      const forwarding = await start({ answer }, hasty, patient);
      await allAcknowledged();
      assert.deepEqual(new Set(reader.rejected.map(({ stored }) => stored.message.twin)), new Set(['press-08']));
      assert.equal(reader.rejected.length, 200);
      assert.equal(forwarding.status().forbidden, undefined);
      assertInOrder(received('press-07'), 201);
    });
  });

  it('finds a frozen broker out and sends what was not acknowledged again, with the same ids', async () => {
    append(5);
    let isFrozen = true;
    await start({ answer: ({ retain }) => (isFrozen && !retain ? 'never' : 'acknowledge') });
    await broker.until(() => broker.messages.length === 5);
    isFrozen = false;
    await allAcknowledged();
    assert.equal(new Set(broker.messages.map(({ id }) => id)).size, 5);
    assert.equal(broker.messages.length, 10);
  });

  it('waits for a broker that is not there yet', async () => {
    append(5);
    broker = await SinkBroker.start();
    await broker.stop();
    const forwarding = forward();
    await until(() => forwarding.status().link.error?.code === 'HUB_REFUSED');
    await broker.listen();
    await allAcknowledged();
    await until(() => forwarding.status().link.state === 'up');
  });

  it('backs off more and more while another client takes its client id again and again', async () => {
    broker = await SinkBroker.start({ isJealous: true });
    const waits: number[] = [];
    const clock = {
      ...systemClock,
      sleep: (ms: number, signal?: AbortSignal) => {
        if (ms >= 1_000 && ms <= 60_000 && ms % 1_000 === 0) waits.push(ms);
        return systemClock.sleep(ms >= 1_000 && ms % 1_000 === 0 ? 5 : ms, signal);
      },
    };
    const slow = { backOff: { firstMs: 1_000, maxMs: 60_000, resetAfterMs: 30_000 }, random: () => 1, clock };
    forward(slow, { connectTimeout: '1500 ms' });
    forward({ ...slow, reader: new RecordedSpoolReader() }, { connectTimeout: '1500 ms' });
    await until(() => waits.length >= 12);
    assert.ok(Math.max(...waits) >= 32_000, String(waits));
  });

  it('tells each acknowledgement with its bytes', async () => {
    append(3);
    const told: [Stored, number][] = [];
    const forwarding = await start({}, { onAcknowledged: (stored, bytes) => void told.push([stored, bytes]) });
    await allAcknowledged();
    assert.deepEqual(
      told.map(([stored]) => stored.offset),
      [10, 20, 30],
    );
    const { counters, window, endpoint } = forwarding.status();
    assert.equal(counters.acknowledged_messages, 3);
    assert.equal(
      counters.acknowledged_bytes,
      told.reduce((sum, [, bytes]) => sum + bytes, 0),
    );
    assert.deepEqual([window, endpoint], [10, broker.url]);
  });

  it('leaves what waits alone while a session that is to be renewed is still answered', async () => {
    append(1);
    broker = await SinkBroker.start({ answer: ({ retain }) => (retain ? 'acknowledge' : 'later') });
    const plain = mqttDialect({ url: broker.url, connectTimeout: '1 s', acknowledgeTimeout: '5 s', window: 10 });
    let opened = 0;
    const prepare: Dialect['prepare'] = async ({ endpoint }) => {
      opened += 1;
      return { endpoint, settings: plain.wire, ...(opened === 1 ? { renewAtMs: Date.now() + 50 } : {}) };
    };
    const forwarding = forward({ hub: createMqttHub('cloud', { ...plain, prepare }, systemClock) });
    await broker.until(() => broker.messages.length === 1);
    await systemClock.sleep(100);
    append(500);
    await systemClock.sleep(50);
    broker.script = {};
    broker.release();
    await allAcknowledged();
    assert.equal(broker.messages.length, 501);
    assert.ok(
      (forwarding.status().counters.resent_messages ?? 0) <= 10,
      `${forwarding.status().counters.resent_messages} sent again`,
    );
  });

  it('sends what waits before it stops', async () => {
    append(200);
    const forwarding = await start({});
    await until(() => forwarding.status().link.state === 'up');
    await forwarding.stop(5_000);
    assert.equal(reader.cursor, 2_000);
    assert.deepEqual([broker.disconnects, broker.wills.length, forwarding.status().link.state], [1, 0, 'stopped']);
    assert.equal(lastStatus(), 'offline');
  });

  it('stops within its bound when the broker does not acknowledge, and keeps the messages', async () => {
    append(5);
    const forwarding = await start(
      { answer: ({ retain }) => (retain ? 'acknowledge' : 'never') },
      {},
      { acknowledgeTimeout: '60 s' },
    );
    await broker.until(() => broker.messages.length === 5);
    await forwarding.stop(100);
    assert.equal(reader.cursor, 0);
    assert.equal(forwarding.status().inFlight, 0);
  });

  it('executes commands and answers each exactly once, where the sender wants it', async () => {
    const executed: string[] = [];
    const execute = async ({ id, device }: Command): Promise<CommandResult> => {
      executed.push(id);
      return { id, device, status: 'done', points: { speedSetpoint: { status: 'written', value: 900 } } };
    };
    await start({}, { execute });
    await broker.until(() => broker.subscriptions.length === 2);
    const properties = { responseTopic: 'app/answers', correlationData: Buffer.from('k1') };
    broker.send('gw-01/press-07/command', command('c1'), { properties });
    broker.send('gw-01/press-08/command', command('c2'));
    await broker.until(() => broker.messages.length === 2);
    assert.deepEqual(executed, ['c1', 'c2']);
    const answers = broker.publishes.filter(({ retain }) => !retain);
    assert.deepEqual(
      answers.map(({ topic }) => topic),
      ['app/answers', 'gw-01/press-08/result'],
    );
    assert.equal(answers[0]?.properties?.correlationData?.toString(), 'k1');
  });

  it('refuses commands beyond those that may be under way', async () => {
    await start({}, { execute: () => new Promise(() => {}) });
    await broker.until(() => broker.subscriptions.length === 2);
    for (let count = 1; count <= 20; count += 1) broker.send('gw-01/press-07/command', command(`c${count}`));
    await broker.until(() => broker.messages.length === 4);
    assert.ok(broker.messages.every(({ status }) => status === 'refused'));
  });

  it('refuses a command that arrives while it stops', async () => {
    append(1);
    const forwarding = await start({ answer: ({ payload }) => (payload.includes('gw.telemetry') ? 'later' : 'acknowledge') });
    await broker.until(() => broker.messages.length === 1);
    const stopping = forwarding.stop(350);
    broker.send('gw-01/press-07/command', command('late'));
    await broker.until(() => broker.messages.some(({ id }) => id === 'late'));
    assert.equal(broker.messages.find(({ id }) => id === 'late')?.status, 'refused');
    await stopping;
  });

  const lastStatus = () => {
    const payload = broker.publishes.findLast(({ retain }) => retain)?.payload.toString() ?? '{}';
    return (JSON.parse(payload) as { state?: string }).state;
  };
});

function command(id: string): string {
  return JSON.stringify({ id, desired: { speedSetpoint: 900 } });
}

/** Every number appears; a number appears first only after all before it. */
function assertInOrder(sequences: readonly number[], count: number): void {
  let highest = 0;
  for (const sequence of sequences) {
    assert.ok(sequence <= highest + 1, `${sequence} after ${highest}`);
    highest = Math.max(highest, sequence);
  }
  assert.equal(highest, count);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
