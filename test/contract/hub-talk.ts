import assert from 'node:assert/strict';
import { firstValueFrom } from 'rxjs';
import type { Command, CommandResult } from '../../src/model/command.ts';
import type { Hub, HubSession } from '../../src/northbound/hub.ts';
import { stored } from '../support/recorded-spool-reader.ts';
import type { SinkBroker, SinkScript } from '../support/sink-broker.ts';

/** What can be asked of any broker: of one that plays a script, and of one that nobody here wrote. */
export type TalkingBroker = Pick<SinkBroker, 'messages' | 'violations' | 'send' | 'cut' | 'until' | 'stop'>;

export interface TalkUnderTest {
  /** `mqtt` or `mqtts`, version and dialect, for the title. */
  readonly title: string;
  readonly commandTopic: string;
  command(id: string): string | Buffer;
}

export interface Stage<Broker extends TalkingBroker> {
  start(script?: SinkScript): Promise<Hub>;
  /** Closed after the test. */
  open(script?: SinkScript): Promise<HubSession>;
  broker(): Broker;
}

const NEVER = new AbortController().signal;

/** The part of the suite that needs no broker that misbehaves. */
export function describeTalk(under: TalkUnderTest, { start, open, broker }: Stage<TalkingBroker>): void {
  it('publishes in order and resolves at the acknowledgement', async () => {
    const opened = await open();
    const bytes = await Promise.all([1, 2, 3, 4, 5].map((sequence) => opened.publish(stored(sequence))));
    assert.ok(bytes.every((count) => count > 50));
    await broker().until(() => broker().messages.length >= 5);
    assert.deepEqual(
      broker().messages.map(({ id }) => String(id).split(':').at(-1)),
      ['1', '2', '3', '4', '5'],
    );
    assert.deepEqual(broker().violations, []);
  });

  it('rejects what is published after the connection is reset, with the cause of the loss', async () => {
    const opened = await open();
    await opened.publish(stored(1));
    broker().cut();
    await assert.rejects(opened.publish(stored(2)), await opened.lost);
  });

  it('says HUB_REFUSED when nobody listens', async () => {
    const hub = await start();
    await broker().stop();
    await assert.rejects(hub.open(NEVER), { code: 'HUB_REFUSED' });
  });

  it('keeps `lost` pending when closed on purpose', async () => {
    const opened = await open();
    await opened.close();
    assert.equal(await Promise.race([opened.lost, Promise.resolve('pending')]), 'pending');
  });

  it('takes commands and answers them', async () => {
    const opened = await open();
    const first = firstValueFrom(opened.commands);
    broker().send(under.commandTopic, under.command('c1'));
    const command: Command = await first;
    assert.deepEqual([command.id, command.device], ['c1', 'press-07']);
    const { replyTo } = command;
    const result: CommandResult = { id: 'c1', device: 'press-07', status: 'done', points: {} };
    await opened.respond({ ...result, ...(replyTo === undefined ? {} : { replyTo }) });
    await broker().until(() => broker().messages.length >= 1);
    assert.equal(broker().messages.find(({ id }) => id === 'c1')?.status, 'done');
  });

  it('answers a command that cannot be read, and lives on', async () => {
    const opened = await open();
    broker().send(under.commandTopic, Buffer.from([0xff, 0x00, 0x7b]));
    await broker().until(() => broker().messages.length === 1);
    assert.equal(broker().messages[0]?.status, 'refused');
    assert.equal(opened.counters().invalid_commands, 1);
    await opened.publish(stored(1));
  });

  it('drops and counts commands beyond the bound of unanswered ones', async () => {
    const opened = await open();
    const taken: string[] = [];
    opened.commands.subscribe(({ id }) => void taken.push(id));
    for (let count = 1; count <= 150; count += 1) broker().send(under.commandTopic, under.command(`c${count}`));
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
}

export interface RealBroker extends TalkingBroker {
  /** What the broker said of a gateway that is gone without a word. */
  readonly wills: number;
}

export interface HubAtRealBroker<Broker extends RealBroker> extends TalkUnderTest {
  startBroker(): Promise<Broker>;
  /** Twin: `press-07`. */
  createHub(broker: Broker): Hub;
}

/** What every hub must do with a broker that nobody here wrote, as another client of it sees that. */
export function describeHubAtRealBroker<Broker extends RealBroker>(under: HubAtRealBroker<Broker>): void {
  describe(`hub: ${under.title}`, () => {
    let broker: Broker;
    let session: HubSession | undefined;

    const start = async () => {
      broker = await under.startBroker();
      return under.createHub(broker);
    };
    const open = async () => {
      const hub = await start();
      session = await hub.open(NEVER);
      return session;
    };

    afterEach(async () => {
      await session?.close();
      session = undefined;
      await broker.stop();
    });

    describeTalk(under, { start, open, broker: () => broker });

    it('is missed when it is gone without a word', async () => {
      const opened = await open();
      await opened.publish(stored(1));
      assert.equal(broker.wills, 0);
      broker.cut();
      await opened.lost;
      await broker.until(() => broker.wills === 1);
    });

    it('comes back after a loss, and goes on in order', async () => {
      const hub = await start();
      for (let sequence = 1; sequence <= 5; sequence += 1) {
        session = await hub.open(NEVER);
        await session.publish(stored(sequence));
        broker.cut();
        await session.lost;
        await session.close();
      }
      await broker.until(() => broker.messages.length >= 5);
      assert.deepEqual(
        broker.messages.map(({ id }) => String(id).split(':').at(-1)),
        ['1', '2', '3', '4', '5'],
      );
      assert.deepEqual(broker.violations, []);
    });
  });
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
