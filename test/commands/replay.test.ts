import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ReplayGuard } from '../../src/commands/replay-guard.ts';
import { openSeenFile } from '../../src/commands/seen-file.ts';
import type { Command } from '../../src/model/command.ts';
import { command, NOW_MS } from './plant.ts';

const HOUR_MS = 3_600_000;

describe('commands over a restart', () => {
  let directory: string;
  let failures: unknown[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'fieldmarshal-seen-'));
    failures = [];
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const path = () => join(directory, 'state/seen.jsonl');
  const open = (nowMs: number, maxLines = 20_000) =>
    openSeenFile({ path: path(), nowMs, maxLines, onFailure: (error) => failures.push(error) });

  /** A start of the gateway, and whether it takes commands. */
  async function start(startedTimeMs = NOW_MS, settings: { maxLines?: number; capacity?: number } = {}) {
    const opened = await open(startedTimeMs, settings.maxLines);
    const { capacity = 10_000 } = settings;
    const guard = new ReplayGuard({ ...opened, startedTimeMs, capacity });
    const take = (sent: Command, nowMs = startedTimeMs) => guard.admit(sent, sent.expiresTimeMs ?? nowMs + 30_000, nowMs)?.code;
    return { take, settle: opened.settle, distrustUntilTimeMs: opened.distrustUntilTimeMs };
  }

  const undated = (id: string, more: object = {}): Command => ({ id, device: 'press-07', desired: { a: 1 }, ...more });

  it('are not taken a second time', async () => {
    const first = await start();
    assert.equal(first.take(undated('1')), undefined);
    await first.settle();
    const second = await start(NOW_MS + 24 * HOUR_MS);
    assert.equal(second.take(undated('1')), 'COMMAND_REPLAYED');
    assert.equal(second.take(undated('2')), undefined);
  });

  it('are not taken when they were issued before it and name no end', async () => {
    const { take } = await start();
    assert.equal(take(undated('1', { issuedTimeMs: NOW_MS - 1 })), 'COMMAND_EXPIRED');
    assert.equal(take(undated('2', { issuedTimeMs: NOW_MS - 1, expiresTimeMs: NOW_MS + 1_000 })), undefined);
    assert.equal(take(undated('3', { issuedTimeMs: NOW_MS })), undefined);
  });

  it('are taken only with proof that they came after it, for an hour, when the memory is damaged', async () => {
    const first = await start();
    first.take(undated('1'));
    await first.settle();
    appendFileSync(path(), '["press-07","2"');
    const { distrustUntilTimeMs, take } = await start();
    assert.equal(distrustUntilTimeMs, NOW_MS + HOUR_MS);
    assert.equal(take(undated('2')), 'COMMAND_REPLAYED');
    assert.equal(take(command('3', { a: 1 })), 'COMMAND_REPLAYED');
    assert.equal(take(undated('4', { issuedTimeMs: NOW_MS + 1 })), undefined);
    assert.equal(take(undated('1'), NOW_MS + HOUR_MS), 'COMMAND_REPLAYED');
    assert.equal(take(undated('5'), NOW_MS + HOUR_MS), undefined);
  });

  it('are remembered whole again after a memory that was damaged', async () => {
    mkdirSync(join(directory, 'state'));
    appendFileSync(path(), 'nonsense');
    const damaged = await start();
    damaged.take(undated('1', { issuedTimeMs: NOW_MS }));
    await damaged.settle();
    const after = await start(NOW_MS + HOUR_MS);
    assert.deepEqual([after.take(undated('1')), after.take(undated('2'))], ['COMMAND_REPLAYED', undefined]);
  });

  it('are distrusted for the whole hour, whatever is taken and however often the gateway is started anew in it', async () => {
    mkdirSync(join(directory, 'state'));
    appendFileSync(path(), '["press-07","1"');
    const damaged = await start();
    damaged.take(undated('2', { issuedTimeMs: NOW_MS }));
    await damaged.settle();
    const again = await start(NOW_MS + HOUR_MS / 2);
    assert.equal(again.take(undated('1')), 'COMMAND_REPLAYED');
    assert.equal(again.take(undated('3'), NOW_MS + HOUR_MS), undefined, 'no longer than that');
  });

  it('that have not expired are kept before later ones that have', async () => {
    const { take, settle } = await start(NOW_MS, { capacity: 10 });
    take(command('long', { a: 1 }, { expiresTimeMs: NOW_MS + 48 * HOUR_MS }));
    for (let id = 0; id < 15; id += 1) {
      const nowMs = NOW_MS + 1_000 * id;
      assert.equal(take(command(`${id}`, { a: 1 }, { expiresTimeMs: nowMs + 500 }), nowMs), undefined);
    }
    assert.equal(take(command('long', { a: 1 })), 'COMMAND_REPLAYED');
    await settle();
    const next = await start(NOW_MS + HOUR_MS, { capacity: 10 });
    assert.equal(next.take(command('long', { a: 1 }, { expiresTimeMs: NOW_MS + 48 * HOUR_MS })), 'COMMAND_REPLAYED');
  });

  it('are remembered in a file that stays small', async () => {
    const { take, settle } = await start(NOW_MS, { maxLines: 20, capacity: 10 });
    for (let id = 0; id < 200; id += 1) take(command(`${id}`, { a: 1 }, { expiresTimeMs: NOW_MS + id + 1 }), NOW_MS + id);
    await settle();
    assert.ok(readFileSync(path(), 'utf8').split('\n').length <= 22);
    const next = await start(NOW_MS + 200, { maxLines: 20, capacity: 10 });
    for (let id = 190; id < 200; id += 1) assert.equal(next.take(undated(`${id}`)), 'COMMAND_REPLAYED');
  });

  it('are remembered in memory while the disk refuses, told once, and on disk when it is back', async () => {
    appendFileSync(join(directory, 'state'), 'a file in the way');
    const { take, settle } = await start();
    for (const id of ['1', '2']) {
      assert.notEqual(take(undated(id, { issuedTimeMs: NOW_MS })), 'COMMAND_TOO_OFTEN');
      await settle();
    }
    assert.equal(take(undated('1')), 'COMMAND_REPLAYED');
    assert.ok(failures.length <= 2);
    rmSync(join(directory, 'state'));
    take(undated('3', { issuedTimeMs: NOW_MS }));
    await settle();
    const next = await start();
    assert.deepEqual(
      ['1', '2', '3'].map((id) => next.take(undated(id))),
      Array(3).fill('COMMAND_REPLAYED'),
    );
  });

  it('are each taken at most once, however often and whenever the gateway is started anew', async () => {
    const step = fc.oneof({ weight: 5, arbitrary: fc.nat(20) }, { weight: 1, arbitrary: fc.constant('restart' as const) });
    const run = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      rmSync(join(directory, 'state'), { recursive: true, force: true });
      const taken = new Map<number, number>();
      let gateway = await start();
      for (const one of steps) {
        if (one === 'restart') {
          await gateway.settle();
          gateway = await start();
        } else if (gateway.take(undated(`${one}`)) === undefined) taken.set(one, (taken.get(one) ?? 0) + 1);
      }
      assert.ok([...taken.values()].every((times) => times === 1));
      assert.deepEqual(new Set(taken.keys()), new Set(steps.filter((one) => one !== 'restart')));
      await gateway.settle();
    });
    await fc.assert(run, { numRuns: 40 });
  });
});
