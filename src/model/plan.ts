import type { DataType } from './data-type.ts';
import type { Point } from './point.ts';
import type { Secret } from './secret.ts';
import type { SpoolClass } from './spool-class.ts';
import type { MessageClass, MessageKind } from './twin-message.ts';
import type { Scalar } from './value.ts';

/** What `config` makes of the files: checked, immutable, complete with defaults. Everything else only reads it. */
export interface GatewayPlan {
  readonly gateway: GatewayIdentity;
  readonly hubs: readonly HubPlan[];
  readonly connections: readonly ConnectionPlan[];
  /** All devices of all connections. */
  readonly devices: readonly DevicePlan[];
  readonly spool: SpoolPlan;
  /** `setFile`: there once the clock is set. */
  readonly clock: { readonly setFile?: string };
  readonly operations: { readonly host: string; readonly port: number };
  readonly audit: AuditPlan;
  /** What the cloud may set of the gateway itself; a setting that is absent it may not. */
  readonly cloudMayChange: { readonly logLevel?: readonly LogLevel[] };
  readonly log: { readonly level: LogLevel };
  /** Where certificates, trust lists and the audit log are kept. */
  readonly stateDirectory: string;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Stands in for the id of the gateway where there is no `gateway.yaml` (yet): at the command line. */
export const UNNAMED = 'gateway';

export interface GatewayIdentity {
  readonly id: string;
  readonly location?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One configured cloud endpoint; `settings` are what the dialect's schema parsed. */
export interface HubPlan<Settings = unknown> {
  readonly name: string;
  readonly dialect: string;
  /** Absent: in order. */
  readonly drain?: DrainPlan;
  readonly settings: Settings;
  /** The one twin whose messages it gets, where each twin has a connection of its own; `name` is then `<hub>/<twin>`. */
  readonly twin?: string;
  /** How many such connections share what was bought. */
  readonly share?: number;
}

/** How a hub gets what waited for it. */
export interface DrainPlan {
  /** `live-first`: what is new goes at once, what waited beside it, marked as history. */
  readonly order: 'in-order' | 'live-first';
  /** Live first: messages a second that waited, at most; absent, as fast as the hub takes them. */
  readonly historyPerSecond?: number;
}

/** One configured southbound endpoint with every device on it; `settings` are what the connector's `connection` schema parsed. */
export interface ConnectionPlan<Settings = unknown, DeviceSettings = unknown, Address = unknown> {
  readonly name: string;
  readonly protocol: string;
  /** What makes two connections one, e.g. `modbus-tcp://10.20.0.17:502`. */
  readonly endpoint: string;
  readonly settings: Settings;
  readonly devices: readonly DevicePlan<DeviceSettings, Address>[];
}

export interface DevicePlan<Settings = unknown, Address = unknown> {
  readonly twin: string;
  readonly model?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Name of its connection. */
  readonly connection: string;
  /** What the connector's `device` schema parsed, e.g. the Modbus unit. */
  readonly settings: Settings;
  readonly points: readonly PointPlan<Address>[];
  /** Entries that stand for every point of a kind that the device turns out to have (`ConnectorSession.resolved`); absent: none. */
  readonly patterns?: readonly PointPlan[];
  /** What the device may tell by itself; absent: nothing. */
  readonly events?: readonly EventPlan[];
  /** What the cloud may call; absent: nothing. */
  readonly methods?: readonly MethodPlan[];
  /** What the cloud may set of its points, and within which bounds; absent: nothing. */
  readonly cloudMayChange?: DeviceSettings;
  /** Absent: nothing is written when the cloud is away. */
  readonly deadMan?: DeadManPlan;
  /** Names of the hubs for each kind of message. `gap` goes to every hub of the device. */
  readonly hubs: Readonly<Record<MessageKind, readonly string[]>>;
  /** When the assembler closes a message. */
  readonly message: { readonly maxBytes: number; readonly maxAgeMs: number };
}

export interface PointPlan<Address = unknown> {
  readonly point: Point<Address>;
  /** The point keys that belong to operators (`scale`, `range`, `send` …), as their schemas parsed them. */
  readonly keys: Readonly<Record<string, unknown>>;
  readonly write?: WriteRule;
  /** For people. */
  readonly description?: string;
}

/** When something may be done, whatever it is: of a point to be written and of a method to be called. */
export interface Precautions {
  readonly atMostEveryMs?: number;
  /** Expression over the other points of the device; must be true on good, fresh values. */
  readonly onlyIf?: string;
  /** Greatest age of a computed value in `onlyIf`; the others are read at that moment. */
  readonly maxAgeMs?: number;
  /** Another person has to approve within this time; absent: none has to. */
  readonly approveWithinMs?: number;
  /** How long a command lives that names no end itself. */
  readonly expiresMs?: number;
}

/** What may be written to a point; without a rule nothing may. Values are engineering values; of a compound value each scalar has to fit. */
export interface WriteRule extends Precautions {
  readonly min?: number;
  readonly max?: number;
  /** Values lie whole steps from `min`, or from 0. */
  readonly step?: number;
  /** The only values allowed. */
  readonly values?: readonly Scalar[];
  /** The device has to show the value within this time; absent: at once. */
  readonly confirmWithinMs?: number;
}

export interface DeviceSettings {
  readonly interval?: { readonly minMs: number; readonly maxMs: number };
  readonly deadband?: { readonly min: number; readonly max: number };
}

/** What is written once when none of the hubs was there for so long. */
export interface DeadManPlan {
  readonly hubs: readonly string[];
  readonly afterMs: number;
  /** Engineering values by point name. */
  readonly write: Readonly<Record<string, Scalar>>;
}

/** An entry of `events`; `settings` are what the connector's `event` schema parsed. */
export interface EventPlan<Settings = unknown> {
  readonly name: string;
  readonly settings: Settings;
}

/** An entry of `methods`: named there, it may be called; `settings` are what the connector's `method` schema parsed. */
export interface MethodPlan<Settings = unknown> extends Precautions {
  readonly name: string;
  readonly settings: Settings;
  /** All of them have to be given; in the order of the mapping, which is that of the device. */
  readonly arguments: readonly ArgumentPlan[];
}

export interface ArgumentPlan {
  readonly name: string;
  /** `structure`: an object with the fields that the device declares. */
  readonly type: DataType | 'structure';
  /** A list of values of this type; the limits hold for each. */
  readonly isArray: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly values?: readonly Scalar[];
}

export interface AuditPlan {
  /** The oldest entries give way when there is more; absent: everything is kept. */
  readonly maxBytes?: number;
}

export interface SpoolPlan {
  readonly directory: string;
  readonly maxBytes: number;
  readonly keepFreeBytes: number;
  readonly maxAgeMs: number;
  readonly classes: Readonly<Record<MessageClass, SpoolClass>>;
  readonly compression: 'zstd' | 'none';
  /** The first encrypts, the others only decrypt. */
  readonly keys: readonly Secret[];
  /** Longest wait of a message for its group commit, milliseconds. */
  readonly commitWindowMs: number;
}
