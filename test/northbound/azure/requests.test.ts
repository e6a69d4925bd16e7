import assert from 'node:assert/strict';
import { Subject } from 'rxjs';
import type { CallCommand, WriteCommand } from '../../../src/model/command.ts';
import type { DevicePlan } from '../../../src/model/plan.ts';
import type { Stored } from '../../../src/model/twin-message.ts';
import { answerCommands, eachWithPlant, type HubPlant, until } from '../../support/azure/hub-plant.ts';
import { press } from '../../support/azure/plant.ts';
import { telemetry } from '../../support/recorded-spool-reader.ts';

function stored(sequence: number, twin = 'press-07'): Stored {
  return { class: 'telemetry', offset: sequence, sequence, epoch: 'e1', message: telemetry(twin, sequence) };
}

describe('the ways between Azure and the gateway', () => {
  let plant: HubPlant;
  const two = [press('press-07'), press('press-08')];

  eachWithPlant((started) => {
    plant = started;
  });

  const invoke = async (method: string, payload?: unknown) => {
    const { status, payload: text } = await plant.hub.invoke('gw-01', method, payload);
    return { status, body: JSON.parse(text) as Record<string, unknown> };
  };

  describe('direct methods', () => {
    it('call a method of a twin, named before the asterisk, and answer with what it gave back', async () => {
      const session = await plant.open({ devices: two });
      const seen = answerCommands(session, () => ({ method: 'startProgram', outputs: { job: 4_711n } }));
      const { status, body } = await invoke('press-08*startProgram', { program: 7 });
      const [command] = seen as CallCommand[];
      assert.deepEqual([command?.device, command?.method, command?.arguments], ['press-08', 'startProgram', { program: 7 }]);
      assert.equal(status, 200);
      assert.deepEqual([body.schema, body.status, body.outputs], ['gw.result/1', 'done', { job: 4_711 }]);
    });

    it('need no name where there is one twin, and no payload where there are no arguments', async () => {
      const session = await plant.open();
      const seen = answerCommands(session, ({ id }) => ({ method: id.slice(0, 1) }));
      for (const payload of [undefined, null]) assert.equal((await invoke('stop', payload)).status, 200);
      assert.deepEqual(
        (seen as CallCommand[]).map(({ method, arguments: given }) => [method, given]),
        [
          ['stop', {}],
          ['stop', {}],
        ],
      );
      assert.equal(new Set(seen.map(({ id }) => id)).size, 2);
    });

    it('write points by `gw.command`, with an id of their own or the one given', async () => {
      const session = await plant.open({ devices: two });
      const seen = answerCommands(session, () => ({ points: { speedSetpoint: { status: 'written', value: 900 } } }));
      const { status, body } = await invoke('press-07*gw.command', { desired: { speedSetpoint: 900 } });
      assert.deepEqual([status, body.points], [200, { speedSetpoint: { status: 'written', value: 900 } }]);
      await invoke('press-07*gw.command', { id: 'mine', desired: { speedSetpoint: 900 }, dryRun: true });
      const [first, second] = seen as WriteCommand[];
      assert.ok(first !== undefined && first.id.length > 8);
      assert.deepEqual([second?.id, second?.isDryRun], ['mine', true]);
    });

    it('carry by `gw.command` all that a command may say', async () => {
      const session = await plant.open();
      const seen = answerCommands(session, () => ({}));
      const said = { by: 'anna', issued: '2026-01-01T00:00:00Z', expires: 1_800_000_000_000 };
      await invoke('gw.command', { ...said, id: 'm1', settings: { logLevel: 'debug' }, dryRun: true });
      await invoke('gw.command', { ...said, id: 'm2', approve: true });
      const issuedTimeMs = Date.UTC(2026, 0, 1);
      const head = { device: 'press-07', by: 'anna', issuedTimeMs, expiresTimeMs: 1_800_000_000_000 };
      assert.deepEqual(
        seen.map(({ replyTo: _, ...command }) => command),
        [
          { ...head, id: 'm1', settings: { logLevel: 'debug' }, isDryRun: true },
          { ...head, id: 'm2', approves: true },
        ],
      );
    });

    it('answer with what the model says in IoT Plug and Play', async () => {
      const session = await plant.open({ settings: { shape: 'pnp' }, devices: two });
      answerCommands(session, () => ({ method: 'startProgram', outputs: { job: 4_711 } }));
      assert.deepEqual(await invoke('press_07*startProgram', {}), { status: 200, body: { job: 4_711 } });
    });

    for (const [code, status] of [
      ['COMMAND_OUT_OF_RANGE', 400],
      ['COMMAND_READ_ONLY', 403],
      ['COMMAND_UNKNOWN', 404],
      ['COMMAND_INTERLOCKED', 409],
      ['COMMAND_TOO_OFTEN', 429],
      ['LINK_DOWN', 503],
      ['BUG', 500],
    ] as const) {
      it(`answer ${status} where the gateway says ${code}`, async () => {
        const session = await plant.open();
        answerCommands(session, () => ({ status: 'refused', error: { code, message: 'no' } }));
        assert.equal((await invoke('stop')).status, status);
      });
    }

    it('answer 404 for a twin that is not there, and 400 for what cannot be read', async () => {
      const session = await plant.open({ devices: two });
      const seen = answerCommands(session, () => ({}));
      assert.equal((await invoke('press-99*stop')).status, 404);
      assert.equal((await invoke('stop')).status, 404);
      assert.equal((await invoke('press-07*stop', [1, 2])).status, 400);
      assert.equal((await invoke('press-07*gw.command', { desired: {} })).status, 400);
      assert.equal(seen.length, 0);
    });

    it('answer 429 at once where too many are under way', async () => {
      const session = await plant.open();
      session.commands.subscribe(() => {});
      const all = Array.from({ length: 130 }, () => plant.hub.invoke('gw-01', 'stop', undefined, 500).catch(() => undefined));
      const answers = (await Promise.all(all)).filter((answer) => answer !== undefined);
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([429]));
      assert.equal(answers.length, 30);
    });
  });

  describe('messages to the device', () => {
    const body = (more: Readonly<Record<string, unknown>> = {}) =>
      JSON.stringify({ id: 'c1', desired: { speedSetpoint: 900 }, ...more });

    it('are commands, answered by a message that names them', async () => {
      const session = await plant.open({ devices: two });
      answerCommands(session, () => ({ points: { speedSetpoint: { status: 'written', value: 900 } } }));
      plant.hub.sendToDevice('gw-01', '%24.mid=m-17&twinId=press-08', body({ expires: Date.now() + 10_000 }));
      await until(() => plant.hub.messages.length === 1);
      const result = plant.hub.telemetry.find(({ properties }) => properties.schema === 'gw.result/1');
      assert.deepEqual([result?.system['$.cid'], result?.properties.twinId], ['m-17', 'press-08']);
      assert.equal(plant.hub.messages[0]?.status, 'done');
    });

    it('that lay in the hub have to say when they expire, themselves or by their property', async () => {
      plant.hub.sendToDevice('gw-01', '%24.mid=old', body());
      const exp = encodeURIComponent(new Date(Date.now() + 60_000).toISOString());
      plant.hub.sendToDevice('gw-01', `%24.mid=new&%24.exp=${exp}`, body({ id: 'c2' }));
      const session = await plant.open();
      const seen = answerCommands(session, () => ({}));
      await until(() => plant.hub.messages.length === 2);
      assert.deepEqual(
        seen.map(({ id, expiresTimeMs = 0 }) => [id, expiresTimeMs > Date.now()]),
        [['c2', true]],
      );
      const refused = plant.hub.messages.find(({ status }) => status === 'refused');
      assert.match(JSON.stringify(refused), /COMMAND_INVALID.*expires/);
    });

    it('say by their system properties what the body leaves open: id, who asks, when it was sent, when it expires', async () => {
      const session = await plant.open();
      const seen = answerCommands(session, () => ({}));
      const [sentMs, expiresMs] = [Date.now() - 1_000, Date.now() + 60_000];
      const times = `%24.ctime=${encodeURIComponent(new Date(sentMs).toISOString())}&%24.exp=${encodeURIComponent(new Date(expiresMs).toISOString())}`;
      const bag = `%24.mid=m-17&%24.uid=anna&${times}`;
      plant.hub.sendToDevice('gw-01', bag, JSON.stringify({ desired: { speedSetpoint: 900 } }));
      plant.hub.sendToDevice('gw-01', bag, body({ by: 'ben', issued: sentMs + 500, expires: expiresMs - 500 }));
      plant.hub.sendToDevice('gw-01', bag, JSON.stringify({ approve: true }));
      await until(() => seen.length === 3);
      assert.deepEqual(
        seen.map(({ id, by, issuedTimeMs, expiresTimeMs }) => [id, by, issuedTimeMs, expiresTimeMs]),
        [
          ['m-17', 'anna', sentMs, expiresMs],
          ['c1', 'ben', sentMs, expiresMs - 500],
          ['m-17', 'anna', sentMs, expiresMs],
        ],
      );
    });

    it('have to say which twin where there are several', async () => {
      const session = await plant.open({ devices: two });
      const seen = answerCommands(session, () => ({}));
      plant.hub.sendToDevice('gw-01', '%24.mid=m', body({ expires: Date.now() + 10_000 }));
      plant.hub.sendToDevice('gw-01', '%24.mid=m&twinId=press-99', body({ expires: Date.now() + 10_000 }));
      await until(() => plant.hub.messages.length === 2);
      assert.equal(seen.length, 0);
    });
  });

  describe('telemetry', () => {
    it('says in its properties all that routing queries need', async () => {
      const session = await plant.open();
      await session.publish(stored(7));
      const message = plant.hub.telemetry.find(({ properties }) => properties.schema === 'gw.telemetry/1');
      assert.equal(message?.system['$.mid'], 'gw-01:press-07:e1:7');
      assert.equal(message?.system['$.ct'], 'application/json;charset=utf-8');
      assert.equal(message?.system['$.ce'], 'utf-8');
      assert.equal(message?.system['$.sub'], undefined);
      const { schema: _, history: __, ...rest } = message?.properties ?? {};
      assert.deepEqual(rest, { site: 'plant-a', line: 'l3', twinId: 'press-07' });
    });

    it('says in its properties where a time was not known', async () => {
      const session = await plant.open();
      const known = stored(7);
      await session.publish({ ...known, message: { ...known.message, clock: { boot: 'b', offsetMs: 0 } } });
      const message = plant.hub.telemetry.find(({ properties }) => properties.schema === 'gw.telemetry/1');
      assert.equal(message?.properties.clock, 'unsynchronised');
    });

    it('describes the points, and again only where they are others', async () => {
      const resolved = new Subject<DevicePlan>();
      const gateway = plant.gateway({ settings: { shape: 'opcua-pubsub-json' }, context: { resolved } });
      const described = () =>
        plant.hub.telemetry
          .filter(({ properties }) => properties.schema === 'gw.metadata.opcua-pubsub/1')
          .map(({ body: told }) => JSON.parse(told).MetaData.Fields.length);
      const session = await plant.open(gateway);
      await until(() => described().length === 1);
      const now = press('press-07');
      resolved.next(now);
      resolved.next({ ...now, points: now.points.slice(1) });
      await session.publish(stored(7));
      assert.deepEqual(described(), [3, 2]);
    });

    it('names the component, and its own time, in IoT Plug and Play', async () => {
      const session = await plant.open({ settings: { shape: 'pnp' }, devices: two });
      await session.publish(stored(7, 'press-08'));
      const messages = plant.hub.telemetry.filter(({ properties }) => properties.schema === 'gw.telemetry.pnp/1');
      assert.ok(messages.length > 0);
      for (const { system, properties } of messages) {
        assert.equal(system['$.sub'], 'press_08');
        assert.equal(properties.time, undefined);
      }
      assert.equal(new Set(messages.map(({ system }) => system['$.mid'])).size, messages.length);
    });

    for (const shape of ['expanded', 'cloudevents', { cloudevents: { mode: 'binary' } }, 'opcua-pubsub-json'] as const) {
      it(`is what the hub takes in the shape ${JSON.stringify(shape)}`, async () => {
        const session = await plant.open({ settings: { shape } });
        await session.publish(stored(1));
        assert.ok(plant.hub.telemetry.length >= 2);
      });
    }

    it('is never larger than the hub takes: such a message is refused here, and not sent', async () => {
      const session = await plant.open();
      const large = {
        ...stored(1),
        message: { ...telemetry('press-07', 1), values: { text: [[0, 'x'.repeat(255_000)]] as const } },
      };
      await assert.rejects(session.publish(large), { code: 'HUB_MESSAGE_TOO_LARGE' });
      await session.publish(stored(2));
      assert.equal(plant.hub.messages.length, 1);
    });

    it('tells once that the gateway is there, and by a will that it went', async () => {
      const session = await plant.open();
      const states = () => plant.hub.telemetry.flatMap(({ body }) => (JSON.parse(body) as { state?: string }).state ?? []);
      await until(() => states().length === 1);
      plant.hub.cut();
      await session.lost;
      await until(() => plant.hub.wills.length === 1);
      assert.match(plant.hub.wills[0]?.will?.payload?.toString() ?? '', /"offline".*"connection lost"/);
      const next = await plant.open();
      await next.close();
      await until(() => states().length === 3);
      assert.deepEqual(states(), ['online', 'online', 'offline']);
    });
  });
});
