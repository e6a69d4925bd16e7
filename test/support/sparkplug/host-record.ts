import { DeliveryRecord } from '../scenario/record.ts';
import type { Heard, StrictHost } from './host.ts';
import type { HostTable, HostValue } from './values.ts';

/** The book of a receiver, of what a host was told: by `uuid` each message came, or `Gateway/Gap` declares it. */
export function recordOf({ heard }: Pick<StrictHost, 'heard'>): DeliveryRecord {
  const record = new DeliveryRecord();
  for (const one of heard) {
    const { uuid } = one.payload;
    if (uuid !== undefined) record.add(JSON.stringify(messageOf(uuid, one)));
  }
  return record;
}

function messageOf(id: string, { told }: Heard) {
  const [gateway, twin, epoch, seq] = id.split(':');
  const head = { id, gateway, twin, epoch, seq: Number(seq) };
  const gap = told.find(({ name }) => name === 'Gateway/Gap');
  if (gap !== undefined) return { ...head, gap: gapOf(gap.sample.value) };
  const values: Record<string, [number, unknown, string][]> = {};
  for (const { name, sample } of told) {
    const value = typeof sample.value === 'bigint' ? Number(sample.value) : sample.value;
    values[name] = [...(values[name] ?? []), [sample.timeMs, value, sample.quality === 192 ? 'good' : 'bad']];
  }
  return { ...head, t0: 0, values };
}

/** 0 and an empty text: not known. */
function gapOf(value: HostValue) {
  const { columns, rows } = value as HostTable;
  const row = new Map(columns.map((column, index) => [column, rows[0]?.[index] ?? null]));
  const number = (name: string) => Number(row.get(name));
  return {
    ...{ reason: row.get('reason'), from: row.get('from'), to: row.get('to') },
    ...(number('toSequence') === 0 ? {} : { fromSeq: number('fromSequence'), toSeq: number('toSequence') }),
    ...{ messages: number('messages'), readings: number('readings') },
  };
}
