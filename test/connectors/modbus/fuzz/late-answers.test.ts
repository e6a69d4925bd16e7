import assert from 'node:assert/strict';
import fc from 'fast-check';
import { encodeRequest } from '../../../../connectors/modbus/encode-request.ts';
import type { Request } from '../../../../connectors/modbus/request.ts';
import { withCrc } from '../../../../src/simulator/crc16.ts';
import { FUZZ_PATIENCE_MS, frames, seeds, tell } from '../../../support/fuzz.ts';
import { FuzzClock, turn } from '../../../support/fuzz-clock.ts';
import { LATE_WINDOW_MS, memoryWire, TIMEOUT_MS } from './memory-wire.ts';
import { DEVICES, isTrue, UNITS } from './spec.ts';

interface SlowRead {
  readonly request: Request;
  /** From request to answer; `undefined`: it gets lost. */
  readonly delayMs: number | undefined;
}

/** All reads of a case ask for one register: the answer to one looks like the answer to each of them. */
const read = fc.record({
  function: fc.constant(3 as const),
  unit: fc.constantFrom(...UNITS),
  address: fc.integer({ min: 0, max: 50_000 }),
  count: fc.constant(1),
});

const prompt = fc.integer({ min: 0, max: TIMEOUT_MS / 2 });
const slowRead = (delayMs: fc.Arbitrary<number | undefined>): fc.Arbitrary<SlowRead> => fc.record({ request: read, delayMs });
const READS = 10;
const reads = (delayMs: fc.Arbitrary<number | undefined>) => fc.array(slowRead(delayMs), { minLength: READS, maxLength: READS });

/** A unit whose answers take now less, now far more than its time-out cannot be told apart from one that lost some. */
const CASES = {
  'slow all the time': fc
    .integer({ min: TIMEOUT_MS / 2, max: 4 * TIMEOUT_MS })
    .chain((delayMs) => reads(fc.integer({ min: delayMs, max: delayMs + 50 }))),
  'lost, or late within the window, now and then': reads(
    fc.oneof(prompt, fc.integer({ min: 0, max: TIMEOUT_MS + LATE_WINDOW_MS - 25 }), fc.constant(undefined)),
  ),
};

async function ask(reads: readonly SlowRead[]): Promise<{ accepted: number; lateReplies: number }> {
  const clock = new FuzzClock();
  const { wire, deliver, counter } = memoryWire('modbus-rtu', clock);
  const busyUntilMs = new Map<number, number>();
  /** A unit does one thing after the other, so its answers come in the order in which it was asked. */
  const isAnsweredInMs = (unit: number, delayMs: number): number => {
    const nowMs = clock.monotonicMs();
    const atMs = Math.max(nowMs + delayMs, (busyUntilMs.get(unit) ?? 0) + 1);
    busyUntilMs.set(unit, atMs);
    return atMs - nowMs;
  };
  let accepted = 0;
  for (const { request, delayMs } of reads) {
    let settled: Buffer | Error | undefined;
    const settle = (outcome: Buffer | Error) => {
      settled = outcome;
    };
    wire.exchange(request).then(settle, settle);
    const body = encodeRequest(request);
    const answer = withCrc(
      Buffer.concat([body.subarray(0, 1), DEVICES.get(request.unit)?.answer(body.subarray(1)) ?? Buffer.alloc(0)]),
    );
    if (delayMs !== undefined) void clock.sleep(isAnsweredInMs(request.unit, delayMs)).then(() => deliver(answer));
    for (;;) {
      await turn();
      if (settled !== undefined) break;
      assert.ok(await clock.jump(), 'waits for ever');
    }
    if (!Buffer.isBuffer(settled)) continue;
    assert.ok(isTrue(request, settled), `${JSON.stringify(request)} took ${settled.toString('hex')}`);
    accepted += 1;
  }
  return { accepted, lateReplies: counter('late_replies') };
}

for (const [what, cases] of Object.entries(CASES)) {
  describe(`modbus-rtu: answers that are ${what}`, function () {
    this.timeout(FUZZ_PATIENCE_MS);

    for (const seed of seeds()) {
      const count = frames(2_000);
      it(`none of ${count} reads takes the register of another (seed ${seed})`, async () => {
        const total = { accepted: 0, lateReplies: 0 };
        const property = fc.asyncProperty(cases, async (slow) => {
          const { accepted, lateReplies } = await ask(slow);
          total.accepted += accepted;
          total.lateReplies += lateReplies;
        });
        await fc.assert(property, { seed, numRuns: count / READS });
        tell(`answers that are ${what}`, { reads: count, ...total });
        assert.ok(total.accepted > 0, JSON.stringify(total));
      });
    }
  });
}
