import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DAMAGE_BASES, damageTrial } from '../spool/support/damage-trial.ts';
import { DISK_FAULTS, runWithFault } from '../spool/support/disk-fault-run.ts';
import { runHistory, step } from '../spool/support/power-cut-run.ts';
import { tell } from '../support/scenario/figures.ts';
import { LONG_MS, trials } from './support/scale.ts';

/** So many of the trials that only wait for timers run beside each other. */
const AT_ONCE = 40;

describe('the spool', function () {
  this.timeout(LONG_MS);

  it('loses nothing committed by power cuts at any write, sync, rename or removal', async () => {
    const histories = trials('HISTORIES', 1_000, 100_000);
    const firstSeed = Date.now() & 0x7fff_ffff;
    const lanes = Math.min(AT_ONCE, histories);
    let done = 0;
    const run = async (number: number, steps: Parameters<typeof runHistory>[1]) => {
      await runHistory(number, steps);
      done += 1;
    };
    const check = (seed: number) =>
      fc.assert(fc.asyncProperty(fc.integer(), fc.array(step, { maxLength: 25 }), run), {
        numRuns: Math.ceil(histories / lanes),
        seed,
      });
    await Promise.all(Array.from({ length: lanes }, (_, lane) => check(firstSeed + lane)));
    tell({ histories: done, 'first seed': firstSeed });
  });

  it('loses nothing whichever operation of the disk fails, and however', async () => {
    const operations = await runWithFault(() => {}, 0);
    let runs = 0;
    for (const fault of Object.values(DISK_FAULTS)) {
      for (let first = 1; first <= operations; first += AT_ONCE) {
        const numbers = Array.from({ length: Math.min(AT_ONCE, operations - first + 1) }, (_, index) => first + index);
        await Promise.all(numbers.map((operation) => runWithFault(fault, operation)));
        runs += numbers.length;
      }
    }
    assert.ok(runs >= 4 * operations);
    tell({ operations, faults: Object.keys(DISK_FAULTS).length, runs });
  });

  for (const [name, fill] of Object.entries(DAMAGE_BASES)) {
    it(`opens whatever is damaged of one ${name}, and declares exactly what is missing`, async () => {
      const count = trials('DAMAGES', 500, 10_000);
      const base = await fill();
      const firstSeed = Date.now() & 0xff_ffff;
      for (let number = 0; number < count; number += AT_ONCE) {
        const seeds = Array.from({ length: Math.min(AT_ONCE, count - number) }, (_, index) => firstSeed + number + index);
        await Promise.all(seeds.map((seed) => damageTrial(base, seed)));
      }
      tell({ damages: count, 'first seed': firstSeed });
    });
  }
});
