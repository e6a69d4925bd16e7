import type { Stored } from '../../../model/twin-message.ts';
import type { DataSet } from './payload/payload.ts';
import type { ScalarType } from './values/datatypes.ts';
import { dataSet } from './values/encode-value.ts';

/** Columns of `Gateway/Gap`. No cell is empty: 0 and an empty text stand for what is not known. */
export const GAP_COLUMNS: ReadonlyMap<string, ScalarType> = new Map<string, ScalarType>([
  ['twin', 'String'],
  ['reason', 'String'],
  ['class', 'String'],
  ['epoch', 'String'],
  ['fromSequence', 'Int64'],
  ['toSequence', 'Int64'],
  ['from', 'DateTime'],
  ['to', 'DateTime'],
  ['messages', 'Int64'],
  ['readings', 'Int64'],
  ['points', 'String'],
]);

/** One row: what is missing and why. */
export function gapTable({ message, class: urgency, epoch }: Stored): DataSet {
  const { gap, twin } = message;
  if (gap === undefined) return dataSet(GAP_COLUMNS, []);
  const { reason, fromSequence = 0, toSequence = 0, fromTimeMs, toTimeMs, messages, readings, points = [] } = gap;
  const times = { from: timeText(fromTimeMs), to: timeText(toTimeMs) };
  const row = { twin, reason, class: urgency, epoch: gap.epoch ?? epoch, fromSequence, toSequence, messages, readings };
  return dataSet(GAP_COLUMNS, [{ ...row, ...times, points: points.join() }]);
}

function timeText(ms: number): string {
  return new Date(Math.max(0, ms)).toISOString();
}
