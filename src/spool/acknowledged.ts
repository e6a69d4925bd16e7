/** A place in the log: the offset, and how many messages of the hub there are until there since the beginning. */
export interface Cursor {
  readonly offset: number;
  readonly messages: number;
}

/** Acknowledged ahead of the cursor: what comes after `from`, up to and including `to`. */
export interface Stretch {
  readonly from: Cursor;
  readonly to: Cursor;
}

/**
 * What one hub has acknowledged: everything up to the cursor and, live first, stretches after it. They are in order, hold at least
 * one offset each, and neither touch each other nor the cursor. Immutable, and kept as it is in the cursor file.
 */
export interface Acknowledged extends Cursor {
  readonly ahead?: readonly Stretch[];
}

/** So many at most: beyond it the cursor file would cost more than order is worth. */
export const MAX_STRETCHES = 16;

/** With everything up to `cursor`. Never moves backwards. */
export function acknowledgedUpTo(acknowledged: Acknowledged, { offset, messages }: Cursor): Acknowledged {
  let cursor: Cursor = offset > acknowledged.offset ? { offset, messages } : acknowledged;
  const ahead: Stretch[] = [];
  for (const stretch of acknowledged.ahead ?? []) {
    if (stretch.from.offset > cursor.offset) ahead.push(stretch);
    else if (stretch.to.offset > cursor.offset) cursor = stretch.to;
  }
  return { offset: cursor.offset, messages: cursor.messages, ...(ahead.length === 0 ? {} : { ahead }) };
}

/** With what comes after `from`, which is at or behind the last stretch, up to `to`. */
export function acknowledgedAhead(acknowledged: Acknowledged, { from, to }: Stretch): Acknowledged {
  if (to.offset <= from.offset) return acknowledged;
  const ahead = [...(acknowledged.ahead ?? [])];
  const last = ahead.at(-1);
  const isOne = last !== undefined && from.offset <= last.to.offset;
  if (isOne) ahead.pop();
  ahead.push(isOne ? { from: last.from, to: to.offset > last.to.offset ? to : last.to } : { from, to });
  return acknowledgedUpTo({ ...acknowledged, ahead }, acknowledged);
}

/** Whether all offsets after `after` and up to `upTo` are acknowledged. */
export function isAcknowledged({ offset, ahead = [] }: Acknowledged, after: number, upTo = after + 1): boolean {
  return upTo <= offset || ahead.some(({ from, to }) => from.offset <= after && upTo <= to.offset);
}

/** Whether any offset after `after` and up to `upTo` is acknowledged. */
export function isPartlyAcknowledged({ offset, ahead = [] }: Acknowledged, after: number, upTo: number): boolean {
  return after < offset || ahead.some(({ from, to }) => from.offset < upTo && after < to.offset);
}

/** Whether a hub that has acknowledged so much waits for a message; one that is not configured waits for nothing. */
export function isWaitedFor({ offset }: { readonly offset: number }, acknowledged: Acknowledged | undefined): boolean {
  return acknowledged !== undefined && !isAcknowledged(acknowledged, offset - 1);
}

/** Where a walk goes on that stands at `offset`, if what comes next is acknowledged: at the cursor, or behind a stretch. */
export function behindAcknowledged(acknowledged: Acknowledged, offset: number): Cursor | undefined {
  if (offset < acknowledged.offset) return acknowledged;
  return acknowledged.ahead?.find(({ from, to }) => from.offset <= offset && offset < to.offset)?.to;
}

/** How many messages of the stretches lie after `cursor` and up to `until`. */
export function countAhead({ ahead = [] }: Acknowledged, until: Cursor): number {
  const upTo = (cursor: Cursor) => Math.min(cursor.messages, until.messages);
  return ahead.reduce((sum, { from, to }) => sum + Math.max(0, upTo(to) - upTo(from)), 0);
}
