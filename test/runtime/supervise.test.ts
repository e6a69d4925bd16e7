import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { GatewayError } from '../../src/model/error.ts';
import type { Link, LinkState, Session } from '../../src/runtime/link.ts';
import { supervise } from '../../src/runtime/supervise.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

class ScriptedLink implements Link<Session> {
  readonly name = 'line';
  opened = 0;
  closed = 0;
  lose: (error: GatewayError) => void = () => {};
  refuse: GatewayError | undefined;

  async open(): Promise<Session> {
    this.opened += 1;
    if (this.refuse !== undefined) throw this.refuse;
    const lost = new Promise<GatewayError>((resolve) => {
      this.lose = resolve;
    });
    const close = async () => {
      this.closed += 1;
    };
    return { lost, close };
  }
}

function start(link: ScriptedLink) {
  const clock = new HandClock();
  const stop = new AbortController();
  const states: LinkState[] = [];
  const sessions: Session[] = [];
  const done = supervise(link, {
    signal: stop.signal,
    onSession: (session) => sessions.push(session),
    onState: (state) => states.push(state),
    clock,
    random: () => 1,
  });
  return { clock, stop, states, sessions, done };
}

const refused = () => new GatewayError('LINK_REFUSED', 'line', 'refused');

describe('supervise', () => {
  it('leaves nothing behind on the stop signal, however many sessions are lost', async () => {
    const link = new ScriptedLink();
    const { clock, stop, done } = start(link);
    await settle();
    const before = getEventListeners(stop.signal, 'abort').length;
    for (let loss = 0; loss < 20; loss += 1) {
      link.lose(refused());
      await clock.advance(60_000);
    }
    assert.equal(link.opened, 21);
    assert.equal(getEventListeners(stop.signal, 'abort').length, before);
    stop.abort();
    await done;
  });

  it('tells the next attempt in whole milliseconds', async () => {
    const link = new ScriptedLink();
    link.refuse = refused();
    const stop = new AbortController();
    const waits: number[] = [];
    const done = supervise(link, {
      signal: stop.signal,
      onSession: () => {},
      onState: (state) => state.state === 'waiting' && waits.push(state.retryAtMs),
      clock: new HandClock(),
      random: () => 0.123_456_789,
    });
    await settle();
    stop.abort();
    await done;
    assert.deepEqual(
      waits.map((atMs) => Number.isInteger(atMs)),
      [true],
    );
  });

  it('opens, tells that the link is up, and closes once at the stop', async () => {
    const link = new ScriptedLink();
    const { stop, states, done } = start(link);
    await settle();
    stop.abort();
    await done;
    assert.deepEqual(
      states.map(({ state }) => state),
      ['opening', 'up', 'stopped'],
    );
    assert.deepEqual([link.opened, link.closed], [1, 1]);
  });

  it('closes a lost session before it opens the next', async () => {
    const link = new ScriptedLink();
    const { clock, stop, sessions, done } = start(link);
    await settle();
    link.lose(refused());
    await settle();
    assert.deepEqual([link.opened, link.closed], [1, 1]);
    await clock.advance(1_000);
    assert.deepEqual([link.opened, sessions.length], [2, 2]);
    stop.abort();
    await done;
  });

  it('waits longer after each failure, up to the bound', async () => {
    const link = new ScriptedLink();
    link.refuse = refused();
    const { clock, stop, states, done } = start(link);
    await clock.advance(1_000_000);
    stop.abort();
    await done;
    const waits = states.flatMap((state, index) => {
      const before = states[index - 1];
      return state.state === 'waiting' && before?.state === 'opening' ? [state.retryAtMs] : [];
    });
    const steps = waits.slice(1, 9).map((at, index) => Math.round((at - (waits[index] ?? 0)) / 1_000));
    assert.deepEqual(steps, [2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('does not start small again after a session that was kicked out at once', async () => {
    const link = new ScriptedLink();
    const { clock, stop, states, done } = start(link);
    for (const waitMs of [1_000, 2_000, 4_000]) {
      await settle();
      link.lose(refused());
      await settle();
      const state = states.at(-1);
      assert.equal(state?.state === 'waiting' ? state.retryAtMs - clock.nowMs() : undefined, waitMs);
      await clock.advance(waitMs);
    }
    stop.abort();
    await done;
  });

  it('starts small again after a session that lived', async () => {
    const link = new ScriptedLink();
    link.refuse = refused();
    const { clock, stop, states, done } = start(link);
    await clock.advance(10_000);
    link.refuse = undefined;
    await clock.advance(60_000);
    link.lose(refused());
    await settle();
    const state = states.at(-1);
    assert.equal(state?.state === 'waiting' ? state.retryAtMs - clock.nowMs() : undefined, 1_000);
    stop.abort();
    await done;
  });

  it('waits longest at once where only a person can help', async () => {
    const link = new ScriptedLink();
    link.refuse = new GatewayError('LINK_UNTRUSTED', 'line', 'unknown certificate');
    const { clock, stop, states, done } = start(link);
    await settle();
    const state = states.at(-1);
    assert.equal(state?.state === 'waiting' ? state.retryAtMs - clock.nowMs() : undefined, 60_000);
    stop.abort();
    await done;
  });

  it('waits half a minute at least where the device has no session left', async () => {
    const link = new ScriptedLink();
    link.refuse = new GatewayError('LINK_FULL', 'line', 'too many sessions');
    const { clock, stop, states, done } = start(link);
    await settle();
    const state = states.at(-1);
    assert.equal(state?.state === 'waiting' ? state.retryAtMs - clock.nowMs() : undefined, 30_000);
    stop.abort();
    await done;
  });

  it('ends the wait when it is stopped', async () => {
    const link = new ScriptedLink();
    link.refuse = refused();
    const { stop, done } = start(link);
    await settle();
    stop.abort();
    await done;
    assert.equal(link.opened, 1);
  });
});
