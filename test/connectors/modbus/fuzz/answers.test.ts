import assert from 'node:assert/strict';
import fc from 'fast-check';
import { assertNoGrowth, FUZZ_PATIENCE_MS, frames, seeds, tell, usedBytes } from '../../../support/fuzz.ts';
import { damage } from './damage.ts';
import { type Framing, FuzzedLink } from './fuzzed-link.ts';
import { reads } from './request-arbitrary.ts';

const SHORT = 1_000;
const FRAMES_IN_A_CASE = 25;
/** What fast-check and the runtime keep for themselves. */
const MAX_GROWTH_MIB = 8;

for (const framing of ['modbus-tcp', 'modbus-rtu', 'modbus-ascii'] as const satisfies readonly Framing[]) {
  describe(`${framing}: mutated answers of a device`, function () {
    this.timeout(FUZZ_PATIENCE_MS);

    const fuzz = async (count: number, seed: number) => {
      const total = { accepted: 0, refused: 0, exceptions: 0, lied: 0, sumsByChance: 0 };
      const cases = fc.array(damage, { minLength: FRAMES_IN_A_CASE, maxLength: FRAMES_IN_A_CASE });
      const property = fc.asyncProperty(cases, reads, async (damages, clean) => {
        const link = new FuzzedLink(framing);
        for (const one of damages) await link.exchange(one);
        await link.recover(clean);
        for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += link.figures[name];
      });
      await fc.assert(property, { seed, numRuns: Math.ceil(count / FRAMES_IN_A_CASE) });
      return total;
    };

    for (const seed of seeds()) {
      const count = frames(SHORT);
      it(`${count} of them: no crash, no hang, no wrong value, no growth (seed ${seed})`, async () => {
        await fuzz(SHORT, seed);
        const warmBytes = usedBytes();
        const figures = await fuzz(count, seed + 1);
        assertNoGrowth(warmBytes, MAX_GROWTH_MIB);
        tell(framing, figures);
        assert.ok(figures.accepted > count / 20, JSON.stringify(figures));
        assert.ok(figures.accepted > 3 * figures.exceptions, JSON.stringify(figures));
        assert.ok(figures.refused > count / 5, JSON.stringify(figures));
        assert.ok(figures.sumsByChance <= 3 + count / 10_000, JSON.stringify(figures));
      });
    }
  });
}
