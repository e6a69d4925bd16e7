import assert from 'node:assert/strict';
import { firstValueFrom } from 'rxjs';
import type { Command, CommandResult } from '../../src/model/command.ts';
import { GatewayError } from '../../src/model/error.ts';
import type { Stored } from '../../src/model/twin-message.ts';
import type { Hub, HubSession } from '../../src/northbound/hub.ts';
import { telemetry } from '../support/recorded-spool-reader.ts';
import type { SinkBroker, SinkScript } from '../support/sink-broker.ts';

/** What the suite needs of a broker or of the emulator of a cloud. */
export type BrokerUnderTest = Pick<
  SinkBroker,
  'messages' | 'violations' | 'wills' | 'connects' | 'disconnects' | 'maxInFlight' | 'openConnections'
> &
  Pick<SinkBroker, 'send' | 'cut' | 'freeze' | 'release' | 'disconnect' | 'until' | 'stop'>;

export interface HubUnderTest<Broker extends BrokerUnderTest = SinkBroker> {
  /** `mqtt` or `mqtts`, version and dialect, for the title. */
  readonly title: string;
  /** Failure codes in PUBACK, receive maximum and the like exist. */
  readonly isVersion5: boolean;
  startBroker(script?: SinkScript): Promise<Broker>;
  /** Deadlines are short: 300 ms for the connection and for an acknowledgement. Twin: `press-07`. */
  createHub(broker: Broker): Hub;
  readonly commandTopic: string;
  command(id: string): string;
}

const NEVER = new AbortController().signal;

export function stored(sequence: number): Stored {
  return { class: 'telemetry', offset: sequence * 10, sequence, epoch: 'e1', message: telemetry('press-07', sequence) };
}

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

    afterEach(async () => {
      await session?.close();
      session = undefined;
      await broker.stop();
    });

    it('publishes in order and resolves at the acknowledgement', async () => {
      const opened = await open();
      const bytes = await Promise.all([1, 2, 3, 4, 5].map((sequence) => opened.publish(stored(sequence))));
      assert.ok(bytes.every((count) => count > 50));
      assert.equal(new Set(broker.messages.map(({ id }) => id)).size, 5);
      assert.deepEqual(broker.violations, []);
    });

    it('does not resolve before the acknowledgement, in whatever order those come', async () => {
      const opened = await open({ answer: (publish) => (publish.retain ? 'acknowledge' : 'later') });
      const settled: number[] = [];
      const all = [1, 2, 3].map((sequence) => opened.publish(stored(sequence)).then(() => settled.push(sequence)));
      await broker.until(() => broker.messages.length === 3);
      assert.deepEqual(settled, []);
      broker.release(true);
      await Promise.all(all);
      assert.deepEqual(settled, [3, 2, 1]);
    });

    it('ignores acknowledgements that come twice or for nothing', async () => {
      const opened = await open({ answer: (_, index) => (index % 2 === 0 ? 'twice' : 'unknown-id') });
      for (let sequence = 1; sequence <= 6; sequence += 1) await opened.publish(stored(sequence));
      await broker.until(() => broker.messages.length === 6);
    });

    it('takes an acknowledgement that comes again, and late, for that of no other message', async () => {
      let isConfused = false;
      const opened = await open({ answer: ({ retain }) => (retain || !isConfused ? 'acknowledge' : 'others-again') });
      await opened.publish(stored(1));
      isConfused = true;
      await assert.rejects(opened.publish(stored(2)), { code: 'HUB_TIMEOUT' });
    });

    it('is lost with HUB_TIMEOUT when an acknowledgement never comes', async () => {
      const opened = await open({ answer: ({ retain }) => (retain ? 'acknowledge' : 'never') });
      await assert.rejects(opened.publish(stored(1)), { code: 'HUB_TIMEOUT' });
      assert.equal((await opened.lost).code, 'HUB_TIMEOUT');
    });

    it('is lost when the broker freezes', async () => {
      const opened = await open();
      broker.freeze();
      await assert.rejects(opened.publish(stored(1)), { code: 'HUB_TIMEOUT' });
    });

    it('is lost when the connection is reset, and rejects what was in flight with the same cause', async () => {
      const opened = await open({ answer: ({ retain }) => (retain ? 'acknowledge' : 'never') });
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

    it('says HUB_REFUSED when nobody listens', async () => {
      const hub = await start();
      await broker.stop();
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

    it('leaves nothing open when the attempt is aborted', async () => {
      const hub = await start({ greeting: 'silent' });
      const abort = new AbortController();
      const opening = hub.open(abort.signal);
      await broker.until(() => broker.openConnections === 1);
      abort.abort();
      await assert.rejects(opening, { name: 'GatewayError' });
      await broker.until(() => broker.openConnections === 0);
    });

    it('rejects at once when the signal is aborted already', async () => {
      const hub = await start();
      await assert.rejects(hub.open(AbortSignal.abort()), { name: 'GatewayError' });
      assert.equal(broker.connects.length, 0);
    });

    it('says goodbye when closed, so that the will is not sent', async () => {
      const opened = await open();
      await Promise.all([opened.close(), opened.close()]);
      await broker.until(() => broker.openConnections === 0);
      assert.deepEqual([broker.disconnects, broker.wills.length], [1, 0]);
    });

    it('keeps `lost` pending when closed on purpose', async () => {
      const opened = await open();
      await opened.close();
      assert.equal(await Promise.race([opened.lost, Promise.resolve('pending')]), 'pending');
    });

    it('closes within its bound while the broker is frozen', async () => {
      const opened = await open();
      broker.freeze();
      const startedMs = performance.now();
      await opened.close();
      assert.ok(performance.now() - startedMs < 5_000);
    });

    it('takes commands and answers them', async () => {
      const opened = await open();
      const first = firstValueFrom(opened.commands);
      broker.send(under.commandTopic, under.command('c1'));
      const command: Command = await first;
      assert.deepEqual([command.id, command.device], ['c1', 'press-07']);
      const { replyTo } = command;
      const result: CommandResult = { id: 'c1', device: 'press-07', status: 'done', points: {} };
      await opened.respond({ ...result, ...(replyTo === undefined ? {} : { replyTo }) });
      assert.equal(broker.messages.find(({ id }) => id === 'c1')?.status, 'done');
    });

    it('answers a command that cannot be read, and lives on', async () => {
      const opened = await open();
      broker.send(under.commandTopic, Buffer.from([0xff, 0x00, 0x7b]));
      await broker.until(() => broker.messages.length === 1);
      assert.equal(broker.messages[0]?.status, 'refused');
      assert.equal(opened.counters().invalid_commands, 1);
      await opened.publish(stored(1));
    });

    it('drops and counts commands beyond the bound of unanswered ones', async () => {
      const opened = await open();
      const taken: string[] = [];
      opened.commands.subscribe(({ id }) => void taken.push(id));
      for (let count = 1; count <= 150; count += 1) broker.send(under.commandTopic, under.command(`c${count}`));
      await until(() => taken.length + (opened.counters().dropped_commands ?? 0) === 150);
      assert.equal(taken.length, 100);
      await opened.publish(stored(1));
    });

    it('completes the commands at close', async () => {
      const opened = await open();
      const completed = new Promise<void>((resolve) => void opened.commands.subscribe({ complete: resolve }));
      await opened.close();
      await completed;
    });

    if (under.isVersion5) describeVersion5(start, open, () => broker);
  });
}

function describeVersion5(
  start: (script?: SinkScript) => Promise<Hub>,
  open: (script?: SinkScript) => Promise<HubSession>,
  broker: () => BrokerUnderTest,
): void {
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

  it('rejects a message larger than the broker takes without sending it', async () => {
    const opened = await open({ connackProperties: { maximumPacketSize: 400 } });
    const large = { ...stored(1), message: { ...telemetry('press-07', 1), values: { text: [[0, 'x'.repeat(500)]] as const } } };
    await assert.rejects(opened.publish(large), { code: 'HUB_MESSAGE_TOO_LARGE' });
    await opened.publish(stored(2));
    assert.deepEqual(broker().violations, []);
    assert.equal(broker().messages.length, 1);
  });

  for (const [reasonCode, code] of [
    [0x87, 'HUB_MESSAGE_REJECTED'],
    [0x99, 'HUB_MESSAGE_REJECTED'],
    [0x97, 'HUB_THROTTLED'],
  ] as const) {
    it(`takes an acknowledgement with 0x${reasonCode.toString(16)} as ${code} and lives on`, async () => {
      const opened = await open({ answer: (_, index) => (index === 1 ? { reasonCode } : 'acknowledge') });
      await assert.rejects(opened.publish(stored(1)), { code });
      await opened.publish(stored(2));
    });
  }

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

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
