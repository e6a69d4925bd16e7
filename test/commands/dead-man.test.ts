import assert from 'node:assert/strict';
import { type DeadManReport, watchDeadMan } from '../../src/commands/dead-man.ts';
import type { CommandResult } from '../../src/model/command.ts';
import { HandClock } from '../support/hand-clock.ts';
import { pointPlan, press } from './plant.ts';

const deadMan = { hubs: ['cloud', 'historian'], afterMs: 60_000, write: { speed: 0 } };
const device = { ...press([pointPlan('speed', 'uint16', {})]), deadMan };

describe('the dead-man rule', () => {
  let clock: HandClock;
  let up: Set<string>;
  let reports: DeadManReport[];
  let writes: number;
  let result: Pick<CommandResult, 'status' | 'points' | 'error'>;
  let stop: AbortController;
  let beforeWrite: () => Promise<unknown>;

  beforeEach(() => {
    beforeWrite = async () => {};
    clock = new HandClock();
    up = new Set(['cloud']);
    reports = [];
    writes = 0;
    result = { status: 'done', points: { speed: { status: 'written', value: 0 } } };
    stop = new AbortController();
    void watchDeadMan({
      devices: [device, press([])],
      isUp: (hub) => up.has(hub),
      write: async (_device, _desired, { isWanted }) => {
        await beforeWrite();
        if (!isWanted()) return { id: 'dead-man', device: 'press-07', status: 'refused', points: {} };
        writes += 1;
        return { id: 'dead-man', device: 'press-07', ...result };
      },
      tell: (report) => reports.push(report),
      clock,
      signal: stop.signal,
    });
  });

  afterEach(() => stop.abort());

  const told = () => reports.map(({ state }) => state);

  it('writes once when every hub is away for so long, and tells it', async () => {
    await clock.advance(3_600_000);
    up.clear();
    await clock.advance(59_000);
    assert.equal(writes, 0);
    await clock.advance(3_600_000);
    assert.deepEqual([writes, told()], [1, ['written']]);
    assert.ok((reports[0]?.awayMs ?? 0) - 60_000 < 1_000);
  });

  it('begins to count anew when any of the hubs is there', async () => {
    up.clear();
    await clock.advance(59_000);
    up.add('historian');
    await clock.advance(1_000);
    up.clear();
    await clock.advance(59_000);
    assert.equal(writes, 0);
    await clock.advance(2_000);
    assert.equal(writes, 1);
  });

  it('gives up what waits behind other commands when the cloud is back before its turn', async () => {
    beforeWrite = () => clock.sleep(10_000);
    up.clear();
    await clock.advance(61_000);
    up.add('cloud');
    await clock.advance(60_000);
    assert.deepEqual([writes, told()], [0, ['refused', 'ended']]);
  });

  it('tells that the cloud is back, writes nothing then, and is ready for the next time', async () => {
    up.clear();
    await clock.advance(61_000);
    up.add('cloud');
    await clock.advance(1_000);
    assert.deepEqual([writes, told()], [1, ['written', 'ended']]);
    up.clear();
    await clock.advance(61_000);
    assert.deepEqual([writes, told()], [2, ['written', 'ended', 'written']]);
  });

  it('tries again what was refused, tells each reason once, and not what was written but not confirmed', async () => {
    result = { status: 'refused', points: {}, error: { code: 'LINK_DOWN', message: 'down' } };
    up.clear();
    await clock.advance(90_000);
    assert.ok(writes >= 5);
    assert.deepEqual(told(), ['refused']);
    result = { status: 'failed', points: { speed: { status: 'unknown' } } };
    const before = writes;
    await clock.advance(60_000);
    assert.deepEqual([writes, told()], [before + 1, ['refused', 'written']]);
  });

  it('leaves no timer behind', async () => {
    stop.abort();
    await clock.advance(1_000);
    assert.equal(clock.sleeping, 0);
  });
});

describe('the dead-man rule without a hub since the start', () => {
  it('counts from the start', async () => {
    const clock = new HandClock();
    const stop = new AbortController();
    const reports: DeadManReport[] = [];
    const write = async (): Promise<CommandResult> => ({ id: '', device: '', status: 'done', points: {} });
    void watchDeadMan({
      devices: [device],
      isUp: () => false,
      write,
      tell: (report) => reports.push(report),
      clock,
      signal: stop.signal,
    });
    await clock.advance(61_000);
    assert.equal(reports.length, 1);
    stop.abort();
  });
});
