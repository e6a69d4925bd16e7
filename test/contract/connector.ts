import assert from 'node:assert/strict';
import type { Subscription } from 'rxjs';
import type { DeviceEvent } from '../../src/model/device-event.ts';
import type { DeviceGap } from '../../src/model/device-gap.ts';
import { GatewayError } from '../../src/model/error.ts';
import type { ConnectionPlan } from '../../src/model/plan.ts';
import type { Point } from '../../src/model/point.ts';
import type { Batch, Reading } from '../../src/model/reading.ts';
import type { Compound, Value } from '../../src/model/value.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { acquire } from '../../src/southbound/acquisition.ts';
import type {
  Connector,
  ConnectorContext,
  ConnectorSession,
  CreateConnector,
  MethodCall,
} from '../../src/southbound/connector.ts';

/** One connection to a device with known points, as the suite needs it; made anew for each test, and disposed of after it. */
export interface ConnectorFixture {
  readonly plan: ConnectionPlan;
  readonly create: CreateConnector;
  /** Directory for the connector's state, where it needs one. */
  readonly stateDirectory?: string;
  /** Values the device has at the start, by point; at least two, polled or published at most every 200 ms. */
  readonly known: readonly (readonly [point: Point, value: Value])[];
  /** A point that may be written, and a value it does not have. */
  readonly writable: { readonly point: Point; readonly value: Value };
  /** A writable point that holds an array or a structure, and a value it does not have. `undefined` where the protocol has none. */
  readonly compound?: { readonly point: Point; readonly value: Compound };
  /** Makes the device tell an event, which the plan lists under `name`. `undefined` where the protocol has none. */
  readonly event?: { readonly name: string; provoke(): void | Promise<void> };
  /** A method of the plan, and what it gives back. `undefined` where the protocol has none. */
  readonly method?: { readonly call: MethodCall; readonly outputs: Readonly<Record<string, Value | null>> };
  /** A call that the device refuses. */
  readonly refusedCall?: MethodCall;
  /** A point that the device does not have. */
  readonly missing: Point;
  /** Changes `known[0]` at the device, past the connector. `undefined` where nobody can, e.g. on foreign hardware. */
  readonly change?: (value: Value) => void | Promise<void>;
  /** The value that `change` is given. */
  readonly changed?: Value;
  /** Takes the device or its connection away, so that an open session is lost; and brings it back. */
  readonly takeAway?: () => void | Promise<void>;
  readonly bringBack?: () => void | Promise<void>;
  dispose(): void | Promise<void>;
}

/** Longest wait for anything; conditions are met much sooner. */
const PATIENCE_MS = 15_000;
const never = new AbortController().signal;

/** What not every protocol or every device can do; the fixture then has the member of that name. */
export type Ability = 'change' | 'takeAway' | 'compound' | 'event' | 'method' | 'refusedCall';

/** What every connector does, whatever it speaks, and what it can do beside. Called inside a `describe`, or at the top of a test file. */
export function describeConnector(
  name: string,
  makeFixture: () => Promise<ConnectorFixture>,
  abilities: readonly Ability[] = [],
): void {
  const itWith = (ability: Ability, title: string, test: () => Promise<void>): void => {
    if (abilities.includes(ability)) it(title, test);
  };
  describe(`${name}: the contract of connectors`, function () {
    this.timeout(4 * PATIENCE_MS);
    let fixture: ConnectorFixture;
    let connector: Connector;
    const sessions: ConnectorSession[] = [];

    beforeEach(async () => {
      fixture = await makeFixture();
      connector = fixture.create(fixture.plan, contextOf(fixture));
    });
    afterEach(async () => {
      await Promise.all(sessions.splice(0).map((session) => session.close()));
      await fixture?.dispose();
    });

    const open = async (): Promise<ConnectorSession> => {
      const session = await connector.open(AbortSignal.timeout(PATIENCE_MS));
      sessions.push(session);
      return session;
    };

    it('opens nothing before it is asked to', () => {
      assert.equal(connector.name, fixture.plan.name);
      assert.deepEqual(
        Object.keys(connector.status().devices),
        fixture.plan.devices.map(({ twin }) => twin),
      );
    });

    it('sends the known values, each reading of the batch with the time of its sampling', async () => {
      const recorded = record(await open());
      for (const [point, value] of fixture.known) {
        const reading = await recorded.wait((candidate) => candidate.point.id === point.id && candidate.quality === 'good');
        assert.deepEqual(reading.value, value);
        assert.ok(Math.abs(reading.sourceTimeMs - Date.now()) < 60_000, `stamped ${reading.sourceTimeMs}`);
      }
      assert.ok(recorded.batches.every(({ device, readings }) => readings.every(({ point }) => point.device === device)));
      assert.ok(recorded.batches.every(({ readings }) => readings.length > 0));
    });

    itWith('change', 'sends a changed value', async () => {
      const { change, changed, known } = fixture;
      assert.ok(change !== undefined && changed !== undefined);
      const recorded = record(await open());
      await recorded.wait(({ point, quality }) => point.id === known[0]?.[0].id && quality === 'good');
      await change(changed);
      await recorded.wait(({ point, value }) => point.id === known[0]?.[0].id && value === changed);
    });

    it('tells a point that the device does not have as bad, with its status, and the others as good', async () => {
      const recorded = record(await open());
      const reading = await recorded.wait(({ point }) => point.id === fixture.missing.id);
      assert.equal(reading.quality, 'bad');
      assert.match(reading.status ?? '', /^Bad[A-Z]/);
      await recorded.wait(({ point, quality }) => point.id === fixture.known[0]?.[0].id && quality === 'good');
    });

    it('reads points now, in the order asked, with what came over the wire', async () => {
      const session = await open();
      const asked = [...fixture.known.map(([point]) => point), fixture.missing].reverse();
      const readings = await session.read(asked, never);
      assert.deepEqual(
        readings.map(({ point }) => point.id),
        asked.map(({ id }) => id),
      );
      for (const [point, value] of fixture.known) {
        const reading = readings.find((candidate) => candidate.point.id === point.id);
        assert.deepEqual([reading?.value, reading?.quality], [value, 'good']);
        assert.notEqual(reading?.raw, '');
      }
      assert.equal(readings[0]?.quality, 'bad');
    });

    it('writes a value that can then be read back', async () => {
      const session = await open();
      const { point, value } = fixture.writable;
      assert.deepEqual(await session.write([{ point, value }], never), [{ written: true }]);
      const [reading] = await session.read([point], never);
      assert.deepEqual(reading?.value, value);
    });

    it('gives one result for each write, and says which the device did not take', async () => {
      const session = await open();
      const { point, value } = fixture.writable;
      const [refused, written] = await session.write(
        [
          { point: fixture.missing, value: 1 },
          { point, value },
        ],
        never,
      );
      assert.equal(refused?.written, false);
      assert.ok(refused?.written === false && refused.error instanceof GatewayError);
      assert.deepEqual(written, { written: true });
    });

    itWith('compound', 'writes an array or a structure that can then be read back whole', async () => {
      assert.ok(fixture.compound !== undefined);
      const session = await open();
      const { point, value } = fixture.compound;
      assert.deepEqual(await session.write([{ point, value }], never), [{ written: true }]);
      const [reading] = await session.read([point], never);
      assert.deepEqual([reading?.value, reading?.quality], [value, 'good']);
    });

    it('does not write an array or a structure to a point that holds one value', async () => {
      const session = await open();
      const { point, value } = fixture.writable;
      const results = await session.write(
        [[value, value], { value }].map((wrong) => ({ point, value: wrong })),
        never,
      );
      for (const result of results) assert.ok(!result.written && result.error.code === 'VALUE_TYPE', JSON.stringify(result));
      assert.equal(results.length, 2);
    });

    itWith('event', 'tells an event of the device, with the name of the mapping and the time of the device', async () => {
      const { event } = fixture;
      assert.ok(event !== undefined);
      const session = await open();
      const told = new Promise<DeviceEvent>((resolve) => session.events?.subscribe(resolve));
      record(session);
      // What happens before the device was asked to tell is not told.
      const again = setInterval(() => void event.provoke(), 300);
      const { device, name, sourceTimeMs, body } = await within(told, 'the event').finally(() => clearInterval(again));
      assert.ok(fixture.plan.devices.some(({ twin }) => twin === device));
      assert.equal(name, event.name);
      assert.ok(Math.abs(sourceTimeMs - Date.now()) < 60_000, `stamped ${sourceTimeMs}`);
      assert.deepEqual(JSON.parse(JSON.stringify(body)), body, 'plain JSON');
    });

    itWith('method', 'calls a method once and gives back its outputs', async () => {
      assert.ok(fixture.method !== undefined);
      const { call, outputs } = fixture.method;
      const session = await open();
      assert.deepEqual(await session.call?.(call, never), { called: true, outputs });
    });

    itWith('refusedCall', 'says why the device refused a call', async () => {
      assert.ok(fixture.refusedCall !== undefined);
      const session = await open();
      const result = await session.call?.(fixture.refusedCall, never);
      assert.ok(result?.called === false && result.error instanceof GatewayError, JSON.stringify(result));
    });

    it('shows its devices as up while they answer, and counts what it does', async () => {
      const recorded = record(await open());
      await recorded.wait(({ quality }) => quality === 'good');
      const { devices, counters } = connector.status();
      assert.ok(
        Object.values(devices).every(({ state }) => state === 'up'),
        JSON.stringify(devices),
      );
      assert.ok(
        Object.keys(counters).every((counter) => /^[a-z][a-z_]*s$/.test(counter)),
        Object.keys(counters).join(),
      );
    });

    it('starts sending when subscribed, completes when closed, and is not lost by that', async () => {
      const session = await open();
      const completed = new Promise<void>((resolve) => session.batches.subscribe({ complete: resolve }));
      await session.close();
      await session.close();
      await completed;
      assert.equal(await Promise.race([session.lost, Promise.resolve('pending')]), 'pending');
    });

    it('gives up opening at once when told to, and leaves nothing open', async () => {
      const reason = new GatewayError('LINK_CLOSED', 'test', 'stopped');
      await assert.rejects(
        connector.open(AbortSignal.abort(reason)),
        (error) => error === reason || error instanceof GatewayError,
      );
    });

    itWith('takeAway', 'tells once that the device is gone, and is opened again when it is back', async () => {
      const { takeAway, bringBack } = fixture;
      assert.ok(takeAway !== undefined && bringBack !== undefined);
      const session = await open();
      await record(session).wait(({ quality }) => quality === 'good');
      await takeAway();
      const error = await within(session.lost, 'the loss');
      assert.equal(error.rule.kind, 'link', error.code);
      await assert.rejects(session.read([fixture.writable.point], never));
      await session.close();
      await assert.rejects(open(), (refusal) => refusal instanceof GatewayError && refusal.rule.kind === 'link');
      await bringBack();
      const recorded = record(await openPatiently(open));
      await recorded.wait(({ quality }) => quality === 'good');
    });

    it('that takes the place of another declares what is due until its first session', async () => {
      const plan = pollingEvery(POLL_MS, fixture.plan, fixture.missing);
      const successor = fixture.create(plan, contextOf(fixture));
      const beganMs = Date.now();
      successor.begin?.();
      await systemClock.sleep(5 * POLL_MS);
      const session = await successor.open(never);
      const due = (Date.now() - beganMs) / POLL_MS;
      sessions.push(session);
      const gaps: DeviceGap[] = [];
      session.gaps?.subscribe((gap) => gaps.push(gap));
      const recorded = record(session);
      for (const [point] of fixture.known)
        await recorded.wait((reading) => reading.point.id === point.id && reading.quality === 'good');
      for (const { twin, points } of plan.devices) {
        const away = gaps.filter(({ device, reason }) => device === twin && reason === 'device-away');
        assert.ok(
          away.some(({ fromTimeMs }) => fromTimeMs - beganMs < 2 * POLL_MS),
          JSON.stringify(gaps),
        );
        const declared = away.reduce((sum, { readings }) => sum + readings, 0);
        const polled = points.filter(({ point }) => point.address !== undefined && point.access !== 'write').length;
        if (declared > 0) assert.ok(Math.abs(declared / polled - due) <= 2, `${declared / polled} of ${due}`);
      }
    });

    itWith('takeAway', 'declares one gap for each device that was away, and counts the polls that are missing', async () => {
      const { takeAway, bringBack, missing } = fixture;
      assert.ok(takeAway !== undefined && bringBack !== undefined);
      const plan = pollingEvery(POLL_MS, fixture.plan, missing);
      const good: Arrival[] = [];
      const gaps: DeviceGap[] = [];
      const stop = new AbortController();
      const { done } = acquire(fixture.create(plan, contextOf(fixture)), {
        ...{ plan, clock: systemClock, log: silentLog, signal: stop.signal, onGap: (gap) => gaps.push(gap) },
        onBatch: ({ readings }) => good.push(...arrivalsOf(readings)),
        backOff: { firstMs: 100, maxMs: 300, resetAfterMs: 60_000 },
      });
      const measured = async (since: number) => {
        await until(() => good.length > since, 'values');
        await systemClock.sleep(5 * POLL_MS);
      };
      await measured(0);
      await takeAway();
      await systemClock.sleep(8 * POLL_MS);
      const before = good.length;
      await bringBack();
      await measured(before);
      const awayOf = () => gaps.filter(({ reason, isOfEvents }) => reason === 'device-away' && isOfEvents !== true);
      await until(() => awayOf().length > 0, 'a gap');
      const away = awayOf();
      assert.equal(away.length, plan.devices.length, JSON.stringify(gaps.map(({ reason, readings }) => [reason, readings])));
      for (const { device, fromTimeMs, toTimeMs } of away) {
        // The device is last heard when a message comes; its readings are handed on a moment later.
        const sinceMs = fromTimeMs + POLL_MS / 4;
        const inside = good.filter(({ point, atMs }) => point.device === device && atMs > sinceMs && atMs < toTimeMs);
        assert.deepEqual(inside, [], `measured between ${fromTimeMs} and ${toTimeMs}`);
        assert.ok(toTimeMs - fromTimeMs >= 6 * POLL_MS, `${toTimeMs - fromTimeMs} ms`);
      }
      stop.abort();
      await done;
      const counted = gaps.filter(({ readings }) => readings > 0);
      const declared = counted.reduce((sum, { readings }) => sum + readings, 0);
      // What is missing is reckoned from arrivals: the first or the last may be late by more than half an interval.
      const late = new Set(good.map(({ point }) => point.id)).size;
      if (counted.length > 0)
        assert.ok(
          Math.abs(declared - pollsMissing(good)) <= late,
          JSON.stringify([pollsMissing(good), gaps.map(({ reason, readings }) => [reason, readings])]),
        );
    });
  });
}

const POLL_MS = 200;

/** Without the point that the device does not have. */
function pollingEvery(intervalMs: number, plan: ConnectionPlan, { id }: Point): ConnectionPlan {
  const devices = plan.devices.map((device) => {
    const points = device.points.filter(({ point }) => point.id !== id);
    return { ...device, points: points.map((one) => ({ ...one, point: { ...one.point, intervalMs } })) };
  });
  return { ...plan, devices };
}

/** A good reading, and when it came: what it says of its time is the device's. */
interface Arrival {
  readonly point: Point;
  readonly atMs: number;
}

function arrivalsOf(readings: readonly Reading[]): readonly Arrival[] {
  return readings.filter(({ quality }) => quality === 'good').map(({ point }) => ({ point, atMs: Date.now() }));
}

/** Readings that are missing between others, where one comes every interval. */
function pollsMissing(arrivals: readonly Arrival[]): number {
  const missing = [...Map.groupBy(arrivals, ({ point }) => point.id).values()].map((own) => {
    const due = Math.round(((own.at(-1)?.atMs ?? 0) - (own[0]?.atMs ?? 0)) / POLL_MS) + 1;
    return due - own.length;
  });
  return missing.reduce((sum, count) => sum + count, 0);
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const untilMs = Date.now() + PATIENCE_MS;
  while (!holds()) {
    assert.ok(Date.now() < untilMs, `${what} did not come within ${PATIENCE_MS} ms`);
    await systemClock.sleep(20);
  }
}

function contextOf({ stateDirectory = '' }: ConnectorFixture): ConnectorContext {
  return { log: silentLog, clock: systemClock, gatewayId: 'test-gateway', stateDirectory };
}

/** A server that was just started may still refuse. */
async function openPatiently(open: () => Promise<ConnectorSession>): Promise<ConnectorSession> {
  const untilMs = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (Date.now() > untilMs) throw error;
      await systemClock.sleep(100);
    }
  }
}

interface Recorded {
  readonly batches: readonly Batch[];
  /** The first reading, past or to come, that fits. */
  wait(fits: (reading: Reading) => boolean): Promise<Reading>;
  readonly subscription: Subscription;
}

export function record(session: ConnectorSession): Recorded {
  const batches: Batch[] = [];
  let wake: () => void = () => {};
  const subscription = session.batches.subscribe((batch) => {
    batches.push(batch);
    wake();
  });
  const wait = async (fits: (reading: Reading) => boolean): Promise<Reading> => {
    for (;;) {
      const found = batches.flatMap(({ readings }) => readings).find(fits);
      if (found !== undefined) return found;
      await within(
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
        'a reading that fits',
      );
    }
  };
  return { batches, wait, subscription };
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const done = new AbortController();
  const late = systemClock
    .sleep(PATIENCE_MS, done.signal)
    .then(() => assert.fail(`${what} did not come within ${PATIENCE_MS} ms`));
  try {
    return await Promise.race([promise, late]);
  } finally {
    done.abort();
    late.catch(() => {});
  }
}
