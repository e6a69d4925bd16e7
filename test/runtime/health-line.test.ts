import assert from 'node:assert/strict';
import type { GatewayStatus, LinkStatus } from '../../src/model/status.ts';
import { startHealthLine } from '../../src/runtime/health-line.ts';
import type { Log } from '../../src/runtime/log.ts';
import { HandClock } from '../support/hand-clock.ts';
import { spoolStatus } from '../support/spool-status.ts';

describe('the health line', () => {
  const clock = new HandClock();
  const stop = new AbortController();
  const lines: [string, Record<string, unknown>][] = [];
  const told: string[] = [];
  let readings = 1_000;
  let deviceState: 'up' | 'down' = 'up';
  let linkState: LinkStatus = { state: 'up', sinceMs: 0 };

  before(() => {
    const write = (event: string, fields: object = {}) => void lines.push([event, { ...fields }]);
    const log: Log = { debug: write, info: write, warn: write, error: write, with: () => log };
    const health = () => ({ isHealthy: true, reasons: [] });
    const status = () => statusOf(readings, deviceState, linkState);
    startHealthLine({ log, clock, status, health, tell: (text) => told.push(text), signal: stop.signal });
  });

  after(() => stop.abort());

  it('says nothing for a minute, then once what the minute brought', async () => {
    await clock.advance(59_000);
    assert.deepEqual(lines, []);
    readings += 250;
    await clock.advance(1_000);
    assert.deepEqual(lines, [
      [
        'health checked',
        {
          healthy: true,
          readings: 250,
          messages: 0,
          acknowledged: 0,
          devices_down: 'none',
          spool: 'ok',
          spool_messages: 7,
          hubs: 'cloud:waiting',
        },
      ],
    ]);
  });

  it('names the devices that are down, for `systemctl status` within ten seconds', async () => {
    assert.equal(told.at(-1), '1 of 1 devices up; cloud waiting, 7 messages to send');
    deviceState = 'down';
    await clock.advance(10_000);
    assert.equal(told.at(-1), '0 of 1 devices up (press-07 down); cloud waiting, 7 messages to send');
  });

  it('tells a device that stays silent on a connection that is up, once, with what to do, and that it is back', async () => {
    lines.length = 0;
    await clock.advance(40_000);
    deviceState = 'up';
    await clock.advance(10_000);
    const told = { device: 'press-07', connection: 'press' };
    const silence = { code: 'DEVICE_TIMEOUT', reason: 'no answer', action: 'check unit number and wiring' };
    assert.deepEqual(
      lines.filter(([event]) => event.startsWith('device')),
      [
        ['device lost', { ...told, ...silence }],
        ['device up', told],
      ],
    );
  });

  it('says nothing of a device that misses a poll, nor of one whose link is lost', async () => {
    lines.length = 0;
    for (const state of ['down', 'up', 'down', 'up'] as const) {
      deviceState = state;
      await clock.advance(10_000);
    }
    deviceState = 'down';
    linkState = { state: 'opening' };
    await clock.advance(60_000);
    assert.deepEqual(
      lines.filter(([event]) => event.startsWith('device')),
      [],
    );
  });

  it('ends with the gateway', async () => {
    stop.abort();
    lines.length = 0;
    await clock.advance(600_000);
    assert.deepEqual(lines, []);
  });
});

function statusOf(readings: number, state: 'up' | 'down', link: LinkStatus): GatewayStatus {
  const silence = {
    code: 'DEVICE_TIMEOUT' as const,
    subject: 'unit 1',
    message: 'no answer',
    action: 'check unit number and wiring',
  };
  const error = state === 'down' ? { error: silence } : {};
  return {
    gateway: 'gw-01',
    version: '0.1.0',
    startedTimeMs: 0,
    nowMs: 0,
    clock: { state: 'known', steps: 0 },
    connections: [
      {
        name: 'press',
        protocol: 'modbus-tcp',
        endpoint: '10.20.0.17:502',
        link,
        counters: {},
        devices: [{ twin: 'press-07', state, ...error, readings, messages: 3, points: [] }],
      },
    ],
    hubs: [
      {
        name: 'cloud',
        dialect: 'mqtt',
        endpoint: 'mqtts://broker.example:8883',
        link: { state: 'waiting' },
        waitingMessages: 7,
        inFlight: 0,
        window: 50,
        counters: { acknowledged_messages: 3 },
      },
    ],
    spool: spoolStatus(0, 1, {}),
  };
}
