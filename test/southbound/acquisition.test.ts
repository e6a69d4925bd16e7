import assert from 'node:assert/strict';
import { Subject } from 'rxjs';
import type { DeviceEvent } from '../../src/model/device-event.ts';
import type { DeviceGap } from '../../src/model/device-gap.ts';
import { GatewayError } from '../../src/model/error.ts';
import type { ConnectionPlan, DevicePlan } from '../../src/model/plan.ts';
import type { Point } from '../../src/model/point.ts';
import type { Batch } from '../../src/model/reading.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { acquire } from '../../src/southbound/acquisition.ts';
import type { Connector, ConnectorSession } from '../../src/southbound/connector.ts';
import { HandClock, settle } from '../support/hand-clock.ts';

function point(device: string, name: string): Point {
  return { id: `${device}/${name}`, device, name, address: {}, access: 'read', kind: 'telemetry', intervalMs: 1_000 };
}

function device(twin: string, names: readonly string[]): DevicePlan {
  const hubs = { telemetry: ['cloud'], property: [], event: [], gap: ['cloud'], status: [] };
  const points = names.map((name) => ({ point: point(twin, name), keys: {} }));
  return { twin, labels: {}, connection: 'line', settings: {}, points, hubs, message: { maxBytes: 100_000, maxAgeMs: 5_000 } };
}

const plan: ConnectionPlan = {
  name: 'line',
  protocol: 'test',
  endpoint: 'test://line',
  settings: {},
  devices: [device('meter-1', ['power']), device('meter-2', ['power', 'energy'])],
};

/** Plays back what a test scripts: a line that can be cut. */
class RecordedConnector implements Connector {
  readonly name = 'line';
  refuse: GatewayError | undefined;
  batches = new Subject<Batch>();
  events = new Subject<DeviceEvent>();
  lose: (error: GatewayError) => void = () => {};
  missed?: NonNullable<Connector['missed']>;
  close = async () => {};

  async open(): Promise<ConnectorSession> {
    if (this.refuse !== undefined) throw this.refuse;
    const lost = new Promise<GatewayError>((resolve) => {
      this.lose = resolve;
    });
    this.batches = new Subject<Batch>();
    this.events = new Subject<DeviceEvent>();
    const { batches, events } = this;
    return { lost, close: () => this.close(), batches, events, read: async () => [], write: async () => [] };
  }

  status() {
    return { counters: {}, devices: {} };
  }
}

function start(connector: RecordedConnector) {
  const clock = new HandClock();
  const stop = new AbortController();
  const batches: Batch[] = [];
  const events: DeviceEvent[] = [];
  const gaps: DeviceGap[] = [];
  const acquisition = acquire(connector, {
    plan,
    clock,
    log: silentLog,
    signal: stop.signal,
    onBatch: (batch) => batches.push(batch),
    onEvent: (event) => events.push(event),
    onGap: (gap) => gaps.push(gap),
  });
  return { clock, stop, batches, events, gaps, acquisition };
}

const cut = () => new GatewayError('LINK_CLOSED', 'line', 'cut');

function statuses(batches: readonly Batch[]): readonly string[] {
  return batches.flatMap(({ readings }) => readings.map((reading) => `${reading.point.id} ${reading.status ?? 'Good'}`));
}

describe('acquisition', () => {
  it('hands on what a device sends', async () => {
    const connector = new RecordedConnector();
    const { batches, stop, acquisition } = start(connector);
    await settle();
    const batch: Batch = {
      device: 'meter-1',
      readings: [{ point: point('meter-1', 'power'), value: 3, quality: 'good', sourceTimeMs: 1 }],
    };
    connector.batches.next(batch);
    assert.deepEqual(batches, [batch]);
    stop.abort();
    await acquisition.done;
  });

  it('hands on the events of each session, and of none that is lost', async () => {
    const connector = new RecordedConnector();
    const { clock, events, stop, acquisition } = start(connector);
    await settle();
    const event = (name: string): DeviceEvent => ({ device: 'meter-1', name, sourceTimeMs: 1, body: {} });
    const first = connector.events;
    first.next(event('first'));
    connector.lose(cut());
    await clock.advance(120_000);
    first.next(event('late'));
    connector.events.next(event('second'));
    assert.deepEqual(
      events.map(({ name }) => name),
      ['first', 'second'],
    );
    stop.abort();
    await acquisition.done;
  });

  it('tells every point of every device bad, once, when the connection is lost', async () => {
    const connector = new RecordedConnector();
    const { clock, batches, stop, acquisition } = start(connector);
    await settle();
    connector.refuse = cut();
    connector.lose(cut());
    await clock.advance(120_000);
    assert.deepEqual(statuses(batches), [
      'meter-1/power BadNoCommunication',
      'meter-2/power BadNoCommunication',
      'meter-2/energy BadNoCommunication',
    ]);
    assert.equal(acquisition.session, undefined);
    stop.abort();
    await acquisition.done;
  });

  it('tells points bad when the device was never there, and again after it came and went', async () => {
    const connector = new RecordedConnector();
    connector.refuse = cut();
    const { clock, batches, stop, acquisition } = start(connector);
    await settle();
    assert.equal(batches.length, 2);
    connector.refuse = undefined;
    await clock.advance(60_000);
    connector.lose(cut());
    await settle();
    assert.equal(batches.length, 4);
    stop.abort();
    await acquisition.done;
  });

  const outline = (gaps: readonly DeviceGap[], startMs: number) =>
    gaps.map(({ device, reason, points, fromTimeMs, toTimeMs }) =>
      [device, reason, points.map(({ name }) => name).join(), fromTimeMs - startMs, toTimeMs - startMs].join(' '),
    );

  it('declares every device of a connection that is away, each once, when it is measured again', async () => {
    const connector = new RecordedConnector();
    const { clock, gaps, stop, acquisition } = start(connector);
    const startMs = clock.nowMs();
    await clock.advance(5_000);
    connector.refuse = cut();
    connector.lose(cut());
    await clock.advance(60_000);
    connector.refuse = undefined;
    await clock.advance(60_000);
    assert.deepEqual(gaps, [], 'nobody knows yet when it ends');
    const backMs = clock.nowMs();
    for (const { twin, points } of plan.devices) {
      const readings = points.map(({ point }) => ({ point, value: 3, quality: 'good' as const, sourceTimeMs: backMs }));
      connector.batches.next({ device: twin, readings });
    }
    assert.deepEqual(outline(gaps, startMs), [
      'meter-1 device-away power 5000 125000',
      'meter-2 device-away power,energy 5000 125000',
    ]);
    stop.abort();
    await acquisition.done;
    assert.equal(gaps.length, 2);
  });

  it('declares a connection that could never be opened, every hour and at a stop, without a hole between', async () => {
    const connector = new RecordedConnector();
    connector.refuse = cut();
    const { clock, gaps, stop, acquisition } = start(connector);
    const startMs = clock.nowMs();
    await clock.advance(2.5 * 3_600_000);
    stop.abort();
    await acquisition.done;
    const ofOne = outline(gaps, startMs).filter((text) => text.startsWith('meter-1'));
    assert.deepEqual(ofOne, [
      'meter-1 device-away power 0 3600000',
      'meter-1 device-away power 3600000 7200000',
      'meter-1 device-away power 7200000 9000000',
    ]);
  });

  it('declares nothing where a connection is opened at once, and stopped', async () => {
    const { clock, gaps, stop, acquisition } = start(new RecordedConnector());
    await clock.advance(10_000_000);
    stop.abort();
    await acquisition.done;
    assert.deepEqual(gaps, []);
  });

  it('declares what a stop cut off, up to the stop and no further', async () => {
    const connector = new RecordedConnector();
    const { clock, gaps, stop, acquisition } = start(connector);
    const startMs = clock.nowMs();
    connector.missed = (untilMs) => {
      const toTimeMs = clock.nowMs() - clock.monotonicMs() + untilMs;
      return [{ device: 'meter-1', reason: 'device-away', points: [], fromTimeMs: toTimeMs - 20, toTimeMs, readings: 1 }];
    };
    await clock.advance(5_000);
    connector.close = () => clock.sleep(3_000);
    stop.abort();
    await clock.advance(3_000);
    await acquisition.done;
    assert.deepEqual(outline(gaps, startMs), ['meter-1 gateway-off  4980 5000']);
  });

  it('says that trust is missing where that is the cause', async () => {
    const connector = new RecordedConnector();
    connector.refuse = new GatewayError('LINK_UNTRUSTED', 'line', 'unknown certificate');
    const { batches, stop, acquisition } = start(connector);
    await settle();
    assert.equal(batches[0]?.readings[0]?.status, 'BadSecurityChecksFailed');
    stop.abort();
    await acquisition.done;
  });

  it('offers the session while the link is up', async () => {
    const { stop, acquisition } = start(new RecordedConnector());
    await settle();
    assert.notEqual(acquisition.session, undefined);
    assert.equal(acquisition.link.state, 'up');
    stop.abort();
    await acquisition.done;
    assert.equal(acquisition.link.state, 'stopped');
  });
});
