import type { Subscription } from 'rxjs';
import type { DeviceEvent } from '../model/device-event.ts';
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
  readonly backOff?: BackOffSettings;
}

/** A connection kept alive: opened for ever, its readings handed on, its silence told. */
export interface Acquisition {
  readonly link: LinkState;
  /** The open session; `undefined` while the connection is down. */
  readonly session: ConnectorSession | undefined;
  /** Resolves when the signal was aborted and everything is closed. */
  readonly done: Promise<void>;
}

/** OPC UA symbolic names for a device that cannot be reached: the cause decides, the cloud sees why. */
const STATUS_OF_LOSS: Partial<Record<ErrorCode, string>> = {
  LINK_UNTRUSTED: 'BadSecurityChecksFailed',
  LINK_UNAUTHORIZED: 'BadUserAccessDenied',
};

export function acquire(connector: Connector, options: AcquisitionOptions): Acquisition {
  const { plan, clock, log, signal, onBatch, onEvent = () => {}, onResolved = () => {}, backOff } = options;
  let link: LinkState = { state: 'opening', attempt: 1 };
  let session: ConnectorSession | undefined;
  let subscription: Subscription | undefined;
  let isToldBad = false;
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

  const onState = (state: LinkState): void => {
    link = state;
    if (state.state !== 'up') {
      subscription?.unsubscribe();
      session = undefined;
    }
    tellState(state, log, clock);
    if (state.state === 'waiting') tellBad(STATUS_OF_LOSS[state.error.code] ?? 'BadNoCommunication');
  };

  const onSession = (opened: ConnectorSession): void => {
    session = opened;
    isToldBad = false;
    const resolved = opened.resolved?.subscribe({ next: resolve, error: (error) => log.error('patterns failed', { error }) });
    subscription = opened.batches.subscribe({ next: onBatch, error: (error) => log.error('batches failed', { error }) });
    subscription.add(resolved);
    subscription.add(opened.events?.subscribe({ next: onEvent, error: (error) => log.error('events failed', { error }) }));
  };

  const done = supervise(connector, { signal, onSession, onState, clock, ...(backOff === undefined ? {} : { backOff }) });
  return {
    get link() {
      return link;
    },
    get session() {
      return session;
    },
    done,
  };
}

function badBatches(devices: readonly DevicePlan[], status: string, nowMs: number): readonly Batch[] {
  return devices
    .map(({ twin, points }) => ({
      device: twin,
      readings: points.filter(({ point }) => point.address !== undefined).map(({ point }) => badReading(point, status, nowMs)),
    }))
    .filter(({ readings }) => readings.length > 0);
}
