import type { Observable } from 'rxjs';
import type { ProtocolDeclaration } from '../model/declaration.ts';
import type { DeviceEvent } from '../model/device-event.ts';
import type { DeviceGap } from '../model/device-gap.ts';
import type { GatewayError } from '../model/error.ts';
import type { ConnectionPlan, DevicePlan, MethodPlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { Batch, Reading } from '../model/reading.ts';
import type { Value } from '../model/value.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Link, Session } from '../runtime/link.ts';
import type { Log } from '../runtime/log.ts';
import type { ConnectorTools } from './tools.ts';

export interface ConnectorSession extends Session {
  /** Hot; polling or publishing starts when subscribed, once. Never errors: loss is told by `lost`; completes at `close`. */
  readonly batches: Observable<Batch>;
  /**
   * Devices whose mapping has patterns, with the points that they have now: at once when subscribed, then at each change. To be
   * subscribed before `batches`; those carry what was told here. As `batches`: never errors, completes at `close`.
   */
  readonly resolved?: Observable<DevicePlan>;
  /** One reading per point, same order, read now, before anything that is only polled. Rejects only when the link is lost or aborted. */
  read(points: readonly Point[], signal: AbortSignal): Promise<readonly OneShot[]>;
  /** One result per write, same order, one after the other, before anything that is only polled. Rejects only when the link is lost or aborted. */
  write(writes: readonly Write[], signal: AbortSignal): Promise<readonly WriteResult[]>;
  /** What the mapping lists under `events`. As `batches`: hot, starts when subscribed, once, never errors, completes at `close`. */
  readonly events?: Observable<DeviceEvent>;
  /**
   * What was due and could not be measured, as it is found: polls that failed or were skipped, what was due between the session before
   * and this one, what the server lost. Told piece by piece, before the batch that shows it; pieces that belong together are put
   * together by the acquisition. As `batches`: hot, never errors, completes at `close`; to be subscribed before them.
   */
  readonly gaps?: Observable<DeviceGap>;
  /** One call of a method of the mapping, made once. Rejects only when the link is lost or aborted. */
  call?(call: MethodCall, signal: AbortSignal): Promise<MethodResult>;
}

/** A reading with what came over the wire, for people: raw registers as hex, or the DataValue as text. */
export interface OneShot extends Reading {
  readonly raw: string;
  /** For people: why there is no value, where the connector knows more than the status says. */
  readonly reason?: string;
}

/** `value` is the device's own value: the operators were already undone. */
export interface Write {
  readonly point: Point;
  readonly value: Value;
}

export type WriteResult = { readonly written: true } | { readonly written: false; readonly error: GatewayError };

/** Checked against the mapping: every argument is there, of its type and within its limits. */
export interface MethodCall {
  /** The twin whose method is called. */
  readonly device: string;
  readonly method: MethodPlan;
  /** In the order of `method.arguments`. */
  readonly arguments: readonly Value[];
}

/** An error that is certainly a refusal has one of the codes of `WriteResult`; after any other nobody knows what the device did. */
export type MethodResult =
  | { readonly called: true; readonly outputs: Readonly<Record<string, Value | null>> }
  | { readonly called: false; readonly error: GatewayError };

export interface Connector extends Link<ConnectorSession> {
  /**
   * Called before the first `open` of one that takes the place of another: what is due from now on, and what the other will not measure
   * any more, is told as missed by the first session. Absent, or not called: from the first session, or attempt, on.
   */
  begin?(): void;
  /** For `/status` and metrics; cheap, callable at any time. */
  status(): ConnectorStatus;
  /**
   * What was due since the last session, or the first call, and since the last call, up to `untilMs` of the monotonic clock; asked while
   * no session is open. After a session that was closed it begins with what was due and under way then. Nothing told here is told again
   * in `gaps`. Absent: all points of the devices are taken to be missing as long as no session is open.
   */
  missed?(untilMs: number): readonly DeviceGap[];
}

export interface ConnectorStatus {
  /** Rising counts since start, e.g. `requests`, `timeouts`, `late_replies`, `skipped_polls`. Snake case, plural. */
  readonly counters: Readonly<Record<string, number>>;
  /** By twin. */
  readonly devices: Readonly<Record<string, { readonly state: 'up' | 'down' | 'waiting'; readonly error?: GatewayError }>>;
  /** When what the connection depends on expires, e.g. `own` certificate, that of the `server`; milliseconds since 1970. */
  readonly expiries?: Readonly<Record<string, number>>;
  /** Anything else worth a look for a person, as plain JSON: line load, revised sampling intervals. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface ConnectorContext {
  readonly log: Log;
  readonly clock: Clock;
  /** Identity towards the devices, e.g. the OPC UA application name. */
  readonly gatewayId: string;
  /** Directory the connector may keep state in (certificates, trust lists); made by whoever needs it. */
  readonly stateDirectory: string;
}

/** Remembers, opens nothing. */
export type CreateConnector = (plan: ConnectionPlan, context: ConnectorContext) => Connector;

/** The one export of a connector folder that the list names. Light: libraries are loaded by `load` only. */
export interface ConnectorDefinition extends ProtocolDeclaration {
  load(): Promise<CreateConnector>;
  /** What the command line offers for the protocol beside running it. */
  tools?(): Promise<ConnectorTools>;
}
