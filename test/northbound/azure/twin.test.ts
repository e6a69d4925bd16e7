import assert from 'node:assert/strict';
import type { CommandResult, WriteCommand } from '../../../src/model/command.ts';
import type { Stored, TwinMessage } from '../../../src/model/twin-message.ts';
import { answerCommands, eachWithPlant, type HubPlant, until } from '../../support/azure/hub-plant.ts';
import { KEY, press } from '../../support/azure/plant.ts';

const START_MS = Date.UTC(2026, 0, 1);

function property(values: TwinMessage['values'], sequence = 1, more: Partial<TwinMessage> = {}): Stored {
  const message = { twin: 'press-07', kind: 'property' as const, startTimeMs: START_MS + sequence * 1_000, values, ...more };
  return { class: 'property', offset: sequence, sequence, epoch: 'e1', message };
}

function written(value: number): Partial<CommandResult> {
  return { status: 'done', points: { speedSetpoint: { status: 'written', value } } };
}

describe('the device twin of Azure', () => {
  let plant: HubPlant;

  eachWithPlant((started) => {
    plant = started;
  });

  const twin = () => plant.hub.device('gw-01').twin;

  describe('reported properties', () => {
    it('hold the state of each twin below its name, and nothing of it is sent as a message', async () => {
      const session = await plant.open();
      await session.publish(
        property({
          isRunning: [
            [0, true],
            [5, false],
          ],
        }),
      );
      assert.deepEqual(twin().reported, { 'press-07': { isRunning: false } });
      assert.equal(plant.hub.messages.length, 0);
    });

    it('are flat where the twin is a device of its own', async () => {
      plant.hub.register('press-07', { keys: [plant.hub.device('gw-01').keys[0] ?? ''] });
      const session = await plant.open({ plan: { name: 'cloud/press-07', twin: 'press-07' } });
      await session.publish(property({ isRunning: [[0, true]] }));
      assert.deepEqual(plant.hub.device('press-07').twin.reported, { isRunning: true });
    });

    it('are components in IoT Plug and Play', async () => {
      const session = await plant.open({ settings: { shape: 'pnp', modelId: 'dtmi:com:acme:Gateway;1' } });
      await session.publish(property({ isRunning: [[0, true]] }));
      assert.deepEqual(twin().reported, { press_07: { __t: 'c', isRunning: true } });
      assert.match(plant.hub.connects[0]?.username ?? '', /&model-id=dtmi:com:acme:Gateway;1$/);
    });

    it('say of a writable point that the device has set it', async () => {
      const session = await plant.open();
      await session.publish(property({ speedSetpoint: [[0, 700]] }));
      const expected = { value: 700, ac: 203, av: 0, ad: 'set by the device' };
      assert.deepEqual(twin().reported, { 'press-07': { speedSetpoint: expected } });
    });

    it('are patched one after the other, and together what waits', async () => {
      let patches = 0;
      plant.hub.script = {
        patchStatus: () => {
          patches += 1;
          return undefined;
        },
      };
      const session = await plant.open();
      await Promise.all([1, 2, 3, 4, 5].map((value) => session.publish(property({ isRunning: [[0, value]] }, value))));
      assert.deepEqual(twin().reported, { 'press-07': { isRunning: 5 } });
      assert.equal(patches, 1);
    });

    it('wait for the ones to come, but not when others would have to wait behind them', async () => {
      let patches = 0;
      plant.hub.script = {
        patchStatus: () => {
          patches += 1;
          return undefined;
        },
      };
      const session = await plant.open({ settings: { reportAtMostEvery: '60 s' } });
      await session.publish(property({ isRunning: [[0, 1]] }, 1));
      const early = session.publish(property({ isRunning: [[0, 2]] }, 2));
      const first = await Promise.race([early.then(() => 'sent'), new Promise((resolve) => setTimeout(resolve, 100, 'waits'))]);
      assert.deepEqual([first, patches], ['waits', 1]);
      await Promise.all([
        early,
        ...[3, 4, 5, 6, 7, 8, 9].map((value) => session.publish(property({ isRunning: [[0, value]] }, value))),
      ]);
      assert.deepEqual([twin().reported, patches], [{ 'press-07': { isRunning: 9 } }, 2]);
    });

    it('wait for no answer for ever: the session is lost with HUB_TIMEOUT', async () => {
      plant.hub.script = { patchStatus: () => 'silent' };
      const session = await plant.open({ settings: { acknowledgeTimeout: '200 ms' } });
      await assert.rejects(session.publish(property({ isRunning: [[0, true]] })), { code: 'HUB_TIMEOUT' });
      assert.equal((await session.lost).code, 'HUB_TIMEOUT');
    });

    it('tell a throttling hub from one that will never take it', async () => {
      const session = await plant.open();
      plant.hub.script = { patchStatus: () => 429 };
      await assert.rejects(session.publish(property({ isRunning: [[0, true]] })), { code: 'HUB_THROTTLED' });
      plant.hub.script = { patchStatus: () => 400 };
      await assert.rejects(session.publish(property({ isRunning: [[0, true]] })), { code: 'HUB_MESSAGE_REJECTED' });
    });

    it('that are refused together are tried alone', async () => {
      const session = await plant.open();
      let patches = 0;
      plant.hub.script = {
        patchStatus: () => {
          patches += 1;
          return [1, 2, 4].includes(patches) ? 400 : undefined;
        },
      };
      const all = await Promise.allSettled(
        [1, 2, 3, 4].map((value) => session.publish(property({ isRunning: [[0, value]] }, value))),
      );
      assert.deepEqual(
        all.map(({ status }) => status),
        ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
      );
    });

    it('do not hold what was told later from a history; that is a message', async () => {
      const session = await plant.open();
      await session.publish(property({ isRunning: [[0, true]] }, 5));
      await session.publish(property({ isRunning: [[0, false]] }, 3, { isHistory: true }));
      await session.publish(property({ isRunning: [[0, false]] }, 4));
      assert.deepEqual(twin().reported, { 'press-07': { isRunning: true } });
      assert.deepEqual(
        plant.hub.messages.map(({ seq }) => seq),
        [3, 4],
      );
    });

    it('follow a device whose clock was ahead and is set back', async () => {
      const session = await plant.open();
      await session.publish(property({ isRunning: [[0, true]] }, 1, { startTimeMs: START_MS + 86_400_000 }));
      await session.publish(property({ isRunning: [[0, false]] }, 2));
      assert.deepEqual(twin().reported, { 'press-07': { isRunning: false } });
    });

    it('take away what has no value', async () => {
      const session = await plant.open();
      await session.publish(property({ isRunning: [[0, true]] }, 1));
      await session.publish(property({ isRunning: [[0, null, 'bad', 'BadNoCommunication']] }, 2));
      assert.deepEqual(twin().reported, { 'press-07': {} });
    });

    it('leave to messages what a twin cannot hold', async () => {
      const session = await plant.open();
      const long = 'x'.repeat(5_000);
      await session.publish(property({ isRunning: [[0, true]], note: [[0, long]], count: [[0, 2n ** 60n]] }));
      assert.deepEqual(twin().reported, { 'press-07': { isRunning: true, count: String(2n ** 60n) } });
      assert.equal(plant.hub.messages.length, 1);
    });

    it('never grow beyond 32 KB; the rest is messages', async () => {
      const session = await plant.open();
      for (let index = 0; index < 12; index += 1) {
        await session.publish(property({ [`text${index}`]: [[0, 'x'.repeat(4_000)]] }, index + 1));
      }
      assert.equal(Object.keys(twin().reported['press-07'] ?? {}).length, 8);
      assert.equal(plant.hub.messages.length, 4);
    });

    it('get back what a device made anew lacks', async () => {
      const [first] = press('press-07').points.filter(({ point }) => point.name === 'isRunning');
      assert.ok(first !== undefined);
      const latest = () => ({ point: first.point, value: true, quality: 'good' as const, sourceTimeMs: START_MS });
      await plant.open({ context: { latest: (point) => (point.name === 'isRunning' ? latest() : undefined) } });
      await until(() => twin().reportedVersion === 2);
      assert.deepEqual(twin().reported, { 'press-07': { isRunning: true } });
    });

    it('may go to messages instead, or to both', async () => {
      const messages = await plant.open({ settings: { properties: 'messages' } });
      await messages.publish(property({ isRunning: [[0, true]] }));
      assert.deepEqual([twin().reported, plant.hub.messages.length], [{}, 1]);
      await messages.close();
      const both = await plant.open({ settings: { properties: 'both' } });
      await both.publish(property({ isRunning: [[0, true]] }, 2));
      assert.deepEqual([twin().reported, plant.hub.messages.length], [{ 'press-07': { isRunning: true } }, 2]);
    });

    it('are messages in a tier without twins', async () => {
      const session = await plant.open({ settings: { tier: 'B1' } });
      await session.publish(property({ isRunning: [[0, true]] }));
      assert.equal(plant.hub.messages.length, 1);
    });
  });

  describe('desired properties', () => {
    it('are written, and acknowledged with their version', async () => {
      const session = await plant.open();
      const seen = answerCommands(session, () => written(900));
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 900 } });
      await until(() => twin().reportedVersion === 2);
      const [command] = seen as WriteCommand[];
      assert.deepEqual([command?.device, command?.desired], ['press-07', { speedSetpoint: 900 }]);
      assert.deepEqual(twin().reported, { 'press-07': { speedSetpoint: { value: 900, ac: 200, av: 2, ad: 'done' } } });
    });

    it('that are refused say why, and which value holds', async () => {
      const [, , speed] = press('press-07').points;
      assert.ok(speed !== undefined);
      const latest = () => ({ point: speed.point, value: 650, quality: 'good' as const, sourceTimeMs: START_MS });
      const session = await plant.open({ context: { latest } });
      const error = { code: 'COMMAND_OUT_OF_RANGE' as const, message: '9000 is above 1500' };
      answerCommands(session, () => ({ status: 'refused', points: { speedSetpoint: { status: 'refused', error } } }));
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 9_000 } });
      await until(() => JSON.stringify(twin().reported).includes('"ac":400'));
      const { speedSetpoint } = twin().reported['press-07'] as { speedSetpoint: unknown };
      assert.deepEqual(speedSetpoint, { value: 650, ac: 400, av: 2, ad: '9000 is above 1500' });
    });

    it('one is independent of the other', async () => {
      const session = await plant.open();
      const seen = answerCommands(session, ({ id, ...command }) =>
        'unknown' in (command as WriteCommand).desired
          ? { status: 'refused', error: { code: 'COMMAND_UNKNOWN', message: `no such point, ${id.slice(0, 7)}` } }
          : written(900),
      );
      plant.hub.desire('gw-01', { 'press-07': { unknown: 1, speedSetpoint: 900 } });
      await until(() => JSON.stringify(twin().reported).includes('"ac":404'));
      await until(() => JSON.stringify(twin().reported).includes('"ac":200'));
      assert.equal(seen.length, 2);
    });

    it('of a time when nobody was there are applied at the next connect, once', async () => {
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 800 } });
      const gateway = plant.gateway();
      const first = await plant.open(gateway);
      const seen = answerCommands(first, () => written(800));
      await until(() => twin().reportedVersion === 2);
      await first.close();
      // Another property raises the version; this one was not wished anew.
      plant.hub.desire('gw-01', { 'press-07': { other: 1 } });
      const second = await plant.open(gateway);
      const again = answerCommands(second, () => ({ status: 'refused', error: { code: 'COMMAND_UNKNOWN', message: 'no' } }));
      await until(() => again.length === 1);
      assert.equal(seen.length, 1);
      assert.deepEqual(
        (again as WriteCommand[]).map(({ desired }) => desired),
        [{ other: 1 }],
      );
    });

    it('that were refused are not tried again by a gateway that starts anew', async () => {
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 800 } });
      const first = await plant.open();
      answerCommands(first, () => ({ status: 'refused', error: { code: 'COMMAND_INTERLOCKED', message: 'door open' } }));
      await until(() => twin().reportedVersion === 2);
      await first.close();
      plant.hub.desire('gw-01', { 'press-07': { other: 1 } });
      const second = await plant.open();
      const again = answerCommands(second, () => written(1));
      await until(() => again.length === 1);
      assert.deepEqual((again as WriteCommand[])[0]?.desired, { other: 1 });
    });

    it('of a device made anew, which counts from one again, are new wishes', async () => {
      const gateway = plant.gateway();
      plant.hub.desire('gw-01', { other: 1 });
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 800 } });
      const first = await plant.open(gateway);
      const seen = answerCommands(first, () => written(800));
      await until(() => seen.length === 1 && twin().reportedVersion === 2);
      await first.close();
      plant.hub.register('gw-01', { keys: [KEY] });
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 800 } });
      const second = await plant.open(gateway);
      const again = answerCommands(second, () => written(800));
      await until(() => again.length === 1);
    });

    it('that are wished once more are written once more', async () => {
      const session = await plant.open();
      const seen = answerCommands(session, () => written(900));
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 900 } });
      await until(() => seen.length === 1);
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 900 } });
      await until(() => seen.length === 2);
      assert.notEqual(seen[0]?.id, seen[1]?.id);
    });

    it('are acknowledged in the session of now, where that of the wish is gone', async () => {
      const gateway = plant.gateway();
      const first = await plant.open(gateway);
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 900 } });
      let asked: WriteCommand | undefined;
      first.commands.subscribe((command) => {
        asked = command as WriteCommand;
      });
      await until(() => asked !== undefined);
      plant.hub.cut();
      await first.lost;
      await first.close();
      const second = await plant.open(gateway);
      const again = answerCommands(second, () => written(900));
      await first.respond({ id: asked?.id ?? '', device: 'press-07', ...written(900) } as CommandResult).catch(() => {});
      await until(() => JSON.stringify(twin().reported).includes('"ac":200'));
      assert.equal(again.length, 0);
    });

    it('that waited for others are asked in the session of now, too', async () => {
      const gateway = plant.gateway();
      const first = await plant.open(gateway);
      const asked: WriteCommand[] = [];
      first.commands.subscribe((command) => void asked.push(command as WriteCommand));
      plant.hub.desire('gw-01', { 'press-07': { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 } });
      await until(() => asked.length === 4);
      plant.hub.cut();
      await first.lost;
      await first.close();
      const refused = { status: 'refused', points: {}, error: { code: 'COMMAND_UNKNOWN', message: 'no' } } as const;
      for (const { id, device } of asked) await first.respond({ id, device, ...refused }).catch(() => {});
      const second = await plant.open(gateway);
      const again = answerCommands(second, () => refused);
      await until(() => again.length === 2);
      assert.deepEqual(
        (again as WriteCommand[]).map(({ desired }) => desired),
        [{ e: 5 }, { f: 6 }],
      );
    });

    it('are fetched whole where a change is missing', async () => {
      const session = await plant.open();
      const seen = answerCommands(session, () => written(700));
      twin().updateDesired({ 'press-07': { speedSetpoint: 700 } });
      plant.hub.desire('gw-01', { other: 1 });
      await until(() => seen.length === 1);
    });

    it('that overtake the answer of the hub about the whole are not forgotten', async () => {
      let isFirst = true;
      plant.hub.script = {
        beforeGetAnswer() {
          if (isFirst) plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 700 } });
          isFirst = false;
        },
      };
      const session = await plant.open();
      const seen = answerCommands(session, () => written(700));
      await until(() => seen.length === 1);
    });

    it('that cannot be read are refused, and counted', async () => {
      const session = await plant.open();
      plant.hub.sendRaw('$iothub/twin/PATCH/properties/desired/?$version=9', '[1,2]');
      plant.hub.sendRaw('$iothub/jobs/new', '{}');
      await until(() => session.counters().invalid_commands === 2);
    });

    it('change settings of the gateway, too', async () => {
      const session = await plant.open();
      const seen = answerCommands(session, () => ({ settings: { logLevel: { status: 'changed', value: 'debug' } } }));
      plant.hub.desire('gw-01', { 'press-07': { gatewaySettings: { logLevel: 'debug', motorCurrent: { interval: '1 s' } } } });
      await until(() => twin().reportedVersion === 2);
      const [command] = seen;
      assert.ok(command !== undefined && 'settings' in command);
      assert.deepEqual(command.settings, { logLevel: 'debug', 'motorCurrent.interval': '1 s' });
    });

    it('are not listened to where commands are off', async () => {
      const session = await plant.open({ settings: { commands: false } });
      const seen = answerCommands(session, () => ({}));
      plant.hub.desire('gw-01', { 'press-07': { speedSetpoint: 700 } });
      await session.publish(property({ isRunning: [[0, true]] }));
      assert.equal(seen.length, 0);
    });
  });
});
