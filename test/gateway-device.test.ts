import assert from 'node:assert/strict';
import { map } from 'rxjs';
import { z } from 'zod';
import { startDevice } from '../src/gateway-device.ts';
import type { Draft } from '../src/model/draft.ts';
import type { Reading } from '../src/model/reading.ts';
import type { OperatorDefinition } from '../src/pipeline/operator.ts';
import { createPipeline } from '../src/pipeline/pipeline.ts';
import { timedOperator } from '../src/pipeline/timed-operator.ts';
import { silentLog } from '../src/runtime/log.ts';
import { deviceOf, readingOf } from './support/device.ts';
import { HandScheduler } from './support/hand-scheduler.ts';

const device = deviceOf({ points: { oil: {} } });

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
      const scheduler = new HandScheduler();
      const drafts: Draft[] = [];
      const append = async (more: readonly Draft[]) => void drafts.push(...more);
      const pipeline = createPipeline(device, [operator], scheduler);
      const running = startDevice({ device, pipeline, spool: { append }, scheduler, log: silentLog });
      for (const [timeMs, value] of [1, 13, 3].entries()) running.take([readingOf(device, ['oil', timeMs, value])]);
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
});
