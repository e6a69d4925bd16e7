import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { stepMessage } from '../../src/gateway/time.ts';
import { isCall, resultHead } from '../../src/model/command.ts';
import { UNMEASURED_REASONS } from '../../src/model/device-gap.ts';
import type { Stored, TwinMessage } from '../../src/model/twin-message.ts';
import { createShape } from '../../src/northbound/shapes/index.ts';
import type { ShapeSetting } from '../../src/northbound/shapes/settings.ts';
import { eventDraft } from '../../src/pipeline/event-message.ts';
import { gapDraft } from '../../src/pipeline/gap-message.ts';
import { deviceOf } from '../support/device.ts';
import { HandClock } from '../support/hand-clock.ts';
import { mqttDialect } from './plant.ts';
import { CONTEXT } from './shape-messages.ts';

type Json = Record<string, unknown>;

describe('README of northbound', () => {
  const examples = new Map<string, Json>();
  let readme = '';
  const example = (name: string): Json => examples.get(name) ?? assert.fail(`no example \`${name}\``);

  before(async () => {
    readme = await readFile(new URL('../../src/northbound/README.md', import.meta.url), 'utf8');
    for (const [, name = '', json = ''] of readme.matchAll(/```json (\w+)\n([\s\S]*?)```/g)) examples.set(name, JSON.parse(json));
  });

  const encode = (shape: ShapeSetting, name: string, message: Partial<TwinMessage>): unknown => {
    const { twin, class: urgency, seq, epoch, labels = {}, model, sent } = example(name);
    const full = { twin, startTimeMs: 0, values: {}, ...(model === undefined ? {} : { model }), ...message } as TwinMessage;
    const place = { class: urgency as Stored['class'], offset: 1, sequence: Number(seq), epoch: String(epoch) };
    const stored: Stored = { ...place, message: full };
    const context = { ...CONTEXT, labelsOf: () => labels as Record<string, string> };
    const [packet] = createShape(shape, context).encode(stored, Date.parse(String(sent)));
    return JSON.parse(packet?.payload ?? '');
  };

  it('shows the shape `twin` as it is', () => {
    const { t0, values } = example('twin');
    const message = { kind: 'telemetry', startTimeMs: Number(t0), values: values as TwinMessage['values'] } as const;
    assert.deepEqual(encode('twin', 'twin', message), example('twin'));
  });

  it('shows the shape `expanded` as it is', () => {
    const values = { temperature: [[0, 71.4]], pressure: [[20, null, 'bad', 'BadCommunicationError']] } as const;
    const message = { kind: 'telemetry', startTimeMs: 1_767_225_604_980, values } as const;
    assert.deepEqual(encode('expanded', 'expanded', message), example('expanded'));
  });

  it('shows an event as it is', () => {
    const event = { name: 'overTemperature', severity: 700, sourceTimeMs: Date.parse(String(example('event').time)) };
    const told = { device: 'press-07', ...event, body: { message: 'oil above 90 degrees' } };
    const draft = eventDraft(deviceOf({ points: {} }), told);
    assert.deepEqual(encode('twin', 'event', draft?.message ?? {}), example('event'));
  });

  it('shows a clock that was set as it is', () => {
    const { from, to } = example('clock');
    const step = { fromTimeMs: Date.parse(String(from)), toTimeMs: Date.parse(String(to)), isKnown: true };
    const message = stepMessage({ twin: 'press-07' }, step);
    assert.deepEqual(encode('twin', 'clock', message), example('clock'));
  });

  it('shows a call that is taken, and its result as it is', () => {
    const payload = Buffer.from(JSON.stringify(example('call')));
    const dialect = mqttDialect();
    const command = dialect.decode({ topic: 'gw-01/press-07/command', payload, qos: 1, retain: false }, 0);
    assert.ok(command !== undefined && isCall(command));
    assert.deepEqual(command.arguments, { program: 7 });
    const result = dialect.encodeResult({ ...resultHead(command), status: 'done', points: {}, outputs: { job: 4711 } });
    assert.deepEqual(JSON.parse(Buffer.from(result.payload).toString()), example('outputs'));
  });

  it('shows a gap record as it is', () => {
    const { from, to, fromSeq, toSeq, ...rest } = example('gap').gap as Json & { from: string; to: string };
    const times = { fromTimeMs: Date.parse(from), toTimeMs: Date.parse(to) };
    const gap = { ...rest, ...times, fromSequence: fromSeq, toSequence: toSeq } as unknown as NonNullable<TwinMessage['gap']>;
    assert.deepEqual(encode('twin', 'gap', { kind: 'gap', gap }), example('gap'));
  });

  it('shows a gap record of what could not be measured as it is', () => {
    const { from, to, readings } = example('unmeasured').gap as { from: string; to: string; readings: number };
    const sketch = deviceOf({ points: { temperature: {}, pressure: {} } });
    const points = sketch.points.map(({ point }) => point);
    const times = { fromTimeMs: Date.parse(from), toTimeMs: Date.parse(to) };
    const { message } = gapDraft(sketch, { reason: 'device-away', points, readings, ...times });
    assert.deepEqual(encode('twin', 'unmeasured', message), example('unmeasured'));
  });

  it('names every reason for what could not be measured', () => {
    for (const reason of UNMEASURED_REASONS) assert.match(readme, new RegExp(`^\\| \`${reason}\` +\\| `, 'm'));
  });

  it('shows the status as it is', () => {
    const [birth] = mqttDialect().birth?.(new HandClock(Date.parse(String(example('status').time)))) ?? [];
    assert.deepEqual(JSON.parse(Buffer.from(birth?.payload ?? []).toString()), example('status'));
  });

  it('shows a command that is taken, and its result as it is', () => {
    const payload = Buffer.from(JSON.stringify(example('command')));
    const dialect = mqttDialect();
    const command = dialect.decode({ topic: 'gw-01/press-07/command', payload, qos: 1, retain: false }, 0);
    assert.ok(command !== undefined && 'desired' in command);
    assert.deepEqual(command.desired, { speedSetpoint: 900 });
    const error = { code: 'COMMAND_OUT_OF_RANGE', message: '900 is above 800' } as const;
    const points = { speedSetpoint: { status: 'refused', error } } as const;
    const result = dialect.encodeResult({ id: command.id, device: 'press-07', status: 'refused', points });
    assert.deepEqual(JSON.parse(Buffer.from(result.payload).toString()), example('result'));
  });
});
