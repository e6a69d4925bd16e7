import { Observable, Subject } from 'rxjs';
import type { DeviceGap } from '../../src/model/device-gap.ts';
import { GatewayError, toGatewayError } from '../../src/model/error.ts';
import type { Point } from '../../src/model/point.ts';
import type { Batch } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import type { ConnectorSession, OneShot, Write, WriteResult } from '../../src/southbound/connector.ts';
import { wallTimeMs } from '../../src/southbound/poll-cycle.ts';
import { type PollGroup, runPollGroups } from '../../src/southbound/poll-groups.ts';
import { identityGroups, readIdentity } from './identity.ts';
import {
  isIdentificationPoint,
  isRegisterPoint,
  type ModbusDevicePlan,
  type ModbusPlan,
  type ModbusPlanPoint,
  type RegisterPoint,
} from './mapping/plan.ts';
import { type ReadCost, readCost } from './planning/read-cost.ts';
import { placePoint } from './planning/read-items.ts';
import { planReads, toBlock } from './planning/read-plan.ts';
import type { RefusedRanges } from './planning/refused-ranges.ts';
import { oneShots } from './polling/point-results.ts';
import { PollGroupReader } from './polling/poll-group-reader.ts';
import { type PolledGroup, toGap } from './polling/polled-groups.ts';
import { readBlocks } from './polling/read-blocks.ts';
import { writePoint } from './polling/write-point.ts';
import type { Count } from './protocol/counters.ts';
import { BROADCAST } from './protocol/request.ts';
import type { Port } from './wire/byte-port.ts';
import type { Ask, Line } from './wire/line.ts';
import type { Units } from './wire/units.ts';

export interface SessionOptions {
  readonly plan: ModbusPlan;
  readonly groups: readonly PolledGroup[];
  readonly port: Port;
  readonly line: Line;
  readonly units: Units;
  readonly refused: RefusedRanges;
  readonly clock: Clock;
  readonly count: Count;
  readonly log: Log;
}

/** Who a device is may wait longer than what it measures. */
const IDENTITY_WAIT_MS = 10_000;

/** An open connection: its devices are polled when somebody listens; reads and writes go between. */
export class ModbusSession implements ConnectorSession {
  readonly lost: Promise<GatewayError>;
  readonly batches: Observable<Batch>;
  readonly gaps: Observable<DeviceGap>;
  readonly #options: SessionOptions;
  readonly #devices: ReadonlyMap<string, ModbusDevicePlan>;
  readonly #batches = new Subject<Batch>();
  readonly #gaps = new Subject<DeviceGap>();
  readonly #stop = new AbortController();
  #isPolling = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#devices = new Map(options.plan.devices.map((device) => [device.twin, device]));
    this.lost = options.port.lost;
    void this.lost.then((error) => {
      options.units.lost(error);
      this.#stop.abort(error);
    });
    this.gaps = this.#gaps;
    this.batches = new Observable((subscriber) => {
      const subscription = this.#batches.subscribe(subscriber);
      this.#startPolling();
      return subscription;
    });
  }

  async close(): Promise<void> {
    this.#stop.abort(new GatewayError('LINK_CLOSED', this.#options.plan.name, 'the connection was closed by the gateway'));
    this.#batches.complete();
    this.#gaps.complete();
    await this.#options.port.close();
  }

  async read(points: readonly Point[], signal: AbortSignal): Promise<readonly OneShot[]> {
    const found = new Map<string, OneShot>();
    for (const device of this.#devices.values()) {
      const own = points.filter((point) => point.device === device.twin) as readonly ModbusPlanPoint[];
      for (const one of await this.#readNow(device, own, signal)) found.set(one.point.id, one);
      for (const one of await this.#identifyNow(device, own, signal)) found.set(one.point.id, one);
    }
    return points.map((point) => found.get(point.id) ?? unknownPoint(point, this.#options.clock.nowMs()));
  }

  async write(writes: readonly Write[], signal: AbortSignal): Promise<readonly WriteResult[]> {
    const results: WriteResult[] = [];
    for (const write of writes) results.push(await this.#writeNow(write, signal));
    return results;
  }

  async #readNow(device: ModbusDevicePlan, points: readonly ModbusPlanPoint[], signal: AbortSignal) {
    const settings = device.settings;
    const { clock, line, refused } = this.#options;
    const { blocks, unreadable } = planReads(
      points.filter(isRegisterPoint).map((point) => placePoint(point, settings)),
      { device: settings, cost: this.#costOf(device), refused: refused.fenceOf(settings.unit) },
    );
    // Who asks now wants to know whether it is refused now.
    const all = [...blocks, ...unreadable.map((item) => toBlock([item], settings))];
    const both = AbortSignal.any([signal, this.#stop.signal]);
    // One request at a time, so that others come in between.
    const ask: Ask = (request) => line.use({ unit: settings.unit }, both, (askNow) => askNow(request));
    return (await readBlocks(all, oneShots, { ask, atOnce: 1, device: settings, refused, clock, signal: both })).results;
  }

  async #identifyNow(device: ModbusDevicePlan, points: readonly ModbusPlanPoint[], signal: AbortSignal) {
    const wanted = points.filter(isIdentificationPoint);
    if (wanted.length === 0) return [];
    const { clock, line } = this.#options;
    const both = AbortSignal.any([signal, this.#stop.signal]);
    const ask: Ask = (request) => line.use({ unit: device.settings.unit }, both, (askNow) => askNow(request));
    const { readings, error } = await readIdentity(wanted, { ask, unit: device.settings.unit, clock });
    const why = error === undefined ? {} : { reason: error.message };
    return readings.map((reading): OneShot => ({ ...reading, raw: '', ...why }));
  }

  async #writeNow(write: Write, signal: AbortSignal): Promise<WriteResult> {
    const device = this.#devices.get(write.point.device);
    if (device === undefined) throw new GatewayError('BUG', write.point.id, 'no such device on this connection');
    const place = placePoint(write.point as RegisterPoint, device.settings);
    const { line, clock } = this.#options;
    const both = AbortSignal.any([signal, this.#stop.signal]);
    const unit = place.point.address.broadcast ? BROADCAST : device.settings.unit;
    return writePoint(write, place, { line, unit, clock, signal: both });
  }

  #costOf({ settings }: ModbusDevicePlan): ReadCost {
    const { plan, units } = this.#options;
    return readCost(plan, units.history.smoothedMs(settings.unit));
  }

  #startPolling(): void {
    if (this.#isPolling) return;
    this.#isPolling = true;
    const { clock, count, port, plan, groups: polled } = this.#options;
    const { signal } = this.#stop;
    const groups = [
      ...polled.map((group) => this.#pollGroup(group)),
      ...plan.devices.flatMap((device) => this.#identityGroups(device)),
    ];
    void runPollGroups(groups, { clock, signal, onSkipped: (polls) => count('skipped_polls', polls) }).catch((error: unknown) =>
      port.fail(toGatewayError(error, plan.name)),
    );
  }

  #identityGroups(device: ModbusDevicePlan): readonly PollGroup[] {
    const { units, clock, line } = this.#options;
    const ask: Ask = (request) =>
      line.use({ unit: device.settings.unit, deadlineMs: clock.monotonicMs() + IDENTITY_WAIT_MS }, this.#stop.signal, (askNow) =>
        askNow(request),
      );
    return identityGroups({ device, ask, units, clock, emit: (batch) => this.#batches.next(batch) });
  }

  #pollGroup(group: PolledGroup): PollGroup {
    const { line, units, refused, clock, count, log } = this.#options;
    const { device, points, cycle } = group;
    const { twin, settings } = device;
    const placed = points.map((point) => placePoint(point, settings));
    // What is not read when the next poll is due is late.
    let deadlineMs = 0;
    const ask: Ask = (request) =>
      line.use({ unit: settings.unit, deadlineMs }, this.#stop.signal, (askNow) => {
        const { error } = units.stateOf(settings.unit);
        // It fell silent while this poll waited for the line: one time-out is enough for all of its poll groups.
        if (error !== undefined && units.isDown(settings.unit) && !reader.isProbing) throw error;
        return askNow(request);
      });
    const reader: PollGroupReader = new PollGroupReader({
      twin,
      device: settings,
      points: placed,
      ask,
      atOnce: line.capacity,
      units,
      cost: () => this.#costOf(device),
      refused,
      clock,
      count,
      log,
    });
    return {
      cycle,
      onMissed: (missed) => this.#gaps.next(toGap(group, missed)),
      poll: async (signal) => {
        deadlineMs = clock.monotonicMs() + cycle.intervalMs;
        const dueTimeMs = wallTimeMs(clock, cycle.dueMs);
        const batch = await reader.poll(signal);
        if (signal.aborted) return 'stopped';
        const missed = reader.takeMissed();
        for (const [reason, lacking] of missed) this.#gaps.next(gapOf(twin, reason, lacking, dueTimeMs));
        if (batch !== undefined) this.#batches.next(batch);
        return missed.has('device-away') ? 'unanswered' : 'answered';
      },
    };
  }
}

/** Of one poll. */
function gapOf(device: string, reason: DeviceGap['reason'], points: readonly Point[], dueTimeMs: number): DeviceGap {
  return { device, reason, points, fromTimeMs: dueTimeMs, toTimeMs: dueTimeMs, readings: points.length };
}

function unknownPoint(point: Point, sourceTimeMs: number): OneShot {
  return { point, value: null, quality: 'bad', status: 'BadNodeIdUnknown', sourceTimeMs, raw: '' };
}
