import assert from 'node:assert/strict';
import fc from 'fast-check';
import { request } from '../../connectors/modbus/fuzz/request-arbitrary.ts';
import { assertNoGrowth, FUZZ_PATIENCE_MS, frames, seeds, tell, usedBytes } from '../../support/fuzz.ts';
import { mutate, mutation } from '../../support/mutation.ts';
import { FuzzedServer } from './fuzzed-server.ts';

const FRAMES_IN_A_CASE = 100;
const SHORT = 5_000;
const MAX_GROWTH_MIB = 8;
const READ = { function: 4, unit: 247, address: 1_234, count: 1 } as const;
const isRead = (body: Buffer) => body.subarray(0, 5).equals(Buffer.of(247, 4, 2, 1_234 >> 8, 1_234 & 0xff));

const message = fc.record({
  request,
  // Before framing: a whole request that says something else.
  inside: fc.oneof(fc.constant([]), fc.array(mutation, { maxLength: 2 })),
  outside: fc.oneof(fc.constant([]), fc.array(mutation, { maxLength: 3 })),
});

for (const framing of ['modbus-tcp', 'modbus-rtu', 'modbus-ascii'] as const) {
  describe(`${framing}: mutated requests to the simulator`, function () {
    this.timeout(FUZZ_PATIENCE_MS);

    const fuzz = (count: number, seed: number) => {
      const total = { reached: 0, answered: 0 };
      const cases = fc.array(message, { minLength: FRAMES_IN_A_CASE, maxLength: FRAMES_IN_A_CASE });
      const property = fc.property(cases, (messages) => {
        const server = new FuzzedServer(framing);
        for (const { request, inside, outside } of messages) server.send(mutate(server.frame(request, inside), outside));
        server.assertMemory();
        server.recover(READ, isRead);
        total.reached += server.reached;
        total.answered += server.answered;
      });
      fc.assert(property, { seed, numRuns: Math.ceil(count / FRAMES_IN_A_CASE) });
      return total;
    };

    for (const seed of seeds()) {
      const count = frames(SHORT);
      it(`${count} of them: no crash, nothing obeyed that was not sent, no growth (seed ${seed})`, () => {
        fuzz(SHORT, seed);
        const warmBytes = usedBytes();
        const figures = fuzz(count, seed + 1);
        assertNoGrowth(warmBytes, MAX_GROWTH_MIB);
        tell(`${framing} requests`, figures);
        assert.ok(figures.reached > count / 10 && figures.answered > count / 10, JSON.stringify(figures));
      });
    }
  });
}
