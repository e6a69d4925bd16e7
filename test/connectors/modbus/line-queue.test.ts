import assert from 'node:assert/strict';
import { type Claim, LineQueue } from '../../../connectors/modbus/wire/line-queue.ts';
import { HandClock, settle } from '../../support/hand-clock.ts';

const never = new AbortController().signal;

function start(capacity = 1) {
  const clock = new HandClock(0);
  const queue = new LineQueue(capacity, clock);
  const order: string[] = [];
  /** Takes the line for so long, and notes that it had it. */
  const use = async (name: string, claim: Claim, forMs = 0) => {
    const giveBack = await queue.take(claim, never);
    order.push(name);
    if (forMs > 0) await clock.sleep(forMs);
    giveBack();
  };
  return { clock, queue, order, use };
}

describe('the queue for a line', () => {
  it('lets commands go before polls that wait already, in order of coming', async () => {
    const { queue, order, use } = start();
    const first = await queue.take({ unit: 1, deadlineMs: 5 }, never);
    const all = [
      use('poll', { unit: 1, deadlineMs: 0 }),
      use('command 1', { unit: 1 }),
      use('other poll', { unit: 2, deadlineMs: 1 }),
      use('command 2', { unit: 2 }),
    ];
    first();
    await Promise.all(all);
    assert.deepEqual(order.slice(0, 2), ['command 1', 'command 2']);
  });

  it('lets the poll go first that is due first', async () => {
    const { queue, order, use } = start();
    const first = await queue.take({ unit: 1 }, never);
    const all = [50, 10, 40, 20].map((deadlineMs) => use(String(deadlineMs), { unit: deadlineMs, deadlineMs }));
    first();
    await Promise.all(all);
    assert.deepEqual(order, ['10', '20', '40', '50']);
  });

  it('shares the time of a line that is asked too much: twenty requests of one unit do not keep others from theirs', async () => {
    const { clock, queue, order, use } = start();
    const first = await queue.take({ unit: 9 }, never);
    const many = Array.from({ length: 20 }, () => use('many', { unit: 1, deadlineMs: 1 }, 10));
    await clock.advance(100);
    const few = [use('few', { unit: 2, deadlineMs: 90 }, 10), use('few', { unit: 2, deadlineMs: 91 }, 10)];
    first();
    await clock.advance(1_000);
    await Promise.all([...many, ...few]);
    assert.ok(order.indexOf('few') <= 1 && order.lastIndexOf('few') <= 3, order.join(' '));
  });

  it('gives a slow unit the same time as the others, not the same number of requests', async () => {
    const { clock, order, use } = start();
    const stop = clock.monotonicMs() + 10_000;
    const poll = async (unit: number, forMs: number) => {
      while (clock.monotonicMs() < stop) await use(`unit ${unit}`, { unit, deadlineMs: -1 }, forMs);
    };
    const all = [poll(1, 10), poll(2, 10), poll(3, 200)];
    await clock.advance(10_500);
    await Promise.all(all);
    const share = (unit: number) => order.filter((name) => name === `unit ${unit}`).length;
    assert.ok(share(3) >= 12 && share(3) <= 20, `${share(3)} requests of 200 ms`);
    assert.ok(Math.abs(share(1) - share(2)) <= 2 && share(1) > 300, `${share(1)} and ${share(2)} requests of 10 ms`);
  });

  it('owes nothing to a unit that had nothing to ask for long', async () => {
    const { clock, order, use } = start();
    for (let poll = 0; poll < 50; poll += 1) {
      const done = use('busy', { unit: 1, deadlineMs: -1 }, 10);
      await clock.advance(10);
      await done;
    }
    order.length = 0;
    const stop = clock.monotonicMs() + 200;
    const poll = async (name: string, unit: number) => {
      while (clock.monotonicMs() < stop) await use(name, { unit, deadlineMs: -1 }, 10);
    };
    const all = [poll('busy', 1), poll('late comer', 2), poll('late comer', 2)];
    await clock.advance(300);
    await Promise.all(all);
    assert.ok(order.filter((name) => name === 'busy').length >= 8, order.join(' '));
  });

  for (const capacity of [1, 3]) {
    it(`lets ${capacity} at a time through`, async () => {
      const { queue } = start(capacity);
      let inside = 0;
      let most = 0;
      const use = async () => {
        const giveBack = await queue.take({ unit: 1, deadlineMs: 1 }, never);
        inside += 1;
        most = Math.max(most, inside);
        await settle();
        inside -= 1;
        giveBack();
      };
      await Promise.all(Array.from({ length: 7 }, use));
      assert.equal(most, capacity);
    });
  }

  it('makes one command of a unit at a time, however many the line could take', async () => {
    const { queue } = start(4);
    const giveBack = await queue.take({ unit: 1 }, never);
    let isThrough = false;
    const second = Promise.resolve(queue.take({ unit: 1 }, never)).then(() => {
      isThrough = true;
    });
    (await queue.take({ unit: 2 }, never))();
    (await queue.take({ unit: 1, deadlineMs: 0 }, never))();
    await settle();
    assert.equal(isThrough, false);
    giveBack();
    await second;
  });

  it('lets somebody who waits leave', async () => {
    const { queue } = start();
    const giveBack = await queue.take({ unit: 1 }, never);
    const leaving = new AbortController();
    const waiting = Promise.resolve(queue.take({ unit: 1, deadlineMs: 0 }, leaving.signal));
    const last = queue.take({ unit: 1, deadlineMs: 1 }, never);
    leaving.abort(new Error('left'));
    await assert.rejects(waiting, { message: 'left' });
    giveBack();
    (await last)();
  });
});
