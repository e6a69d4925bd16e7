import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Command } from '../../../../src/model/command.ts';
import { GatewayError } from '../../../../src/model/error.ts';
import type { Conversation, Line, Packet } from '../../../../src/northbound/dialect.ts';
import { systemClock } from '../../../../src/runtime/clock.ts';
import { FUZZ_PATIENCE_MS, frames, seeds, tell } from '../../../support/fuzz.ts';
import { mutate, mutation } from '../../../support/mutation.ts';
import { awsDialect, credentialsOfNobody } from '../plant.ts';

const SHADOW = '$aws/things/gw-01/shadow/name/press-07';
const JOBS = '$aws/things/gw-01/jobs';

/** What AWS sends when all is well; the token of a request is filled in. */
const GENUINE: readonly (readonly [topic: string, body: Readonly<Record<string, unknown>>])[] = [
  [`${SHADOW}/update/delta`, { version: 9, timestamp: 1, state: { speed: 4 }, metadata: { speed: { timestamp: 1 } } }],
  [
    `${SHADOW}/get/accepted`,
    {
      state: { desired: { speed: 4, valve: { open: true } }, reported: { speed: 3 }, delta: { speed: 4, valve: { open: true } } },
      metadata: { desired: { speed: { timestamp: 1 } } },
      version: 12,
      clientToken: 'TOKEN',
    },
  ],
  [`${SHADOW}/get/rejected`, { code: 404, message: 'No shadow exists', clientToken: 'TOKEN' }],
  [`${SHADOW}/update/accepted`, { state: { reported: { speed: 4 } }, version: 10, clientToken: 'TOKEN' }],
  [`${SHADOW}/update/rejected`, { code: 409, message: 'Version conflict', clientToken: 'TOKEN' }],
  [`${JOBS}/notify-next`, { timestamp: 1, execution: { jobId: 'job', status: 'QUEUED', versionNumber: 1 } }],
  [
    `${JOBS}/$next/get/accepted`,
    {
      clientToken: 'TOKEN',
      execution: {
        jobId: 'job-1',
        status: 'QUEUED',
        versionNumber: 1,
        executionNumber: 1,
        jobDocument: { twin: 'press-07', desired: { speed: 1 } },
      },
    },
  ],
  [`${JOBS}/job-1/update/accepted`, { clientToken: 'TOKEN', timestamp: 1 }],
  [`${JOBS}/job-1/update/rejected`, { clientToken: 'TOKEN', code: 'VersionMismatch', message: 'x' }],
  ['cmd/gw-01/press-07', { id: 'c1', desired: { speed: 900 } }],
];

const HOSTILE = [
  '{"version":1e999,"state":{}}',
  '{"version":"9","state":{"speed":1}}',
  '{"version":9,"state":[1,2]}',
  '{"version":9,"state":{"__proto__":{"a":1}}}',
  '{"version":9,"state":{"constructor":{"prototype":{"a":1}}},"metadata":null}',
  '{"version":9,"state":{"speed":null}}',
  `{"version":9,"state":${'['.repeat(5_000)}`,
  `{"version":9,"state":${'{"a":'.repeat(400)}1${'}'.repeat(400)}}`,
  '{"execution":{"jobId":"../../etc","status":"QUEUED"},"clientToken":"TOKEN"}',
  '{"execution":{"jobId":"a/+/#","status":"QUEUED","versionNumber":1},"clientToken":"TOKEN"}',
  '{"execution":[],"clientToken":"TOKEN"}',
  `{"state":{"desired":{"speed":"${'x'.repeat(50_000)}"},"delta":{"speed":1}},"version":99,"clientToken":"TOKEN"}`,
  'null',
  '""',
  '[]',
  '{}',
];
const TOPICS = [...GENUINE.map(([topic]) => topic), `${SHADOW}x/update/delta`, `${SHADOW}/update`, `${JOBS}/`, '$aws/', ''];

const payload = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...GENUINE), fc.array(mutation, { minLength: 1, maxLength: 4 })) },
  { weight: 2, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: fc.json() },
);
const packet = fc.record({ payload, topic: fc.option(fc.constantFrom(...TOPICS)), retain: fc.boolean() });

/** What the conversation said and asked for, with nobody at the other end. */
class RecordedLine {
  readonly commands: Command[] = [];
  readonly published: Packet[] = [];
  readonly over = new AbortController();
  readonly line: Line = {
    subject: 'aws',
    clock: systemClock,
    over: this.over.signal,
    publish: async (sent) => void this.published.push(sent),
    roundTrip: async () => {},
    tell: () => {},
    command: (command) => {
      this.commands.push(command);
      return true;
    },
    retire: () => {},
    lose: () => {},
  };

  /** Of the last request. */
  get token(): string {
    const last = this.published.findLast(({ topic }) => topic.startsWith('$aws/'));
    const { clientToken } = JSON.parse(Buffer.from(last?.payload ?? '{}').toString() || '{}') as { clientToken?: string };
    return clientToken ?? 'none';
  }
}

describe('fuzz: what AWS may send', () => {
  const refused: string[] = [];
  const onRejection = (reason: unknown) => refused.push(String(reason));

  before(() => void process.on('unhandledRejection', onRejection));
  after(() => void process.off('unhandledRejection', onRejection));

  for (const seed of seeds()) {
    it(`is taken, passed over or refused, seed ${seed}`, async function () {
      this.timeout(FUZZ_PATIENCE_MS);
      const count = frames(3_000);
      const figures = { packets: 0, refused: 0, commands: 0, requests: 0 };
      const dialect = awsDialect({ commands: {}, acknowledgeTimeout: '10 min', auth: credentialsOfNobody() });
      for (let done = 0; done < count; done += 500) {
        const recorded = new RecordedLine();
        const conversation = dialect.converse(recorded.line);
        await conversation.start?.(new AbortController().signal);
        for (const one of fc.sample(packet, { numRuns: Math.min(500, count - done), seed: seed + done })) {
          figures.packets += 1;
          if (receive(conversation, packetOf(one, recorded.token))) figures.refused += 1;
          if (figures.packets % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        recorded.over.abort();
        for (const command of recorded.commands) assertSound(command);
        for (const { topic } of recorded.published) assertOurs(topic);
        figures.commands += recorded.commands.length;
        figures.requests += recorded.published.length;
      }
      await new Promise((resolve) => setImmediate(resolve));
      tell('aws', figures);
      assert.deepEqual(refused, []);
      assert.ok(figures.refused > count / 5, JSON.stringify(figures));
      assert.equal(Object.keys(Object.prototype).length, 0);
    });
  }

  it('is never a command where it is no JSON map, or not of a twin of ours', () => {
    const recorded = new RecordedLine();
    const conversation = awsDialect({ commands: {}, auth: credentialsOfNobody() }).converse(recorded.line);
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom('[]', '"x"', '1', '{', '{"a":1,"a":2}').map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(garbage, fc.constantFrom(...TOPICS), (bytes, topic) => {
        receive(conversation, { topic, payload: bytes, qos: 1, retain: false });
      }),
      { numRuns: 2_000 },
    );
    const foreign = Buffer.from('{"version":9,"state":{"speed":4},"metadata":{}}');
    assert.ok(
      receive(conversation, {
        topic: '$aws/things/gw-01/shadow/name/press-99/update/delta',
        payload: foreign,
        qos: 1,
        retain: false,
      }),
    );
    assert.deepEqual(recorded.commands, []);
    recorded.over.abort();
  });
});

function packetOf(one: { payload: unknown; topic: string | null; retain: boolean }, token: string): Packet {
  const { payload: content, topic, retain } = one;
  if (!Array.isArray(content)) return asPacket(topic ?? TOPICS[0] ?? '', String(content).replace('TOKEN', token), retain);
  const [[genuineTopic, body], mutations] = content as [(typeof GENUINE)[number], Parameters<typeof mutate>[1]];
  const text = JSON.stringify(body).replace('TOKEN', token);
  return { ...asPacket(topic ?? genuineTopic, '', retain), payload: mutate(Buffer.from(text), mutations) };
}

function asPacket(topic: string, text: string, retain: boolean): Packet {
  return { topic, payload: Buffer.from(text), qos: 1, retain };
}

/** Whether it was refused. Whatever else it throws is a bug. */
function receive(conversation: Conversation, given: Packet): boolean {
  try {
    conversation.receive(given);
    return false;
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'COMMAND_INVALID') throw error;
    conversation.refusal?.(given, error);
    return true;
  }
}

function assertSound(command: Command): void {
  assert.ok(['press-07', 'press-08', 'hall.meter'].includes(command.device), command.device);
  assert.ok(command.id.length > 0 && command.id.length <= 256);
  if ('desired' in command) assert.ok(!Object.hasOwn(command.desired, '_gateway'));
}

/** Nothing that comes in decides where anything goes. */
function assertOurs(topic: string): void {
  assert.match(
    topic,
    /^(\$aws\/things\/gw-01\/(shadow\/name\/[a-z0-9:-]+\/(get|update)|jobs\/(\$next\/get|[a-zA-Z0-9_-]{1,64}\/update))|dt\/gw-01\/status)$/,
  );
}
