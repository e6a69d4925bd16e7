import { arch, machine, release, type } from 'node:os';
import type { GatewayIdentity } from '../../../model/plan.ts';
import type { Metric, MetricValue } from './payload/payload.ts';
import { DATA_SET, SCALARS } from './values/datatypes.ts';

export const REBIRTH = 'Node Control/Rebirth';
export const GAP = 'Gateway/Gap';
export const RESULT = 'Gateway/Command Result';

/** The only one that a death certificate has. */
export function bdSeqMetric(bdSeq: number, timestamp: bigint): Metric {
  return { name: 'bdSeq', timestamp, datatype: SCALARS.Int64, value: { case: 'longValue', value: BigInt(bdSeq) } };
}

export interface NodeIdentity {
  readonly gateway: GatewayIdentity;
  readonly version: string;
}

/** Of the edge node itself, besides `bdSeq` and templates. `aliasOf`: absent where none are used. */
export function nodeMetrics(
  { gateway, version }: NodeIdentity,
  timestamp: bigint,
  aliasOf: (name: string) => Pick<Metric, 'alias'>,
): readonly Metric[] {
  const control: Metric = {
    name: REBIRTH,
    timestamp,
    datatype: SCALARS.Boolean,
    value: { case: 'booleanValue', value: false },
  };
  const properties = Object.entries(identity(gateway, version)).map(([name, value]) => ({
    ...head(`Properties/${name}`, timestamp, SCALARS.String, aliasOf),
    value: text(value),
  }));
  const told = [
    { ...head(GAP, timestamp, DATA_SET, aliasOf), isNull: true },
    { ...head(RESULT, timestamp, SCALARS.String, aliasOf), isNull: true },
  ];
  return [control, ...properties, ...told];
}

function head(name: string, timestamp: bigint, datatype: number, aliasOf: (name: string) => Pick<Metric, 'alias'>): Metric {
  return { name, ...aliasOf(name), timestamp, datatype };
}

function identity({ id, location, labels }: GatewayIdentity, version: string): Readonly<Record<string, string>> {
  return {
    Gateway: id,
    ...(location === undefined ? {} : { Location: location }),
    Software: 'Fieldmarshal',
    'Software Version': version,
    Hardware: `${machine()} (${arch()})`,
    'Operating System': `${type()} ${release()}`,
    ...Object.fromEntries(Object.entries(labels).map(([name, value]) => [`Labels/${name}`, value])),
  };
}

function text(value: string): MetricValue {
  return { case: 'stringValue', value };
}
