import { Subject } from 'rxjs';
import type { Reading } from '../../src/model/reading.ts';
import type { OperatorDefinition } from '../../src/pipeline/operator.ts';
import { type DeviceSketch, deviceOf, type ReadingSketch, readingOf, sketchOf } from './device.ts';
import { HandScheduler } from './hand-scheduler.ts';

/** One operator at work on one device, its time moved by hand. */
export class OperatorRun {
  readonly scheduler: HandScheduler;
  readonly batches: (readonly Reading[])[] = [];
  isComplete = false;
  readonly #device;
  readonly #source = new Subject<readonly Reading[]>();
  #taken = 0;

  constructor(operator: OperatorDefinition, points: DeviceSketch['points'], startMs = 0) {
    this.scheduler = new HandScheduler(startMs);
    this.#device = deviceOf({ points });
    this.#source.pipe(operator.create(this.#device, this.scheduler)).subscribe({
      next: (readings) => this.batches.push(readings),
      complete: () => {
        this.isComplete = true;
      },
    });
  }

  /** Sends one batch; answers what has come out since the last question. */
  send(...readings: readonly ReadingSketch[]): readonly ReadingSketch[] {
    this.#source.next(readings.map((reading) => readingOf(this.#device, reading)));
    return this.#fresh();
  }

  advance(ms: number): readonly ReadingSketch[] {
    this.scheduler.advance(ms);
    return this.#fresh();
  }

  complete(): readonly ReadingSketch[] {
    this.#source.complete();
    return this.#fresh();
  }

  #fresh(): readonly ReadingSketch[] {
    const fresh = this.batches.slice(this.#taken).flat().map(sketchOf);
    this.#taken = this.batches.length;
    return fresh;
  }
}
