import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Subject } from 'rxjs';
import { parse } from 'yaml';
import type { Draft } from '../../src/model/draft.ts';
import type { Reading } from '../../src/model/reading.ts';
import type { Value } from '../../src/model/value.ts';
import { operators } from '../../src/pipeline/operators/index.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { type DeviceSketch, deviceOf, type ReadingSketch, readingOf } from '../support/device.ts';
import { HandScheduler } from '../support/hand-scheduler.ts';

const CASES = join(import.meta.dirname, '../cases/pipeline');

/** One line of `readings.jsonl`: what arrives when, by the gateway's clock. */
interface Line {
  readonly at: number;
  readonly readings: readonly ReadingSketch[];
}

/** Values that JSON has no word for stand as `{ "int64": "…" }` and `{ "float": "NaN" }`. */
function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('int64' in value) return BigInt(String(value.int64)) satisfies Value;
  return 'float' in value ? Number(value.float) : value;
}

function run(folder: string): readonly Draft[] {
  const device = deviceOf(parse(readFileSync(join(folder, 'mapping.yaml'), 'utf8')) as DeviceSketch);
  const lines = readFileSync(join(folder, 'readings.jsonl'), 'utf8').trim().split('\n');
  const script = lines.map((line) => JSON.parse(line, revive) as Line);
  const scheduler = new HandScheduler(script[0]?.at ?? 0);
  const source = new Subject<readonly Reading[]>();
  const drafts: Draft[] = [];
  source.pipe(createPipeline(device, operators, scheduler)).subscribe((draft) => drafts.push(draft));
  for (const { at, readings } of script) {
    scheduler.advance(at - scheduler.now());
    source.next(readings.map((reading) => readingOf(device, reading)));
  }
  source.complete();
  return drafts;
}

describe('a case of readings and expected messages', () => {
  for (const name of readdirSync(CASES)) {
    it(name.replaceAll('-', ' '), () => {
      const folder = join(CASES, name);
      assert.deepEqual(run(folder), JSON.parse(readFileSync(join(folder, 'messages.json'), 'utf8'), revive));
    });
  }
});
