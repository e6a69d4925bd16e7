import type { z } from 'zod';
import type { DevicePlan } from './plan.ts';
import type { PointDescription, ValueType } from './point-description.ts';

/**
 * What a plug-in tells the configuration: its keys, as zod objects whose members carry `.meta({ description, examples })`.
 * Declarations are light (no socket library is loaded for them) and pure.
 */
export interface ProtocolDeclaration {
  /** Name used in mapping files, e.g. `modbus-rtu`. */
  readonly protocol: string;
  readonly summary: string;
  /** Keys of the endpoint: host, port, baud rate, time-outs, security. */
  readonly connection: z.ZodObject;
  /** Keys of one device on it, e.g. `unit`. In a mapping they stand in `connection:` beside the endpoint's. */
  readonly device: z.ZodObject;
  /** Keys of a point beside the common ones; has `address`. Any but `address` may also stand in `defaults`. */
  readonly point: z.ZodObject;
  /** A key inside of `address` that makes an entry stand for many points; absent: an entry is one point. */
  readonly pattern?: string;
  /** Keys of an entry of `events`; absent: the protocol knows none. */
  readonly event?: z.ZodObject;
  /** Keys of an entry of `methods` beside the common ones; absent: the protocol knows none. */
  readonly method?: z.ZodObject;
  /** Keys of a device that went, and what is written in their place. */
  readonly formerKeys?: Readonly<Record<string, string>>;
  /** What values of a point consist of, before any operator; absent, or `undefined`: what the mapping says as `type`, if anything. */
  typeOf?(point: never): ValueType | undefined;
  /** How often a reading of the point is due, milliseconds; absent, or `undefined`: nobody can know, as where it comes when it changes. */
  dueEveryMs?(point: never): number | undefined;
  /** Values come with the time of the device; absent: the gateway stamps them. */
  readonly hasDeviceTimes?: true;
  /** The same text for two connections means: one and the same endpoint, to be shared. */
  endpoint(settings: never): string;
  /** Checks across the devices and points of one connection: limits, overlaps, line load. */
  check(plan: never): readonly Remark[];
}

/** A finding of a declaration; `config` adds file, line and column. */
export interface Remark {
  readonly severity: 'error' | 'warning';
  /** Where: the twin, the name of its point, event or method, the key below it (`address`, `unit` …); absent parts mean the whole. */
  readonly device?: string;
  readonly point?: string;
  readonly event?: string;
  readonly method?: string;
  readonly key?: string;
  /** What is wrong, what was expected, what was got. */
  readonly message: string;
  readonly hint?: string;
}

export interface OperatorDeclaration {
  /** Name in docs and metrics. */
  readonly name: string;
  readonly summary: string;
  /** The point keys that switch it on, e.g. `scale` and `offset`. All optional; unique among operators. */
  readonly keys: z.ZodObject;
  /**
   * Checks the keys of one point against each other and against the other points of the device (`points`: their names;
   * `point`: its own). A remark names the key; `config` knows the rest.
   */
  check?(keys: Readonly<Record<string, unknown>>, points: readonly string[], point?: string): readonly Remark[];
  /** Checks the keys of one point against what its values consist of, where the protocol tells. A remark names the key. */
  checkType?(keys: Readonly<Record<string, unknown>>, type: ValueType): readonly Remark[];
  /** What it makes of what is sent under the name of a point with these keys. Absent: nothing that a receiver has to know. */
  describe?(keys: Readonly<Record<string, unknown>>, point: PointDescription): readonly PointDescription[];
}

export interface DialectDeclaration {
  /** Name used in `gateway.yaml`, e.g. `mqtt`. */
  readonly dialect: string;
  readonly summary: string;
  /** Every key of a hub of this dialect except `dialect` itself. */
  readonly settings: z.ZodObject;
  /** Each twin has a connection of its own, `atMost` of them; absent or `undefined`: all share one. */
  perTwin?(settings: never): { readonly atMost: number } | undefined;
  /** Of the default shape, so that what the hub bills as one message is filled: the default of `message.maxBytes`. Absent: any size costs the same. */
  messageBytes?(settings: never): number;
  /** `labels`: names of all labels of the gateway and its twins, for topics that name them. */
  check?(settings: never, labels?: readonly string[]): readonly Remark[];
  /** Checks what goes to the hub; remarks name the device. */
  checkDevices?(settings: never, devices: readonly DevicePlan[]): readonly Remark[];
}

/** Everything the configuration is composed of; the composition root hands it in. */
export interface Declarations {
  readonly protocols: readonly ProtocolDeclaration[];
  readonly operators: readonly OperatorDeclaration[];
  readonly dialects: readonly DialectDeclaration[];
}
