import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayOff, isAllKept, lastSign, withLastCommit } from '../../src/gateway/off.ts';
import type { DeviceGap } from '../../src/model/device-gap.ts';
import type { GatewayPlan } from '../../src/model/plan.ts';
import type { Point } from '../../src/model/point.ts';
import { badReading } from '../../src/model/reading.ts';
import { silentLog } from '../../src/runtime/log.ts';
import type { SignOfLife } from '../../src/runtime/sign-of-life.ts';
import { SimulatedDisk } from '../spool/support/simulated-disk.ts';
import { draft, fail as failing, ofKind, open, until } from '../spool/support/spool-fixture.ts';
import { deviceOf, readingOf } from '../support/device.ts';
import { HandClock } from '../support/hand-clock.ts';

const START_MS = Date.UTC(2026, 0, 1);
const device = deviceOf({ points: { oil: {}, speed: {} } });
/** An open message, a commit, and what waited in memory before anybody looked. */
const UNDER_WAY_MS = device.message.maxAgeMs + 100 + 250;

/** Its wall can be set; its pendulum goes on. */
class WallClock extends HandClock {
  wrongByMs = 0;

  override nowMs(): number {
    return super.nowMs() + this.wrongByMs;
  }
}

describe('the time in which the gateway was off', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gateway-off-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const plan = (of = device) =>
    ({ devices: [of], spool: { directory: join(directory, 'spool'), commitWindowMs: 100 } }) as unknown as GatewayPlan;

  function start(last: SignOfLife | undefined, clock = new WallClock(START_MS), isKept = () => true, of = device) {
    const told: Omit<DeviceGap, 'device'>[] = [];
    const stop = new AbortController();
    const declare = (_twin: string, gap: Omit<DeviceGap, 'device'>) => void told.push(gap);
    const dueEveryMs = ({ name }: Point) => (name === 'oil' ? 7_000 : undefined);
    const off = new GatewayOff(last, {
      plan: plan(of),
      stateDirectory: directory,
      clock,
      log: silentLog,
      dueEveryMs,
      declare,
      isKept,
    });
    const measure = () => off.see({ device: device.twin, readings: [readingOf(device, ['oil', clock.nowMs(), 1])] });
    const fail = () =>
      off.see({
        device: device.twin,
        readings: device.points.map(({ point }) => badReading(point, 'BadTimeout', clock.nowMs())),
      });
    const spans = () => told.map(({ reason, fromTimeMs, toTimeMs }) => [reason, fromTimeMs - START_MS, toTimeMs - START_MS]);
    return { off, clock, stop, told, measure, fail, spans };
  }

  it('is declared with the first reading, from the last sign of life less what was under way', async () => {
    const { clock, measure, told, spans } = start({ timeMs: START_MS - 60_000, isStopped: false });
    await clock.advance(2_000);
    measure();
    measure();
    assert.deepEqual(spans(), [['gateway-off', -60_000 - UNDER_WAY_MS, 2_000]]);
    assert.deepEqual(
      [told[0]?.points.map(({ name }) => name), told[0]?.readings],
      [['oil', 'speed'], Math.floor((62_000 + UNDER_WAY_MS) / 7_000)],
    );
  });

  it('is declared for what patterns stand for, when that is known, and once', async () => {
    const patterned = { ...device, patterns: [] };
    const resolved = deviceOf({ points: { oil: {}, speed: {}, motor1: {} } });
    const names = (told: readonly Omit<DeviceGap, 'device'>[]) => told.map(({ points }) => points.map(({ name }) => name).join());
    const late = start({ timeMs: START_MS - 60_000, isStopped: true }, undefined, undefined, patterned);
    await late.clock.advance(2_000);
    late.fail();
    late.off.resolved(patterned);
    late.off.resolved(resolved);
    late.off.resolved(deviceOf({ points: { oil: {}, speed: {}, motor1: {}, motor2: {} } }));
    assert.deepEqual(names(late.told), ['oil,speed', 'motor1']);
    assert.deepEqual(late.spans()[1], late.spans()[0]);
    const early = start({ timeMs: START_MS - 60_000, isStopped: true }, undefined, undefined, patterned);
    early.off.resolved(resolved);
    early.measure();
    assert.deepEqual(names(early.told), ['oil,speed,motor1']);
  });

  it('begins with the stop where there was one, and ends with the start where the device is away then', async () => {
    const { clock, fail, spans } = start({ timeMs: START_MS - 60_000, isStopped: true });
    await clock.advance(2_000);
    fail();
    assert.deepEqual(spans(), [['gateway-off', -60_000, 0]]);
  });

  it('is declared for a device that says nothing, after a while or at a stop', async () => {
    const silent = start({ timeMs: START_MS - 60_000, isStopped: true });
    await silent.off.begin(silent.stop.signal);
    await silent.clock.advance(59_000);
    assert.deepEqual(silent.spans(), []);
    // Its file is written before.
    for (let turn = 0; turn < 500 && silent.told.length === 0; turn += 1) {
      await silent.clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.deepEqual(silent.spans(), [['gateway-off', -60_000, 0]]);
    silent.stop.abort();
    const stopped = start({ timeMs: START_MS - 60_000, isStopped: true });
    stopped.off.tellAll();
    assert.deepEqual(stopped.spans(), [['gateway-off', -60_000, 0]]);
  });

  it('waits for a clock that is wrong, and is right then', async () => {
    const { clock, measure, spans } = start({ timeMs: START_MS - 60_000, isStopped: true });
    clock.wrongByMs = -START_MS;
    await clock.advance(2_000);
    measure();
    await clock.advance(30_000);
    measure();
    assert.deepEqual(spans(), []);
    clock.wrongByMs = 0;
    measure();
    assert.deepEqual(spans(), [['gateway-off', -60_000, 2_000]]);
  });

  it('is declared without a length where the clock never comes to the last sign of life', async () => {
    const { off, clock, measure, spans } = start({ timeMs: START_MS + 1_000_000, isStopped: true });
    await clock.advance(2_000);
    measure();
    off.tellAll();
    assert.deepEqual(spans(), [['gateway-off', 2_000, 2_000]]);
  });

  it('is nothing at the first start', () => {
    const { off, measure, told } = start(undefined);
    measure();
    off.tellAll();
    assert.deepEqual(told, []);
  });

  it('is known from a file that is written once a minute, and from the last write of the spool', async () => {
    assert.equal(await lastSign(plan(), directory), undefined);
    const { off, clock, stop } = start(undefined);
    await off.begin(stop.signal);
    assert.deepEqual(await lastSign(plan(), directory), { timeMs: START_MS, isStopped: false });
    stop.abort();
    await mkdir(join(directory, 'spool', 'telemetry'), { recursive: true });
    const segment = join(directory, 'spool', 'telemetry', 'segment-0000000000000001.log');
    await writeFile(segment, 'x');
    await utimes(segment, 0, START_MS / 1_000 + 30);
    assert.deepEqual(await lastSign(plan(), directory), { timeMs: START_MS + 30_000, isStopped: false });
    await off.stopped(clock.nowMs() + 10_000);
    assert.deepEqual(await lastSign(plan(), directory), { timeMs: START_MS + 10_000, isStopped: true });
    assert.ok((await readFile(join(directory, 'sign-of-life.json'))).length < 100);
  });

  it('begins after the last message of the spool, where that is newer and there was no stop', () => {
    const [killed, stopped] = [false, true].map((isStopped) => ({ timeMs: START_MS, isStopped }));
    assert.deepEqual(withLastCommit(killed, START_MS + 4_000), { timeMs: START_MS + 4_000, isStopped: false });
    for (const committedMs of [START_MS - 1, undefined]) assert.deepEqual(withLastCommit(killed, committedMs), killed);
    assert.deepEqual(withLastCommit(stopped, START_MS + 4_000), stopped);
    assert.equal(withLastCommit(undefined, START_MS), undefined);
  });

  it('begins where the disk of the spool took nothing more, however long the gateway lived on, and whatever its end', async () => {
    const disk = new SimulatedDisk();
    const spool = await open({ directory: '/spool', fileSystem: disk, commitWindowMs: 0 });
    const { off, clock, stop } = start(undefined, undefined, () => isAllKept(spool.status()));
    await off.begin(stop.signal);
    disk.onOperation = failing('EROFS');
    const lost = assert.rejects(spool.append([draft('press', 1)]));
    await until(() => spool.status().state === 'degraded');
    for (let minute = 0; minute < 5; minute += 1) {
      await clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(await lastSign(plan(), directory), { timeMs: START_MS, isStopped: false, isHeld: true });
    stop.abort();
    await spool.close();
    await lost;
    await off.stopped(clock.nowMs());
    assert.deepEqual(await lastSign(plan(), directory), { timeMs: START_MS, isStopped: false, isHeld: true });
  });

  it('begins where one class of the spool is full and waits in memory, though another gets on disk', async () => {
    const spool = await open({ directory: join(directory, 'spool'), maxBytes: 128 * 1024, whenFull: 'block' });
    const { off, clock, stop } = start(undefined, undefined, () => isAllKept(spool.status()));
    await off.begin(stop.signal);
    await clock.advance(10_000);
    const waiting = Array.from({ length: 300 }, (_, at) => spool.append([draft('press', at, ['cloud'], 'x'.repeat(1_000))]));
    await until(() => spool.status().classes.telemetry.isBlocked);
    // The sign is a file.
    while ((await lastSign(plan(), directory))?.isHeld !== true) await clock.advance(250);
    await spool.append([ofKind('property', draft('press', 1))]);
    await clock.advance(300_000);
    const sign = await lastSign(plan(), directory);
    assert.deepEqual(withLastCommit(sign, Date.now()), { timeMs: START_MS + 10_000, isStopped: false, isHeld: true });
    stop.abort();
    await spool.close();
    await Promise.all(waiting);
  });

  it('is declared by the next start where a kill came before it was on disk', async () => {
    const last = { timeMs: START_MS - 60_000, isStopped: true };
    const { off, clock, measure, stop } = start(last);
    await off.begin(stop.signal);
    await clock.advance(5_000);
    assert.deepEqual(await lastSign(plan(), directory), { ...last, isHeld: true });
    measure();
    await clock.advance(100);
    assert.deepEqual(await lastSign(plan(), directory), { ...last, isHeld: true });
    while ((await lastSign(plan(), directory))?.isHeld === true) await clock.advance(250);
    const { timeMs = 0, isStopped } = (await lastSign(plan(), directory)) ?? {};
    assert.ok(timeMs > START_MS + 5_000 + 100 && isStopped === false);
    stop.abort();
  });
});
