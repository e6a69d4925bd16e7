import assert from 'node:assert/strict';
import { GatewayError } from '../../src/model/error.ts';
import type { Hub, HubSession } from '../../src/northbound/hub.ts';
import { stored } from '../support/recorded-spool-reader.ts';
import type { SinkBroker, SinkScript } from '../support/sink-broker.ts';
import { describeTalk, type Stage, type TalkingBroker, type TalkUnderTest, until } from './hub-talk.ts';

/** What the suite needs of a broker or of the emulator of a cloud. */
export type BrokerUnderTest = TalkingBroker &
  Pick<SinkBroker, 'wills' | 'connects' | 'disconnects' | 'maxInFlight' | 'openConnections'> &
  Pick<SinkBroker, 'freeze' | 'release' | 'disconnect'>;

export interface HubUnderTest<Broker extends BrokerUnderTest = SinkBroker> extends TalkUnderTest {
  /** Failure codes in PUBACK, receive maximum and the like exist. */
  readonly isVersion5: boolean;
  startBroker(script?: SinkScript): Promise<Broker>;
  /** Deadlines are short: 300 ms for the connection and for an acknowledgement. Twin: `press-07`. */
  createHub(broker: Broker): Hub;
  /**
   * Where messages have no PUBACK: from now on the broker keeps back what proves that it has read them, until `release` or for good.
   */
  withhold?(broker: Broker, how: 'later' | 'never'): void;
}

const NEVER = new AbortController().signal;

/** What every hub must do, whatever it speaks. */
export function describeHub<Broker extends BrokerUnderTest = SinkBroker>(under: HubUnderTest<Broker>): void {
  describe(`hub: ${under.title}`, () => {
    let broker: Broker;
    let session: HubSession | undefined;

    const start = async (script: SinkScript = {}) => {
      broker = await under.startBroker(script);
      return under.createHub(broker);
    };
    const open = async (script: SinkScript = {}) => {
      const hub = await start(script);
      session = await hub.open(NEVER);
      return session;
    };
    /** Nothing that is published gets its proof of arrival. */
    const openWithheld = async (how: 'later' | 'never') => {
      const { withhold } = under;
      const opened = await open(withhold === undefined ? { answer: ({ retain }) => (retain ? 'acknowledge' : how) } : {});
      withhold?.(broker, how);
      return opened;
    };

    afterEach(async () => {
      await session?.close();
      session = undefined;
      await broker.stop();
    });

    describeTalk(under, { start, open, broker: () => broker });

    it('does not resolve before the acknowledgement, in whatever order those come', async () => {
      const opened = await openWithheld('later');
      const settled: number[] = [];
      const all = [1, 2, 3].map((sequence) => opened.publish(stored(sequence)).then(() => settled.push(sequence)));
      await broker.until(() => broker.messages.length === 3);
      assert.deepEqual(settled, []);
      while (settled.length < 3) {
        broker.release(true);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await Promise.all(all);
      assert.deepEqual(settled, under.withhold === undefined ? [3, 2, 1] : [1, 2, 3]);
    });

    it('is lost with HUB_TIMEOUT when an acknowledgement never comes', async () => {
      const opened = await openWithheld('never');
      await assert.rejects(opened.publish(stored(1)), { code: 'HUB_TIMEOUT' });
      assert.equal((await opened.lost).code, 'HUB_TIMEOUT');
    });

    it('is lost when the broker freezes', async () => {
      const opened = await open();
      broker.freeze();
      await assert.rejects(opened.publish(stored(1)), { code: 'HUB_TIMEOUT' });
    });

    it('is lost when the connection is reset, and rejects what was in flight with the same cause', async () => {
      const opened = await openWithheld('never');
      const publishing = opened.publish(stored(1)).catch((error: unknown) => error);
      await broker.until(() => broker.messages.length === 1);
      broker.cut();
      const lost = await opened.lost;
      assert.ok(lost instanceof GatewayError);
      assert.equal(await publishing, lost);
      await assert.rejects(opened.publish(stored(2)), lost);
    });

    it('refuses wrong credentials with HUB_UNAUTHORIZED after one attempt', async () => {
      const hub = await start({ connackCode: under.isVersion5 ? 0x86 : 4 });
      await assert.rejects(hub.open(NEVER), { code: 'HUB_UNAUTHORIZED' });
      await broker.until(() => broker.openConnections === 0);
      assert.equal(broker.connects.length, 1);
    });

    it('says HUB_REFUSED when the broker is not available', async () => {
      const hub = await start({ connackCode: under.isVersion5 ? 0x88 : 3 });
      await assert.rejects(hub.open(NEVER), { code: 'HUB_REFUSED' });
    });

    it('gives up with HUB_TIMEOUT on a broker that accepts and never answers', async () => {
      const hub = await start({ greeting: 'silent' });
      await assert.rejects(hub.open(NEVER), { code: 'HUB_TIMEOUT' });
      await broker.until(() => broker.openConnections === 0);
    });

    it('says that a web server is not MQTT', async () => {
      const hub = await start({ greeting: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') });
      await assert.rejects(
        hub.open(NEVER),
        ({ code, message }: GatewayError) => code === 'HUB_REFUSED' && message.includes('MQTT'),
      );
    });

    it('rejects at once when the signal is aborted already', async () => {
      const hub = await start();
      await assert.rejects(hub.open(AbortSignal.abort()), { name: 'GatewayError' });
      assert.equal(broker.connects.length, 0);
    });

    it('leaves nothing open when the attempt is aborted', async () => {
      const hub = await start({ greeting: 'silent' });
      const abort = new AbortController();
      const opening = hub.open(abort.signal);
      await broker.until(() => broker.openConnections === 1);
      abort.abort();
      await assert.rejects(opening, { name: 'GatewayError' });
      await broker.until(() => broker.openConnections === 0);
    });

    it('says goodbye when closed, so that the will is not sent', async () => {
      const opened = await open();
      await Promise.all([opened.close(), opened.close()]);
      await broker.until(() => broker.openConnections === 0);
      assert.deepEqual([broker.disconnects, broker.wills.length], [1, 0]);
    });

    it('closes within its bound while the broker is frozen', async () => {
      const opened = await open();
      broker.freeze();
      const startedMs = performance.now();
      await opened.close();
      assert.ok(performance.now() - startedMs < 5_000);
    });

    if (under.withhold === undefined) describePubacks(open, () => broker);
    if (under.isVersion5) describeVersion5({ start, open, broker: () => broker });
    if (under.isVersion5 && under.withhold === undefined) describePubacksOfVersion5(open, () => broker);
  });
}

type Opens = (script?: SinkScript) => Promise<HubSession>;

function describePubacks(open: Opens, broker: () => BrokerUnderTest): void {
  it('ignores acknowledgements that come twice or for nothing', async () => {
    const opened = await open({ answer: (_, index) => (index % 2 === 0 ? 'twice' : 'unknown-id') });
    for (let sequence = 1; sequence <= 6; sequence += 1) await opened.publish(stored(sequence));
    await broker().until(() => broker().messages.length === 6);
  });

  it('takes an acknowledgement that comes again, and late, for that of no other message', async () => {
    let isConfused = false;
    const opened = await open({ answer: ({ retain }) => (retain || !isConfused ? 'acknowledge' : 'others-again') });
    await opened.publish(stored(1));
    isConfused = true;
    await assert.rejects(opened.publish(stored(2)), { code: 'HUB_TIMEOUT' });
  });
}

function describePubacksOfVersion5(open: Opens, broker: () => BrokerUnderTest): void {
  it('stays within the receive maximum of the broker, answers to commands included', async () => {
    const opened = await open({
      connackProperties: { receiveMaximum: 2 },
      answer: ({ retain }) => (retain ? 'acknowledge' : 'later'),
    });
    assert.equal(opened.window, 2);
    let done = 0;
    for (let sequence = 1; sequence <= 40; sequence += 1) void opened.publish(stored(sequence)).then(() => (done += 1));
    for (let arrived = 2; arrived <= 40; arrived += 2) {
      await broker().until(() => broker().messages.length >= arrived);
      broker().release();
    }
    await until(() => done === 40);
    assert.equal(broker().maxInFlight, 2);
    assert.deepEqual(broker().violations, []);
    assert.deepEqual(
      broker().messages.map(({ seq }) => seq),
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
  });

  for (const [reasonCode, code] of [
    [0x87, 'HUB_MESSAGE_FORBIDDEN'],
    [0x99, 'HUB_MESSAGE_REJECTED'],
    [0x97, 'HUB_THROTTLED'],
  ] as const) {
    it(`takes an acknowledgement with 0x${reasonCode.toString(16)} as ${code} and lives on`, async () => {
      const opened = await open({ answer: (_, index) => (index === 1 ? { reasonCode } : 'acknowledge') });
      await assert.rejects(opened.publish(stored(1)), { code });
      await opened.publish(stored(2));
    });
  }
}

function describeVersion5({ start, open, broker }: Stage<BrokerUnderTest>): void {
  it('rejects a message larger than the broker takes without sending it', async () => {
    const opened = await open({ connackProperties: { maximumPacketSize: 2_000 } });
    const large = { ...stored(1), message: { ...stored(1).message, values: { text: [[0, 'x'.repeat(3_000)]] as const } } };
    await assert.rejects(opened.publish(large), { code: 'HUB_MESSAGE_TOO_LARGE' });
    await opened.publish(stored(2));
    assert.deepEqual(broker().violations, []);
    assert.equal(broker().messages.length, 1);
  });

  it('tells that another client has taken the client id', async () => {
    const opened = await open();
    broker().disconnect(0x8e);
    const { code, message } = await opened.lost;
    assert.equal(code, 'HUB_REFUSED');
    assert.match(message, /same client id/);
  });

  it('tells when it may not listen for commands', async () => {
    const hub = await start({ subackCode: 0x87 });
    await assert.rejects(hub.open(NEVER), { code: 'HUB_UNAUTHORIZED' });
  });
}
