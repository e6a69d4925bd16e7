import assert from 'node:assert/strict';
import type { ErrorCode } from '../../../../src/model/error.ts';
import type { Value } from '../../../../src/model/value.ts';
import { systemClock } from '../../../../src/runtime/clock.ts';
import type { Fault, FaultScope } from '../../../../src/simulator/modbus-faults.ts';
import { type Keys, type Plant, type Protocol, startPlant } from '../plant.ts';
import { openRig, type Rig } from '../rig.ts';

/** A value, or the status of a reading that is bad. */
export type Expected = Value | RegExp;

export interface Scene {
  /** Number in the fault matrix. */
  readonly id: string;
  readonly what: string;
  readonly on: readonly Protocol[];
  /** What befalls unit 1, the sick one. Unit 2 is well all the time. */
  readonly fault: Fault;
  readonly scope?: FaultScope;
  readonly keys?: Keys;
  /** One read of the sick unit after the other, of `wide` and `narrow` in turn. */
  readonly readings: readonly Expected[];
  /** Exactly so many, or at least so many. */
  readonly counters?: Readonly<Record<string, number | { readonly atLeast: number }>>;
  /** The connection is given up with this error. */
  readonly lost?: ErrorCode;
}

const POINTS = {
  wide: { address: { holding: 200 }, type: 'uint32' },
  narrow: { address: { holding: 100 }, type: 'uint16' },
} as const;

export const GOOD = { wide: 200 * 65_536 + 201, narrow: 100 } as const;
/** Longer than a machine that is busy keeps an answer. */
export const SHORT_MS = 200;
export const SHORT: Keys = { timeout: `${SHORT_MS} ms` };

export function play(scene: Scene): void {
  for (const protocol of scene.on) {
    it(`${scene.id} ${protocol}: ${scene.what}`, async () => {
      await using stage = await Stage.open(protocol, scene);
      await stage.perform();
    });
  }
}

class Stage {
  readonly #plant: Plant;
  readonly #scene: Scene;
  readonly #keys: Keys;
  #rig: Rig;

  private constructor(plant: Plant, rig: Rig, scene: Scene, keys: Keys) {
    this.#plant = plant;
    this.#rig = rig;
    this.#scene = scene;
    this.#keys = keys;
  }

  static async open(protocol: Protocol, scene: Scene): Promise<Stage> {
    const plant = await startPlant(protocol, [1, 2]);
    const keys = { timeout: '1 s', retries: 0, ...scene.keys };
    return new Stage(plant, await openRig(planFor(plant, keys)), scene, keys);
  }

  async perform(): Promise<void> {
    const { fault, scope, readings, lost } = this.#scene;
    await this.#neighbourIsWell();
    const mend = this.#plant.faults.add(fault, { unit: 1, ...scope });
    for (const [index, expected] of readings.entries()) await this.#read(index % 2 === 0 ? 'wide' : 'narrow', expected);
    await this.#checkCounters();
    if (lost === undefined) await this.#neighbourIsWell();
    else await this.#openAnew(lost);
    mend();
    await this.#isWellAgain();
    await this.#neighbourIsWell();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rig.session.close();
    await this.#plant.dispose();
  }

  async #read(name: keyof typeof GOOD, expected: Expected): Promise<void> {
    const value = await this.#rig.value(name).catch((error: { code: string }) => error.code);
    if (expected instanceof RegExp) assert.match(String(value), expected, name);
    else assert.deepEqual(value, expected, name);
  }

  /** What comes late is counted late. */
  async #checkCounters(): Promise<void> {
    for (const [name, expected] of Object.entries(this.#scene.counters ?? {})) {
      const wanted = typeof expected === 'number' ? expected : expected.atLeast;
      for (let tries = 0; tries < 100 && this.#rig.counter(name) < wanted; tries += 1) await systemClock.sleep(20);
      const found = this.#rig.counter(name);
      assert.ok(typeof expected === 'number' ? found === wanted : found >= wanted, `${name}: ${found}, expected ${wanted}`);
    }
  }

  async #openAnew(lost: ErrorCode): Promise<void> {
    const error = await this.#rig.session.lost;
    assert.equal(error.code, lost);
    await this.#rig.session.close();
    this.#rig = await openRig(planFor(this.#plant, this.#keys));
  }

  /** Its value is right at once, or after what is still on the way; a wrong one never comes. */
  async #isWellAgain(): Promise<void> {
    for (let tries = 0; tries < 4; tries += 1) {
      const value = await this.#rig.value('narrow');
      if (value === GOOD.narrow) return;
      assert.match(String(value), /^Bad/);
    }
    assert.fail('the unit is well again, its value is not');
  }

  /** Its value comes, though the line or the machine may be busy for a moment. */
  async #neighbourIsWell(): Promise<void> {
    for (let tries = 0; tries < 5; tries += 1) {
      const value = await this.#rig.value('neighbour');
      if (value === GOOD.narrow) return;
      assert.equal(value, 'BadTimeout');
    }
    assert.fail('a neighbour suffers from a unit that misbehaves');
  }
}

function planFor(plant: Plant, keys: Keys) {
  const neighbour = { neighbour: POINTS.narrow };
  return plant.planOf(
    { sick: { settings: { unit: 1 }, points: POINTS }, well: { settings: { unit: 2 }, points: neighbour } },
    keys,
  );
}
