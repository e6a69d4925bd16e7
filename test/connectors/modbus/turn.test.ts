import assert from 'node:assert/strict';
import { Turn } from '../../../connectors/modbus/turn.ts';
import { settle } from '../../support/hand-clock.ts';

const never = new AbortController().signal;

describe('the turn on a line', () => {
  it('lets commands go before polls that wait already, and each in order of coming', async () => {
    const turn = new Turn();
    const order: string[] = [];
    const first = await turn.take(false, never);
    const use = async (name: string, isCommand: boolean) => {
      const giveBack = await turn.take(isCommand, never);
      order.push(name);
      giveBack();
    };
    const all = [use('poll 1', false), use('command 1', true), use('poll 2', false), use('command 2', true)];
    first();
    await Promise.all(all);
    assert.deepEqual(order, ['command 1', 'command 2', 'poll 1', 'poll 2']);
  });

  it('lets one at a time through', async () => {
    const turn = new Turn();
    let inside = 0;
    let most = 0;
    const use = async () => {
      const giveBack = await turn.take(false, never);
      inside += 1;
      most = Math.max(most, inside);
      await settle();
      inside -= 1;
      giveBack();
    };
    await Promise.all([use(), use(), use()]);
    assert.equal(most, 1);
  });

  it('lets somebody who waits leave', async () => {
    const turn = new Turn();
    const giveBack = await turn.take(false, never);
    const leaving = new AbortController();
    const waiting = turn.take(false, leaving.signal);
    const last = turn.take(false, never);
    leaving.abort(new Error('left'));
    await assert.rejects(waiting, { message: 'left' });
    giveBack();
    (await last)();
  });
});
