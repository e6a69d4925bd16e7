import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { TwinMessage } from '../../src/model/twin-message.ts';
import { ClockKnowledge } from '../../src/runtime/clock-knowledge.ts';
import { EARLIEST_TIME_MS, GatewayClock, STEP_MS } from '../../src/runtime/gateway-clock.ts';
import { HandTime } from '../support/hand-time.ts';

const NOW_MS = EARLIEST_TIME_MS + 100 * 86_400_000;
const HOUR_MS = 3_600_000;

describe('the clock of the gateway', () => {
  let time: HandTime;
  let knowledge: ClockKnowledge;
  let clock: GatewayClock;

  const begin = (source = time) => new GatewayClock({ source, knowledge });
  const look = () => clock.look(() => {});

  beforeEach(async () => {
    time = new HandTime(NOW_MS);
    knowledge = await ClockKnowledge.read();
    clock = begin();
  });

  const stamped = (startTimeMs = clock.nowMs()): TwinMessage => {
    const { doubt } = clock;
    return { twin: 'press', kind: 'telemetry', startTimeMs, values: {}, ...(doubt === undefined ? {} : { clock: doubt }) };
  };

  it('goes with the clock of the machine', () => {
    time.pass(5_000);
    assert.equal(clock.nowMs(), NOW_MS + 5_000);
    assert.equal(look(), undefined);
    assert.equal(clock.isKnown, true);
    assert.equal(clock.doubt, undefined);
  });

  it('never runs back for what a clock is set back by, up to a second', () => {
    time.pass(5_000);
    const before = clock.nowMs();
    time.set(time.wallMs() - STEP_MS);
    assert.equal(look(), undefined);
    assert.equal(clock.nowMs(), before);
    time.pass(STEP_MS + 10);
    assert.equal(clock.nowMs(), before + 10);
  });

  for (const [direction, byMs] of Object.entries({ ahead: HOUR_MS, back: -HOUR_MS })) {
    it(`tells that the clock was set ${direction}, while the old time still counts, and follows it`, () => {
      time.pass(5_000);
      const before = clock.nowMs();
      time.set(time.wallMs() + byMs);
      assert.equal(clock.nowMs(), before, 'nobody has looked yet');
      let duringMs = 0;
      const step = clock.look(() => {
        duringMs = clock.nowMs();
      });
      assert.equal(duringMs, before);
      assert.deepEqual(step, { fromTimeMs: before, toTimeMs: before + byMs, isKnown: true });
      assert.equal(clock.nowMs(), before + byMs);
      assert.equal(clock.steps, 1);
      assert.equal(look(), undefined);
    });
  }

  it('keeps time in order between steps that it tells, whatever the clock of the machine does', () => {
    const move = fc.record({ passMs: fc.integer({ min: 0, max: 3_000 }), setByMs: fc.integer({ min: -2_500, max: 2_500 }) });
    const run = (moves: readonly { passMs: number; setByMs: number }[]) => {
      const own = new HandTime(NOW_MS);
      const running = begin(own);
      let latestMs = running.nowMs();
      for (const { passMs, setByMs } of moves) {
        own.pass(passMs);
        own.set(own.wallMs() + setByMs);
        const step = running.look(() => {});
        if (step === undefined) assert.ok(running.nowMs() >= latestMs);
        else assert.equal(step.toTimeMs, own.wallMs());
        latestMs = running.nowMs();
        assert.ok(Math.abs(latestMs - own.wallMs()) <= STEP_MS + 1);
      }
    };
    fc.assert(fc.property(fc.array(move, { maxLength: 20 }), run), { seed: 3 });
  });

  it('doubts a clock that is older than the program, and corrects what was stamped by it once it is set', () => {
    time.reboot(5_000);
    clock = begin();
    assert.equal(clock.isKnown, false);
    const message = { ...stamped(), gap: { reason: 'link-down', fromTimeMs: 5_000, toTimeMs: 5_000, messages: 0, readings: 1 } };
    assert.equal(knowledge.correct(message), message, 'nobody knows yet');
    time.pass(60_000);
    time.set(NOW_MS);
    assert.equal(look()?.isKnown, true);
    const corrected = knowledge.correct(message);
    assert.equal(corrected.startTimeMs, NOW_MS - 60_000);
    assert.equal(corrected.gap?.fromTimeMs, NOW_MS - 60_000);
    assert.equal(corrected.clock?.correctedByMs, NOW_MS - 65_000);
    assert.equal(stamped().clock, undefined);
  });

  it('doubts a clock that shows less than was known before, after a restart', () => {
    look();
    time.reboot(NOW_MS - HOUR_MS);
    clock = begin();
    assert.equal(clock.isKnown, false);
    time.pass(HOUR_MS);
    assert.equal(look()?.isKnown, true);
  });

  it('believes whoever sets a clock that was known, though it goes back', () => {
    time.set(NOW_MS + 24 * HOUR_MS);
    clock = begin();
    time.set(NOW_MS);
    assert.equal(look()?.isKnown, true);
    assert.equal(begin().isKnown, true);
  });

  it('believes nobody but the one who was named', () => {
    time.setState = false;
    clock = begin();
    assert.equal(clock.isKnown, false);
    const message = stamped();
    time.setState = true;
    assert.deepEqual(look(), { fromTimeMs: NOW_MS, toTimeMs: NOW_MS, isKnown: true });
    assert.deepEqual(knowledge.correct(message).clock?.correctedByMs, 0);
    assert.equal(clock.steps, 0);
  });

  it('leaves alone what was stamped in a boot in which nobody came to know, and what the device stamped', () => {
    time.reboot(5_000);
    clock = begin();
    const message = stamped();
    time.reboot(NOW_MS);
    clock = begin();
    assert.equal(knowledge.correct(message), message);
    const byDevice = { ...message, clock: {} };
    assert.equal(knowledge.correct(byDevice), byDevice);
  });

  describe('what was learnt', () => {
    let directory: string;
    const path = () => join(directory, 'clock.json');

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), 'clock-'));
    });
    afterEach(() => rm(directory, { recursive: true, force: true }));

    it('outlives a restart, so that what waited in the spool is corrected after it', async () => {
      knowledge = await ClockKnowledge.read(path());
      time.reboot(5_000);
      clock = begin();
      const message = stamped();
      time.set(NOW_MS);
      look();
      await knowledge.save();
      time.reboot(NOW_MS + HOUR_MS);
      knowledge = await ClockKnowledge.read(path());
      clock = begin();
      assert.equal(knowledge.correct(message).startTimeMs, NOW_MS);
    });

    it('keeps the latest boots only', async () => {
      knowledge = await ClockKnowledge.read(path());
      for (let boot = 0; boot < 40; boot += 1) knowledge.learn(`boot-${boot}`, boot, NOW_MS);
      await knowledge.save();
      const { boots } = JSON.parse(await readFile(path(), 'utf8')) as { boots: object };
      assert.deepEqual([Object.keys(boots).length, Object.keys(boots).at(-1)], [16, 'boot-39']);
    });

    it('may be damaged', async () => {
      await writeFile(path(), '{"newestTimeMs":');
      knowledge = await ClockKnowledge.read(path());
      assert.equal(begin().isKnown, true);
    });
  });
});
