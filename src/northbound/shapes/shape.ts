import type { DevicePlan } from '../../model/plan.ts';
import type { PointDescription } from '../../model/point-description.ts';
import type { Stored } from '../../model/twin-message.ts';

/** What is known once and for all of the messages that a shape will encode. */
export interface ShapeContext {
  /** Id of the gateway. */
  readonly gateway: string;
  /** Labels of the gateway and the twin, merged. */
  labelsOf(twin: string): Readonly<Record<string, string>>;
  /** All twins of the configuration. */
  readonly devices: readonly DevicePlan[];
  /** A twin with the points that its patterns stand for now. */
  deviceOf(twin: string): DevicePlan | undefined;
  /** What a twin sends: names, types, units. */
  describe(device: DevicePlan): readonly PointDescription[];
  /** A message is history when it says so, or when its last value was older than this at the time of sending. */
  readonly historyAfterMs: number;
  /** When the gateway started; UTC, milliseconds since 1970. What describes a twin is of this version. */
  readonly startTimeMs: number;
}

/** The body of one packet. */
export interface Encoded {
  readonly payload: string;
  readonly contentType: string;
  /** Said beside the payload: user properties on MQTT 5, application properties in a cloud's topic. Nothing on MQTT 3.1.1. */
  readonly properties: Readonly<Record<string, string>>;
}

/** How messages look on the wire. Pure: the same message gives the same, apart from what tells the time of sending. */
export interface Shape {
  /**
   * What tells one message, in the order in which it has to be sent; mostly one packet, never none. The message is delivered when all of
   * them are. `sentTimeMs`: UTC, of this attempt.
   */
  encode(stored: Stored, sentTimeMs: number): readonly Encoded[];
  /**
   * What a receiver has to know of a twin to read its messages, to be retained where it can be; absent: nothing. Told again where it changes;
   * what is encoded afterwards is of the new version.
   */
  describe?(device: DevicePlan): Encoded;
}
