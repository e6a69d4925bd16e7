import { MESSAGE_CLASSES, type MessageClass } from './twin-message.ts';

/** What gives way when a class of messages has used up its share of the spool. */
export const WHEN_FULL = ['drop-oldest', 'drop-newest', 'thin', 'block'] as const;
export type WhenFull = (typeof WHEN_FULL)[number];

/** How one class of messages is kept. */
export interface SpoolClass {
  /** Percent of the bytes of the spool. */
  readonly share: number;
  readonly whenFull: WhenFull;
  /** `thin`: of so many messages of a twin one is kept. */
  readonly keepOneOf: number;
}

/** Alarms and properties are few and small: their shares last longer than that of telemetry. */
export const DEFAULT_CLASSES: Readonly<Record<MessageClass, SpoolClass>> = {
  alarm: { share: 10, whenFull: 'drop-oldest', keepOneOf: 2 },
  property: { share: 20, whenFull: 'drop-oldest', keepOneOf: 2 },
  telemetry: { share: 70, whenFull: 'drop-oldest', keepOneOf: 2 },
};

export function mapClasses<T>(make: (name: MessageClass) => T): Record<MessageClass, T> {
  return Object.fromEntries(MESSAGE_CLASSES.map((name) => [name, make(name)])) as Record<MessageClass, T>;
}
