import assert from 'node:assert/strict';
import type { Command } from '../../../src/model/command.ts';
import type { Conversation, Packet } from '../../../src/northbound/dialect.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { readPayload, type WireMetric, writePayload } from '../../support/sparkplug/wire.ts';
import { edge, T0 } from './plant.ts';

const DCMD = 'spBv1.0/plant-a/DCMD/gw-01/press-07';
const NCMD = 'spBv1.0/plant-a/NCMD/gw-01';

interface Talk {
  readonly conversation: Conversation;
  readonly commands: Command[];
  readonly sent: Packet[];
}

async function talk(settings: Readonly<Record<string, unknown>> = {}): Promise<Talk> {
  const node = await edge({ url: 'mqtt://127.0.0.1', rebirthAtMostEvery: '1 h', ...settings });
  node.field.read('press-07', 'temperature', 71.5, T0);
  const commands: Command[] = [];
  const sent: Packet[] = [];
  const line = {
    ...{ subject: 'broker', clock: systemClock, over: new AbortController().signal },
    publish: async (packet: Packet) => void sent.push(packet),
    fits: () => true,
    roundTrip: async () => {},
    tell: () => {},
    command: (command: Command) => commands.push(command) > 0,
    refused: () => {},
    heard: () => {},
    obeyed: () => {},
    retire: () => {},
    lose: () => {},
  };
  const conversation = node.dialect.converse(line);
  await conversation.start?.(line.over);
  return { conversation, commands, sent };
}

function packet(metrics: readonly WireMetric[], more: Partial<Packet> = {}): Packet {
  return { topic: DCMD, payload: writePayload({ timestamp: String(T0), metrics }), qos: 0, retain: false, ...more };
}

/** The number a birth gave a metric. */
function aliasOf({ sent }: Talk, name: string): string {
  const births = sent.filter(({ topic }) => topic.includes('BIRTH')).flatMap(({ payload }) => readPayload(payload).metrics);
  return births.find((metric) => metric.name === name)?.alias ?? assert.fail(`no ${name}`);
}

describe('commands of a Sparkplug host', () => {
  it('are taken by name and by alias', async () => {
    const talking = await talk();
    const alias = aliasOf(talking, 'setpoint');
    talking.conversation.receive(packet([{ name: 'setpoint', intValue: 900 }]));
    talking.conversation.receive(packet([{ alias, intValue: 0xffffffff }]));
    const desired = talking.commands.map((command) => 'desired' in command && command.desired);
    assert.deepEqual(desired, [{ setpoint: 900 }, { setpoint: -1 }]);
    assert.deepEqual(
      talking.commands.map(({ device, issuedTimeMs }) => [device, issuedTimeMs]),
      [
        ['press-07', T0],
        ['press-07', T0],
      ],
    );
    assert.notEqual(talking.commands[0]?.id, talking.commands[1]?.id);
  });

  it('call methods by a template of all arguments', async () => {
    const { conversation, commands } = await talk();
    const metrics = [
      { name: 'program', datatype: 3, intValue: 7 },
      { name: 'speeds', datatype: 31, bytesValue: new Uint8Array(new Float64Array([1.5, 2]).buffer) },
    ];
    conversation.receive(packet([{ name: 'Methods/startProgram', templateValue: { metrics } }]));
    const [command] = commands;
    assert.ok(command !== undefined && 'method' in command);
    assert.deepEqual([command.method, command.arguments], ['startProgram', { program: 7, speeds: [1.5, 2] }]);
  });

  it('hand on what no point is named, to be refused there', async () => {
    const { conversation, commands } = await talk();
    conversation.receive(packet([{ name: 'nothing', datatype: 3, intValue: 1 }]));
    assert.deepEqual('desired' in (commands[0] ?? {}) && commands[0], { ...commands[0], desired: { nothing: 1 } });
  });

  const REFUSED: Readonly<Record<string, Packet>> = {
    'a retained one': packet([{ name: 'setpoint', intValue: 1 }], { retain: true }),
    'no payload of Sparkplug': { ...packet([]), payload: Buffer.from([0xff, 0xff, 0xff]) },
    'none without metrics': packet([]),
    'one too large': { ...packet([]), payload: Buffer.alloc(70_000) },
    'an alias of nothing': packet([{ alias: '4711', intValue: 1 }]),
    'neither name nor alias': packet([{ intValue: 1 }]),
    'a point twice': packet([
      { name: 'setpoint', intValue: 1 },
      { name: 'setpoint', intValue: 2 },
    ]),
    'a value of another type': packet([{ name: 'setpoint', stringValue: '1' }]),
    'a value out of its type': packet([{ name: 'setpoint', intValue: 40_000, datatype: 3 }]),
    'no value at all': packet([{ name: 'setpoint', isNull: true }]),
    'a method beside a point': packet([
      { name: 'setpoint', intValue: 1 },
      { name: 'Methods/startProgram', templateValue: { metrics: [] } },
    ]),
    'something else for the node': { ...packet([{ name: 'Node Control/Reboot', booleanValue: true }]), topic: NCMD },
    'a rebirth that is no Boolean': { ...packet([{ name: 'Node Control/Rebirth', intValue: 1 }]), topic: NCMD },
  };

  for (const [what, sent] of Object.entries(REFUSED)) {
    it(`are refused and answered: ${what}`, async () => {
      const talking = await talk();
      const before = talking.sent.length;
      assert.throws(() => talking.conversation.receive(sent), { code: 'COMMAND_INVALID' });
      await systemClock.sleep(0);
      assert.equal(talking.commands.length, 0);
      const [answer] = talking.sent.slice(before);
      const body = JSON.parse(readPayload(answer?.payload ?? Buffer.alloc(0)).metrics[0]?.stringValue ?? '{}') as {
        status?: string;
      };
      assert.equal(body.status, 'refused');
    });
  }
});
