import type { Subscription } from 'rxjs';
import type { DeviceEvent } from '../model/device-event.ts';
import { type DeviceGap, whatIsMissed } from '../model/device-gap.ts';
import type { ErrorCode } from '../model/error.ts';
import type { ConnectionPlan, DevicePlan } from '../model/plan.ts';
import { type Batch, badReading } from '../model/reading.ts';
import type { BackOffSettings } from '../runtime/back-off.ts';
import type { Clock } from '../runtime/clock.ts';
import type { LinkState } from '../runtime/link.ts';
import { createLinkLog } from '../runtime/link-log.ts';
import type { Log } from '../runtime/log.ts';
import { supervise } from '../runtime/supervise.ts';
import type { Connector, ConnectorSession } from './connector.ts';
import { wallTimeMs } from './poll-cycle.ts';
import { Silences, TELL_LASTING_MS } from './silences.ts';

export interface AcquisitionOptions {
  readonly plan: ConnectionPlan;
  readonly clock: Clock;
  readonly log: Log;
  /** Stops everything; the session is then closed. */
  readonly signal: AbortSignal;
  /** Called with what the devices send, and with bad readings of every point when the connection is lost or cannot be opened. */
  readonly onBatch: (batch: Batch) => void;
  /** Called with what devices tell by themselves; absent: nobody listens. */
  readonly onEvent?: (event: DeviceEvent) => void;
  /** Called with a device whose points have turned out to be others, before any batch with them, and after bad readings of those that went. */
  readonly onResolved?: (device: DevicePlan) => void;
  /**
   * Called with what could not be measured: one gap for each silence, after the batch before it and before the one after it; one that
   * lasts is told every hour, and what is left of it when the signal is aborted.
   */
  readonly onGap?: (gap: DeviceGap) => void;
  /** Called with each new state of the link. */
  readonly onState?: (state: LinkState) => void;
  readonly backOff?: BackOffSettings;
}

/** A connection kept alive: opened for ever, its readings handed on, its silence told. */
export interface Acquisition {
  readonly link: LinkState;
  /** The open session; `undefined` while the connection is down. */
  readonly session: ConnectorSession | undefined;
  /** Called when the clock on the wall is about to be set, and by how many milliseconds it was: no gap has times of before and after. */
  beforeStep(): void;
  stepped(byMs: number): void;
  /** Resolves when the signal was aborted and everything is closed. */
  readonly done: Promise<void>;
}

/** OPC UA symbolic names for a device that cannot be reached: the cause decides, the cloud sees why. */
const STATUS_OF_LOSS: Partial<Record<ErrorCode, string>> = {
  LINK_UNTRUSTED: 'BadSecurityChecksFailed',
  LINK_UNAUTHORIZED: 'BadUserAccessDenied',
};

const LOOK_AROUND_MS = 5_000;

export function acquire(connector: Connector, options: AcquisitionOptions): Acquisition {
  const { plan, clock, log, signal, onBatch, onEvent = () => {}, onResolved = () => {}, onGap = () => {}, backOff } = options;
  let link: LinkState = { state: 'opening', attempt: 1 };
  let session: ConnectorSession | undefined;
  let subscription: Subscription | undefined;
  let isToldBad = false;
  /** Since then no session is open, for connectors that do not tell by themselves what they miss. */
  let awaySinceMs = clock.nowMs();
  const silences = new Silences({ clock, onGap });
  const present = new Map(plan.devices.map((device) => [device.twin, device]));
  const tellState = createLinkLog();

  const tellBad = (status: string): void => {
    if (isToldBad) return;
    isToldBad = true;
    for (const batch of badBatches([...present.values()], status, clock.nowMs())) onBatch(batch);
  };

  const resolve = (device: DevicePlan): void => {
    const ids = new Set(device.points.map(({ point }) => point.id));
    const points = present.get(device.twin)?.points.filter(({ point }) => !ids.has(point.id)) ?? [];
    for (const batch of badBatches([{ ...device, points }], 'BadNodeIdUnknown', clock.nowMs())) onBatch(batch);
    present.set(device.twin, device);
    onResolved(device);
  };

  let toldMissedMs = clock.monotonicMs();
  let stoppedMs: number | undefined;
  signal.addEventListener(
    'abort',
    () => {
      stoppedMs = clock.monotonicMs();
    },
    { once: true },
  );
  /** What is due after the stop is not ours to tell. */
  const tellMissed = (untilMs = stoppedMs ?? clock.monotonicMs()): void => {
    const untilTimeMs = wallTimeMs(clock, untilMs);
    const missed = connector.missed?.(untilMs) ?? missedByAll([...present.values()], awaySinceMs, untilTimeMs);
    awaySinceMs = untilTimeMs;
    toldMissedMs = untilMs;
    for (const gap of missed) silences.take(gap);
  };

  /** What was under way in a session that was closed at a stop. */
  const tellCutOff = (): void => {
    const cutOff = connector.missed?.(stoppedMs ?? clock.monotonicMs()) ?? [];
    for (const gap of cutOff) silences.take({ ...gap, reason: 'gateway-off', isOver: true });
  };

  const onState = (state: LinkState): void => {
    if (link.state === 'up' && state.state === 'stopped') tellCutOff();
    else if (link.state === 'up') {
      awaySinceMs = clock.nowMs();
      toldMissedMs = clock.monotonicMs();
    } else if (state.state === 'stopped' || (state.state === 'up' && isToldBad && connector.missed === undefined)) tellMissed();
    link = state;
    if (state.state !== 'up') {
      subscription?.unsubscribe();
      session = undefined;
    }
    tellState(state, log, clock);
    options.onState?.(state);
    if (state.state === 'waiting') tellBad(STATUS_OF_LOSS[state.error.code] ?? 'BadNoCommunication');
  };

  const take = (batch: Batch): void => {
    silences.see(batch);
    onBatch(batch);
  };

  const onSession = (opened: ConnectorSession): void => {
    session = opened;
    isToldBad = false;
    const resolved = opened.resolved?.subscribe({ next: resolve, error: (error) => log.error('patterns failed', { error }) });
    const gaps = opened.gaps?.subscribe({
      next: (gap) => silences.take(gap),
      error: (error) => log.error('gaps failed', { error }),
    });
    subscription = opened.batches.subscribe({ next: take, error: (error) => log.error('batches failed', { error }) });
    subscription.add(resolved);
    subscription.add(gaps);
    subscription.add(opened.events?.subscribe({ next: onEvent, error: (error) => log.error('events failed', { error }) }));
  };

  const lookAround = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(LOOK_AROUND_MS, signal).catch(() => {});
      if (signal.aborted) return;
      const isAwayLong = link.state !== 'up' && (silences.areLasting || clock.monotonicMs() - toldMissedMs >= TELL_LASTING_MS);
      if (isAwayLong) tellMissed();
      silences.tellDue({ isAwayLong });
    }
  };

  const supervised = supervise(connector, { signal, onSession, onState, clock, ...(backOff === undefined ? {} : { backOff }) });
  const done = Promise.all([supervised, lookAround()]).then(() => silences.tellAll());
  return {
    get link() {
      return link;
    },
    get session() {
      return session;
    },
    beforeStep: () => {
      if (isToldBad) tellMissed();
      silences.beforeStep();
    },
    stepped: (byMs) => {
      awaySinceMs += byMs;
      silences.stepped(byMs);
    },
    done,
  };
}

/** Nobody knows more than that there was no session. */
function missedByAll(devices: readonly DevicePlan[], fromTimeMs: number, toTimeMs: number): readonly DeviceGap[] {
  return devices.map((device) => ({
    ...{ device: device.twin, reason: 'device-away', fromTimeMs, toTimeMs, readings: 0 },
    points: whatIsMissed(device),
  }));
}

function badBatches(devices: readonly DevicePlan[], status: string, nowMs: number): readonly Batch[] {
  return devices
    .map(({ twin, points }) => ({
      device: twin,
      readings: points.filter(({ point }) => point.address !== undefined).map(({ point }) => badReading(point, status, nowMs)),
    }))
    .filter(({ readings }) => readings.length > 0);
}
