import type { Point } from './point.ts';
import type { MessageKind } from './twin-message.ts';
import type { Value } from './value.ts';

/** What `config` makes of the files: checked, immutable, complete with defaults. Everything else only reads it. */
export interface GatewayPlan {
  readonly gateway: GatewayIdentity;
  readonly hubs: readonly HubPlan[];
  readonly connections: readonly ConnectionPlan[];
  /** All devices of all connections. */
  readonly devices: readonly DevicePlan[];
  readonly spool: SpoolPlan;
  readonly operations: { readonly host: string; readonly port: number };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
}

export interface GatewayIdentity {
  readonly id: string;
  readonly location?: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One configured cloud endpoint; `settings` are what the dialect's schema parsed. */
export interface HubPlan<Settings = unknown> {
  readonly name: string;
  readonly dialect: string;
  readonly settings: Settings;
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
}

/** What may be written to a point; without a rule nothing may. Values are engineering values. */
export interface WriteRule {
  readonly min?: number;
  readonly max?: number;
  /** The only values allowed. */
  readonly values?: readonly Value[];
  readonly atMostEveryMs?: number;
  /** Expression over the other points of the device; must be true on good, fresh values. */
  readonly onlyIf?: string;
}

export interface SpoolPlan {
  readonly directory: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly whenFull: 'drop-oldest' | 'drop-newest';
  /** Longest wait of a message for its group commit, milliseconds. */
  readonly commitWindowMs: number;
}
