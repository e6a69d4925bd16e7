import type { DataType } from './data-type.ts';

/** One addressable value of a device. Immutable; made by `config`, known to everybody. */
export interface Point<Address = unknown> {
  /** `<device>/<name>`, unique in the gateway; the only key used in logs and metrics. */
  readonly id: string;
  /** The twin it belongs to. */
  readonly device: string;
  readonly name: string;
  /** The point keys of its protocol as the connector's `point` schema parsed them; `undefined` for a derived point. */
  readonly address: Address;
  /** What the device holds. Absent where the device itself tells (OPC UA). */
  readonly type?: DataType;
  readonly access: 'read' | 'write' | 'read-write';
  /** `telemetry` is streamed, `property` is reported on change. */
  readonly kind: 'telemetry' | 'property';
  /** Engineering unit after scaling, as written in the mapping, e.g. `degreeCelsius`. */
  readonly unit?: string;
  /** Milliseconds: poll period (Modbus) or requested sampling interval (OPC UA). */
  readonly intervalMs: number;
}
