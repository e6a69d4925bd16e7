import type { Packet } from '../../dialect.ts';
import type { IdentifiedMessage } from '../../identified-message.ts';
import { GAP_COLUMNS } from './gap-table.ts';
import { type DataSet, decodePayload, type Metric, type Payload } from './payload/payload.ts';

const COLUMNS = [...GAP_COLUMNS.keys()];

/** Which message a packet of an edge node is, by its `uuid`, without a look at births: `undefined` for these, and for whatever is none. */
export function identify({ payload }: Pick<Packet, 'payload'>): IdentifiedMessage | undefined {
  const { uuid = '', metrics = [] } = decoded(payload);
  const [, gateway, twin, epoch, number] = /^(.+):([^:]+):([^:]+):([1-9]\d*)$/.exec(uuid) ?? [];
  const sequence = Number(number);
  if (gateway === undefined || twin === undefined || epoch === undefined || !Number.isSafeInteger(sequence)) return undefined;
  const table = metrics.map(gapIn).find((one) => one !== undefined);
  return {
    ...{ id: uuid, gateway, twin, epoch, sequence },
    readings: table === undefined ? metrics.length : 0,
    isHistory: metrics.length > 0 && metrics.every(({ isHistorical = false }) => isHistorical),
    ...(table === undefined ? {} : { gap: gapOf(table) }),
  };
}

function decoded(payload: Uint8Array): Partial<Payload> {
  try {
    return decodePayload(payload);
  } catch {
    return {};
  }
}

function gapIn({ value }: Metric): DataSet | undefined {
  return value?.case === 'datasetValue' && value.value.columns.join() === COLUMNS.join() ? value.value : undefined;
}

/** 0 and an empty text: not known. */
function gapOf({ rows }: DataSet): NonNullable<IdentifiedMessage['gap']> {
  const cells = rows[0]?.elements ?? [];
  const cell = (column: string) => cells[COLUMNS.indexOf(column)]?.value?.value;
  const number = (column: string) => Number(cell(column) ?? 0);
  return {
    reason: String(cell('reason') ?? 'unknown'),
    epoch: String(cell('epoch') ?? ''),
    ...(number('toSequence') === 0 ? {} : { from: number('fromSequence'), to: number('toSequence') }),
    ...{ messages: number('messages'), readings: number('readings') },
    durationMs: Math.max(0, number('to') - number('from')),
  };
}
