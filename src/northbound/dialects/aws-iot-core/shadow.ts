import type { Known } from './reported.ts';
import type { Wishes } from './wishes.ts';

/** What this session knows of one shadow. */
export interface Shadow {
  readonly twin: string;
  readonly name: string;
  readonly wishes: Wishes;
  known: Known;
  /** Of the last delta that was looked at: they may come in any order. */
  deltaVersion: number;
  /** Under way or done. */
  synced: Promise<void> | undefined;
  /** It is got anew when that is done. */
  isToLook: boolean;
  /** Reports go one after the other. */
  turn: Promise<unknown>;
  /** Why a report has to come again; those that wait behind it must not overtake it. */
  held: unknown;
}

export function shadowOf(twin: string, wishes: Wishes): Shadow {
  const known = { notGood: new Set<string>() };
  return {
    twin,
    name: shadowName(twin),
    wishes,
    known,
    deltaVersion: 0,
    synced: undefined,
    isToLook: false,
    turn: Promise.resolve(),
    held: undefined,
  };
}

/** Names of twins may hold dots, names of shadows may not; no twin has a colon in its name. */
export function shadowName(twin: string): string {
  return twin.replaceAll('.', ':');
}

/** Until everything that waits behind it has been sent back in the same turn of the event loop; what comes then begins with the first of them. */
export function hold(shadow: Shadow, error: unknown): void {
  shadow.held = error;
  setImmediate(() => {
    shadow.held = undefined;
  });
}

/** Work of one shadow after the other: reports in the order of the calls. */
export function inTurn<T>(shadow: Shadow, work: () => Promise<T>): Promise<T> {
  const done = shadow.turn.then(work);
  shadow.turn = done.catch(() => {});
  return done;
}
