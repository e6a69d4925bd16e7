import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Request } from '../../../../connectors/modbus/protocol/request.ts';
import { withCrc } from '../../../../src/simulator/crc16.ts';
import { FUZZ_PATIENCE_MS, frames, seeds, tell } from '../../../support/fuzz.ts';
import { FuzzClock, turn } from '../../../support/fuzz-clock.ts';
import { LATE_WINDOW_MS, memoryWire, TIMEOUT_MS } from './memory-wire.ts';
import { DEVICES, isTrue, UNITS } from './spec.ts';

/** From each request of a unit to its answer, fences included; `undefined`: it gets lost. */
type Delays = readonly (number | undefined)[];

interface Case {
  readonly requests: readonly Request[];
  readonly delays: Delays;
}

/** All reads of a case ask for one register: the answer to one looks like the answer to each of them. */
const read = fc.record({
  function: fc.constant(3 as const),
  unit: fc.constantFrom(...UNITS),
  address: fc.oneof(fc.integer({ min: 0, max: 50_000 }), fc.integer({ min: 0, max: 2 })),
  count: fc.constant(1),
});

const prompt = fc.integer({ min: 0, max: TIMEOUT_MS / 2 });
const READS = 10;
const many = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: READS, maxLength: READS });
const reads = (delay: fc.Arbitrary<number | undefined>): fc.Arbitrary<Case> =>
  fc.record({ requests: many(read), delays: many(delay) });

const CASES = {
  'slow all the time': fc
    .integer({ min: TIMEOUT_MS / 2, max: 4 * TIMEOUT_MS })
    .chain((delayMs) => reads(fc.integer({ min: delayMs, max: delayMs + 50 }))),
  'lost, or late within the window, now and then': reads(
    fc.oneof(prompt, fc.integer({ min: 0, max: TIMEOUT_MS + LATE_WINDOW_MS - 25 }), fc.constant(undefined)),
  ),
  'lost, or as late as they like, now and then': reads(
    fc.oneof(prompt, fc.integer({ min: 0, max: 4 * TIMEOUT_MS }), fc.constant(undefined)),
  ),
};

/** Units that do one thing after the other: answers come in the order in which they were asked for. */
function slowUnits(delays: Delays, clock: FuzzClock, deliver: (bytes: Buffer) => void): (sent: Buffer) => void {
  const busyUntilMs = new Map<number, number>();
  let asked = 0;
  return (sent) => {
    const [unit = 0] = sent;
    const delayMs = delays[asked % delays.length];
    asked += 1;
    if (delayMs === undefined) return;
    const nowMs = clock.monotonicMs();
    const atMs = Math.max(nowMs + delayMs, (busyUntilMs.get(unit) ?? 0) + 1);
    busyUntilMs.set(unit, atMs);
    const answer = DEVICES.get(unit)?.answer(sent.subarray(1, -2)) ?? Buffer.alloc(0);
    void clock.sleep(atMs - nowMs).then(() => deliver(withCrc(Buffer.concat([sent.subarray(0, 1), answer]))));
  };
}

async function ask({ requests, delays }: Case): Promise<{ accepted: number; lateReplies: number }> {
  const clock = new FuzzClock();
  const { wire, deliver, takeSent, counter } = memoryWire('modbus-rtu', clock);
  const hear = slowUnits(delays, clock, deliver);
  let accepted = 0;
  for (const request of requests) {
    let settled: Buffer | Error | undefined;
    const settle = (outcome: Buffer | Error) => {
      settled = outcome;
    };
    wire.exchange(request).then(settle, settle);
    for (;;) {
      await turn();
      const sent = takeSent();
      if (sent.length > 0) hear(sent);
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

describe('modbus-rtu: a unit that is slow once, or does not answer once', () => {
  const oneDelay = fc.record({
    slow: fc.nat(READS - 4),
    delayMs: fc.option(fc.integer({ min: 0, max: 4 * TIMEOUT_MS }), { nil: undefined }),
    requests: many(read),
  });

  it('loses no more reads than find it busy, or that one', async () => {
    const property = fc.asyncProperty(oneDelay, async ({ slow, delayMs, requests }) => {
      const delays = requests.map((_, index) => (index === slow ? delayMs : 0));
      const ofOneUnit = requests.map((request) => ({ ...request, unit: UNITS[0] }));
      const { accepted } = await ask({ requests: ofOneUnit, delays: [...delays, ...Array<number>(READS).fill(0)] });
      const mayBeLost = delayMs === undefined ? 1 : Math.ceil(delayMs / TIMEOUT_MS);
      assert.ok(READS - accepted <= mayBeLost, `${accepted} of ${READS}`);
    });
    await fc.assert(property, { seed: seeds()[0] ?? 0, numRuns: 200 });
  });
});
