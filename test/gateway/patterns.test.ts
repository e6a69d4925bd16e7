import assert from 'node:assert/strict';
import { asyncScheduler } from 'rxjs';
import { startDevice } from '../../src/gateway/device.ts';
import { followPatterns } from '../../src/gateway/patterns.ts';
import type { Draft } from '../../src/model/draft.ts';
import type { DevicePlan, PointPlan } from '../../src/model/plan.ts';
import type { Reading } from '../../src/model/reading.ts';
import { createHistoryPipeline } from '../../src/pipeline/history.ts';
import { operators } from '../../src/pipeline/operators/index.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { silentLog } from '../../src/runtime/log.ts';

const keys = { send: { onChange: true } };
const point = (name: string): PointPlan => ({
  point: {
    id: `press/${name}`,
    device: 'press',
    name,
    address: 1,
    type: 'float32',
    access: 'read',
    kind: 'telemetry',
    intervalMs: 100,
  },
  keys,
});
const [speed, oil, water, steam] = [point('speed'), point('oil'), point('water'), point('steam')];
const hubs = { telemetry: ['cloud'], property: [], event: [], gap: ['cloud'], status: [] };
const device: DevicePlan = {
  twin: 'press',
  labels: {},
  connection: 'plant',
  settings: {},
  points: [speed],
  patterns: [point('temperatures')],
  hubs,
  message: { maxBytes: 100_000, maxAgeMs: 60_000 },
};
const gateway = { id: 'gw', labels: {} };

describe('a device whose points come and go', () => {
  let sent: string[];
  let started: number;

  function follow(of: DevicePlan = device) {
    sent = [];
    started = 0;
    const append = async (drafts: readonly Draft[]) => {
      for (const { message } of drafts) {
        for (const [name, values] of Object.entries(message.values)) sent.push(...values.map(([, value]) => `${name} ${value}`));
      }
    };
    return followPatterns(of, (one) => {
      started += 1;
      return startDevice({
        device: one,
        gateway,
        pipeline: createPipeline(one, operators, asyncScheduler, { gateway }),
        historyPipeline: createHistoryPipeline(one, operators, asyncScheduler, { gateway }),
        spool: { append },
        scheduler: asyncScheduler,
        log: silentLog,
      });
    });
  }
  const read = ({ point: of }: PointPlan, value: number): Reading => ({
    point: of,
    value,
    quality: 'good',
    sourceTimeMs: Date.now(),
  });
  const having = (...points: PointPlan[]): DevicePlan => ({ ...device, points: [speed, ...points] });

  it('keeps what its operators know of a point while others come and go', async () => {
    const running = follow();
    running.resolve(having(oil));
    running.take({ readings: [read(speed, 1), read(oil, 2)] });
    running.resolve(having(oil, water));
    running.take({ readings: [read(speed, 1), read(oil, 2), read(water, 3)] });
    running.resolve(having(water));
    running.take({ readings: [read(water, 3), read(speed, 4)] });
    await running.complete();
    assert.deepEqual(sent.sort(), ['oil 2', 'speed 1', 'speed 4', 'water 3']);
  });

  it('sends what it holds of a point that went, and leaves out what comes after', async () => {
    const running = follow();
    running.resolve(having(oil));
    running.take({ readings: [read(oil, 2)] });
    running.resolve(having());
    running.take({ readings: [read(oil, 3), read(steam, 4)] });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([sent, running.messages()], [['oil 2'], 1]);
    running.resolve(having(oil));
    running.take({ readings: [read(oil, 5)] });
    await running.complete();
    assert.deepEqual([sent, running.messages()], [['oil 2', 'oil 5'], 2]);
  });

  it('begins nothing for points that stay', () => {
    const running = follow();
    for (let time = 0; time < 3; time += 1) running.resolve(having(oil, water));
    assert.equal(started, 2);
  });

  it('tells history in its own way', async () => {
    const running = follow();
    running.resolve(having(oil));
    running.take({ readings: [read(oil, 5)] });
    running.take({ readings: [read(oil, 4), read(speed, 3)], isHistory: true });
    await running.complete();
    assert.deepEqual(sent.sort(), ['oil 4', 'oil 5', 'speed 3']);
  });
});
