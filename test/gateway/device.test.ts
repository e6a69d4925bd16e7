import assert from 'node:assert/strict';
import { map, Subject } from 'rxjs';
import { z } from 'zod';
import { startDevice } from '../../src/gateway/device.ts';
import type { Draft } from '../../src/model/draft.ts';
import { GatewayError } from '../../src/model/error.ts';
import type { Reading } from '../../src/model/reading.ts';
import { createHistoryPipeline } from '../../src/pipeline/history.ts';
import type { OperatorDefinition } from '../../src/pipeline/operator.ts';
import { operators } from '../../src/pipeline/operators/index.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { timedOperator } from '../../src/pipeline/timed-operator.ts';
import { type Log, silentLog } from '../../src/runtime/log.ts';
import { deviceOf, type ReadingSketch, readingOf } from '../support/device.ts';
import { HandScheduler } from '../support/hand-scheduler.ts';

const device = deviceOf({
  points: { oil: { scale: 0.1, range: { max: 5 } }, slow: { throttle: '1 h', send: { deadband: 10 } } },
});

interface Circumstances {
  readonly sketch?: typeof device;
  readonly scheduler?: HandScheduler;
  readonly log?: Log;
  /** With what the spool refuses everything. */
  readonly refusal?: GatewayError;
}

function start(operators: readonly OperatorDefinition[], circumstances: Circumstances = {}) {
  const { sketch = device, scheduler = new HandScheduler(), log = silentLog, refusal } = circumstances;
  const drafts: Draft[] = [];
  const append = async (more: readonly Draft[]) => {
    if (refusal !== undefined) throw refusal;
    drafts.push(...more);
  };
  const flush = new Subject<void>();
  const pipeline = createPipeline(sketch, operators, scheduler, { flush });
  const historyPipeline = createHistoryPipeline(sketch, operators, scheduler);
  const gateway = { id: 'plant-a', labels: {} };
  const parts = { gateway, pipeline, historyPipeline, spool: { append }, scheduler, flush: () => flush.next() };
  const running = startDevice({ device: sketch, ...parts, log });
  const take = (sketches: readonly ReadingSketch[], isHistory?: true) =>
    running.take({ readings: sketches.map((one) => readingOf(sketch, one)), ...(isHistory === undefined ? {} : { isHistory }) });
  return { running, drafts, scheduler, take };
}

function refuse13(readings: readonly Reading[]): readonly Reading[] {
  if (readings.some(({ value }) => value === 13)) throw new Error('13 brings bad luck');
  return readings;
}

const superstitious = (create: OperatorDefinition['create']): OperatorDefinition => ({
  name: 'superstitious',
  summary: 'Throws at 13.',
  keys: z.object({}),
  appliesTo: () => true,
  create,
});

const OPERATORS = {
  'without memory': superstitious(() => map(refuse13)),
  'with memory': superstitious((_, scheduler) => timedOperator(scheduler, () => ({ onReadings: refuse13, onTime: () => [] }))),
};

describe('the way of a device into the spool', () => {
  for (const [kind, operator] of Object.entries(OPERATORS)) {
    it(`goes on after an operator ${kind} that throws, and tells what was lost`, async () => {
      const { running, drafts, take } = start([operator]);
      for (const [timeMs, value] of [1, 13, 3].entries()) take([['oil', timeMs, value]]);
      await running.complete();
      assert.deepEqual(
        drafts.map(({ message }) => message.gap ?? message.values),
        [
          { oil: [[0, 1]] },
          { reason: 'pipeline-failed', fromTimeMs: 1, toTimeMs: 1, messages: 0, readings: 1, points: ['oil'] },
          { oil: [[0, 3]] },
        ],
      );
      assert.deepEqual([running.failures(), running.messages()], [1, 3]);
    });
  }

  it('says once, without a stack, that a closed spool takes nothing more', async () => {
    const lines: [string, object | undefined][] = [];
    const write = (event: string, fields?: object) => void lines.push([event, fields]);
    const log: Log = { debug: write, info: write, warn: write, error: write, with: () => log };
    const closed = new GatewayError('SPOOL_WRITE', '/spool', 'the spool is closed');
    const { running, take } = start([], { log, refusal: closed });
    for (const timeMs of [1, 2, 3]) {
      take([['oil', timeMs, 1]]);
      running.flush();
    }
    await running.complete();
    await new Promise(setImmediate);
    const { action } = closed.rule;
    const told = { device: 'press-07', code: 'SPOOL_WRITE', reason: 'the spool is closed', action };
    assert.ok(running.failures() > 1);
    assert.deepEqual(lines, [['append failed', told]]);
  });

  it('makes messages of their own of what the device tells from its history, in order, past what keeps readings back', async () => {
    const { running, drafts, scheduler, take } = start(operators);
    take([
      ['oil', 5_000, 40],
      ['slow', 5_000, 1],
    ]);
    take(
      [
        ['oil', 1_000, 10],
        ['slow', 1_000, 1],
        ['slow', 1_500, 2],
      ],
      true,
    );
    take([['oil', 6_000, 41]]);
    take([['oil', 2_000, 60]], true);
    scheduler.advance(5_000);
    assert.deepEqual(
      drafts.map(({ message: { isHistory, values, startTimeMs } }) => ({ isHistory, values, startTimeMs })),
      [
        {
          isHistory: undefined,
          startTimeMs: 5_000,
          values: {
            oil: [
              [0, 4],
              [1_000, 4.1],
            ],
            slow: [[0, 1]],
          },
        },
        {
          isHistory: true,
          startTimeMs: 1_000,
          values: {
            oil: [
              [0, 1],
              [1_000, 6, 'uncertain', 'UncertainEngineeringUnitsExceeded'],
            ],
            slow: [
              [0, 1],
              [500, 2],
            ],
          },
        },
      ],
    );
    await running.complete();
  });

  it('sends history that is under way when it stops', async () => {
    const { running, drafts, take } = start(operators);
    take([['oil', 1_000, 10]], true);
    await running.complete();
    assert.deepEqual(
      drafts.map(({ message }) => message.isHistory),
      [true],
    );
  });

  it('goes on with live readings and history after one of them failed', async () => {
    const { running, drafts, take } = start([
      { ...superstitious(() => map(refuse13)), step: () => (reading) => refuse13([reading])[0] ?? reading },
    ]);
    take([['oil', 0, 13]], true);
    take([['oil', 1, 1]], true);
    take([['oil', 2, 2]]);
    await running.complete();
    assert.deepEqual(
      drafts.map(({ message }) => message.gap?.reason ?? message.values),
      ['pipeline-failed', { oil: [[0, 1]] }, { oil: [[0, 2]] }],
    );
  });

  it('declares what was not measured after the messages of the readings before, and before those after', async () => {
    const { running, drafts, take } = start(operators);
    const points = device.points.map(({ point }) => point);
    take([['oil', 1_000, 10]]);
    running.declare({ reason: 'device-away', points, fromTimeMs: 1_100, toTimeMs: 1_900, readings: 18 });
    take([['oil', 2_000, 20]]);
    running.declare({ reason: 'device-away', points, fromTimeMs: 2_100, toTimeMs: 2_900, readings: 2 });
    await running.complete();
    const gap = { reason: 'device-away', fromTimeMs: 1_100, toTimeMs: 1_900, messages: 0, readings: 18, points: ['oil', 'slow'] };
    assert.deepEqual(
      drafts.slice(0, 3).map(({ message }) => message.gap ?? message.values),
      [{ oil: [[0, 1]] }, gap, { oil: [[0, 2]] }],
    );
    assert.deepEqual(drafts[1]?.hubs, device.hubs.gap);
    assert.deepEqual(running.unmeasured(), { 'device-away': { records: 2, readings: 20 } });
  });

  it('names no points in a gap record where they are too many', () => {
    const points = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`point${index}`, {}]));
    const sketch = deviceOf({ points });
    const { running, drafts } = start([], { sketch });
    const all = sketch.points.map(({ point }) => point);
    running.declare({ reason: 'device-away', points: all, fromTimeMs: 0, toTimeMs: 1, readings: 500 });
    assert.deepEqual(drafts[0]?.message.gap, { reason: 'device-away', fromTimeMs: 0, toTimeMs: 1, messages: 0, readings: 500 });
  });

  const event = {
    device: 'press-07',
    name: 'overTemperature',
    sourceTimeMs: 7_000,
    severity: 700,
    body: { message: 'too hot', count: 2n, name: 'forged' },
  };

  it('makes a message of an event, for the hubs that want events', async () => {
    const { running, drafts } = start([], { sketch: deviceOf({ points: { oil: {} }, hubs: { event: ['alarms'] } }) });
    running.tell(event);
    await running.complete();
    const body = { message: 'too hot', count: '2', name: 'overTemperature', severity: 700 };
    assert.deepEqual(drafts, [
      { message: { twin: 'press-07', kind: 'event', startTimeMs: 7_000, values: {}, body }, hubs: ['alarms'] },
    ]);
  });

  it('makes no message of an event that nobody wants', () => {
    const { running, drafts } = start([], { sketch: deviceOf({ points: { oil: {} }, hubs: { event: [] } }) });
    running.tell(event);
    assert.deepEqual(drafts, []);
  });

  it('leaves out the largest parts of an event that no message can hold, and says which', () => {
    const { running, drafts } = start([]);
    running.tell({ ...event, body: { picture: 'x'.repeat(5_000), message: 'too hot' } });
    assert.deepEqual(drafts[0]?.message.body, {
      message: 'too hot',
      omitted: ['picture'],
      name: 'overTemperature',
      severity: 700,
    });
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`part${index}`, index]));
    running.tell({ ...event, body: many });
    const bytes = Buffer.byteLength(JSON.stringify(drafts[1]?.message));
    assert.ok(bytes <= 4_000, `${bytes} bytes of 4000`);
  });

  it('survives an event that is no plain data', () => {
    const { running, drafts } = start([]);
    const body: Record<string, unknown> = {};
    body.self = body;
    running.tell({ ...event, body });
    assert.deepEqual([drafts.length, running.failures()], [0, 1]);
  });
});
