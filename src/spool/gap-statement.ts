import type { Gap, TwinMessage } from '../model/twin-message.ts';
import { type Acknowledged, isWaitedFor } from './acknowledged.ts';
import type { Waiting } from './append-queue.ts';
import type { Frame } from './frame.ts';
import type { Loss } from './loss-ledger.ts';
import { decodeHead, decodeMessage, encodeMessage } from './message-record.ts';

/** Names of points above this many characters are left out, so that a statement stays small. */
const MAX_POINTS_LENGTH = 2_000;

/** The gap record that tells hubs what one twin lost, on its way into the log. */
export function toStatement(twin: string, stated: Gap, hubs: readonly string[], settle: Waiting['settle'] = () => {}): Waiting {
  const gap = shorten(stated);
  const message: TwinMessage = { twin, kind: 'gap', startTimeMs: gap.fromTimeMs, values: {}, gap };
  const { facts, body } = encodeMessage(message);
  return { facts: { ...facts, to: gap.toTimeMs }, hubs, body, gap, settle };
}

export function statementOf({ twin, hub, ...gap }: Loss): Waiting {
  return toStatement(twin, gap, [hub]);
}

/** What a gap record tells the hubs that wait for it, to be told again; nothing where it is no gap record. */
export function lossesToldBy(
  record: Frame,
  acknowledged: (hub: string) => Acknowledged | undefined,
  epochOfToday: string,
): readonly Loss[] {
  const head = decodeHead(record);
  const gap = head?.kind === 'gap' ? decodeMessage(record)?.gap : undefined;
  if (head === undefined || gap === undefined) return [];
  const epoch = record.epoch === epochOfToday ? {} : { epoch: record.epoch };
  const hubs = Object.keys(head.hubs).filter((hub) => isWaitedFor(record, acknowledged(hub)));
  return hubs.map((hub) => ({ twin: head.twin, hub, ...epoch, ...gap }));
}

function shorten(gap: Gap): Gap {
  const { points = [], ...rest } = gap;
  return points.join().length > MAX_POINTS_LENGTH ? rest : gap;
}
