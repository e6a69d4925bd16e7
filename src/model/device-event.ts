/** Something that happened at a device, told by the device itself: an alarm, a condition, an event of OPC UA. */
export interface DeviceEvent {
  /** The twin it belongs to. */
  readonly device: string;
  /** Name in the `events` of the mapping. */
  readonly name: string;
  /** When it happened at the device; UTC, milliseconds since 1970. */
  readonly sourceTimeMs: number;
  /** 1 (least) to 1 000 (worst), as OPC UA counts. */
  readonly severity?: number;
  /** What else is known, as plain JSON: no bigint, no NaN, no Date. What is larger than a message may be is cut. */
  readonly body: Readonly<Record<string, unknown>>;
}
