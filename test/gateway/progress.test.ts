import assert from 'node:assert/strict';
import { progressOf } from '../../src/gateway/progress.ts';
import type { GatewayStatus, HubStatus } from '../../src/model/status.ts';
import { spoolStatus } from '../support/spool-status.ts';

function statusWith(hub: Partial<HubStatus>): GatewayStatus {
  const spool = spoolStatus(0, 1, {});
  const cloud: HubStatus = {
    name: 'cloud',
    dialect: 'mqtt',
    endpoint: 'mqtt://127.0.0.1',
    link: { state: 'up', sinceMs: 1_000 },
    waitingMessages: 5,
    inFlight: 0,
    window: 1,
    counters: { acknowledged_messages: 1, rejected_messages: 0, resent_messages: 0, throttled_messages: 0 },
    ...hub,
  };
  return {
    gateway: 'a',
    version: '0',
    startedTimeMs: 0,
    nowMs: 0,
    clock: { state: 'known', steps: 0 },
    connections: [],
    hubs: [cloud],
    spool,
  };
}

const forwarder = (hub: Partial<HubStatus>) => progressOf(statusWith(hub))['forwarder cloud'];

describe('the progress of a forwarder', () => {
  const before = forwarder({});

  it('stands still when nothing happens though messages wait', () => {
    assert.deepEqual(forwarder({}), before);
    assert.equal(before?.isIdle, false);
  });

  it('goes on while the hub only throttles', () => {
    const counters = { acknowledged_messages: 1, rejected_messages: 0, resent_messages: 0, throttled_messages: 1 };
    assert.notEqual(forwarder({ counters })?.mark, before?.mark);
  });

  it('goes on while the connection breaks again and again', () => {
    assert.notEqual(forwarder({ link: { state: 'up', sinceMs: 2_000 } })?.mark, before?.mark);
  });

  it('has nothing to do while all that waits is held back', () => {
    assert.equal(forwarder({ heldBack: 1 })?.isIdle, true);
    assert.equal(forwarder({ heldBack: 1, inFlight: 1 })?.isIdle, false);
  });

  it('does not go on because of commands', () => {
    const counters = { acknowledged_messages: 1, rejected_messages: 0, resent_messages: 0, throttled_messages: 0, commands: 9 };
    assert.equal(forwarder({ counters })?.mark, before?.mark);
  });
});
