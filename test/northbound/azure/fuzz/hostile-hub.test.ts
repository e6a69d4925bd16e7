import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Command } from '../../../../src/model/command.ts';
import { GatewayError } from '../../../../src/model/error.ts';
import type { Conversation, Dialect, Line, Packet } from '../../../../src/northbound/dialect.ts';
import { azureDialect, press } from '../../../support/azure/plant.ts';
import { FUZZ_PATIENCE_MS, frames, seeds, tell } from '../../../support/fuzz.ts';
import { FuzzClock as Clock, type FuzzClock, turn } from '../../../support/fuzz-clock.ts';
import { type Mutation, mutate, mutation } from '../../../support/mutation.ts';

const ROUND = 200;

/** What a real hub sends, to be spoilt. */
const REAL: readonly (readonly [topic: string, payload: string])[] = [
  ['$iothub/twin/res/200/?$rid=1', '{"desired":{"press-07":{"speedSetpoint":900},"$version":4},"reported":{"$version":2}}'],
  ['$iothub/twin/res/204/?$rid=2&$version=7', ''],
  [
    '$iothub/twin/PATCH/properties/desired/?$version=5',
    '{"press-07":{"speedSetpoint":901,"gatewaySettings":{"a":{"b":1}}},"$version":5}',
  ],
  ['$iothub/methods/POST/press-07*startProgram/?$rid=a1', '{"program":7,"list":[1,2,{"deep":null}]}'],
  ['$iothub/methods/POST/press-07*gw.command/?$rid=a2', '{"id":"m","desired":{"speedSetpoint":900},"expires":1893456000000}'],
  [
    'devices/gw-01/messages/devicebound/%24.mid=m1&twinId=press-07',
    '{"id":"c","desired":{"speedSetpoint":900},"expires":"2030-01-01T00:00:00Z"}',
  ],
];

const hostile = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    '{"__proto__":{"x":1}}',
    '[]',
    'null',
    '{"$version":null}',
    '{"$version":1e999}',
    '%',
    '?$rid=',
  ),
  fc.string({ maxLength: 40 }),
  fc.json({ maxDepth: 12 }),
  fc.nat(3_000).map((depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`),
  fc.nat(300_000).map((length) => `{"a":"${'x'.repeat(length)}"}`),
);

const packets = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(...REAL), fc.array(mutation, { maxLength: 4 }), fc.array(mutation, { maxLength: 4 })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.tuple(fc.constantFrom(...REAL.map(([topic]) => topic)), hostile), fc.constant([]), fc.constant([])),
  },
  { weight: 1, arbitrary: fc.tuple(fc.tuple(hostile, hostile), fc.constant([]), fc.constant([])) },
) as fc.Arbitrary<readonly [readonly [string, string], readonly Mutation[], readonly Mutation[]]>;

class HostileLine {
  readonly clock: FuzzClock = new Clock();
  readonly commands: Command[] = [];
  readonly sent: Packet[] = [];
  readonly over = new AbortController();
  lost = 0;
  conversation: Conversation | undefined;

  begin(dialect: Dialect): Conversation {
    const line: Line = {
      ...{ subject: 'hub', clock: this.clock, over: this.over.signal },
      publish: async (packet) => void this.sent.push(packet),
      roundTrip: async () => {},
      tell: (packet) => void this.sent.push(packet),
      command: (command) => {
        this.commands.push(command);
        return this.commands.length % 7 !== 0;
      },
      retire: () => {},
      lose: () => {
        this.lost += 1;
      },
    };
    this.conversation = dialect.converse(line);
    return this.conversation;
  }
}

describe('a hostile IoT hub', function () {
  this.timeout(FUZZ_PATIENCE_MS);

  for (const shape of ['twin', 'pnp'] as const) {
    for (const seed of seeds()) {
      it(`does not crash the gateway nor make it write what is not there, shape ${shape}, seed ${seed}`, async () => {
        const settings = { host: 'acme.azure-devices.net', shape };
        const dialect = azureDialect({ settings, devices: [press('press-07'), press('press-08')] });
        const all = frames(3_000);
        let refused = 0;
        let commands = 0;
        for (let done = 0; done < all; done += ROUND) {
          const line = new HostileLine();
          const conversation = line.begin(dialect);
          const starting = conversation.start?.(line.over.signal).catch(() => {});
          for (const [[topic, payload], onTopic, onPayload] of fc.sample(packets, { numRuns: ROUND, seed: seed + done })) {
            const packet: Packet = {
              topic: mutate(Buffer.from(topic), onTopic).toString('utf8'),
              payload: mutate(Buffer.from(payload), onPayload),
              qos: 0,
              retain: false,
            };
            refused += receive(conversation, packet);
          }
          await turn();
          for (const command of line.commands) {
            assert.ok(['press-07', 'press-08'].includes(command.device));
            await conversation.respond({
              id: command.id,
              device: command.device,
              status: 'refused',
              points: {},
              ...(command.replyTo === undefined ? {} : { replyTo: command.replyTo }),
            });
          }
          commands += line.commands.length;
          for (const { topic } of line.sent)
            assert.match(topic, /^(devices\/gw-01\/messages\/events\/|\$iothub\/(twin|methods)\/)/);
          line.over.abort();
          await turn();
          await starting;
        }
        tell(`shape ${shape}`, { packets: all, refused, commands });
        assert.ok(refused > all / 100 && commands > all / 100);
        assert.equal(({} as Record<string, unknown>).x, undefined);
      });
    }
  }
});

/** 1 where it was refused, as a person could mend. Anything but an error of ours is a crash. */
function receive(conversation: Conversation, packet: Packet): number {
  try {
    conversation.receive(packet);
    return 0;
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error));
    const answer = conversation.refusal?.(packet, error);
    if (answer !== undefined) JSON.parse(Buffer.from(answer.payload).toString());
    return 1;
  }
}
