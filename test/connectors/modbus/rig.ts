import { createConnector } from '../../../connectors/modbus/connector.ts';
import type { ModbusPlan, ModbusPlanPoint } from '../../../connectors/modbus/mapping/plan.ts';
import type { Value } from '../../../src/model/value.ts';
import { type Clock, systemClock } from '../../../src/runtime/clock.ts';
import { silentLog } from '../../../src/runtime/log.ts';
import type { Connector, ConnectorSession, OneShot, WriteResult } from '../../../src/southbound/connector.ts';
import { pointNamed } from './modbus-plan.ts';

/** A connector and its open session, spoken to by the names of points. */
export interface Rig {
  readonly connector: Connector;
  readonly session: ConnectorSession;
  read(...names: readonly string[]): Promise<readonly OneShot[]>;
  /** The value, or the status of a reading that is not good. */
  value(name: string): Promise<Value | string | null>;
  write(name: string, value: Value): Promise<WriteResult>;
  counter(name: string): number;
}

export const never = new AbortController().signal;

export function connectorOf(plan: ModbusPlan, clock: Clock = systemClock): Connector {
  return createConnector(plan, { log: silentLog, clock, gatewayId: 'test', stateDirectory: '' });
}

export async function openRig(plan: ModbusPlan, clock?: Clock): Promise<Rig> {
  const connector = connectorOf(plan, clock);
  const session = await connector.open(never);
  const find = (name: string): ModbusPlanPoint => pointNamed(plan, name);
  const read = (...names: readonly string[]) => session.read(names.map(find), never);
  return {
    connector,
    session,
    read,
    value: async (name) => {
      const [reading] = await read(name);
      return reading?.quality === 'good' ? reading.value : (reading?.status ?? 'nothing');
    },
    write: async (name, value) => {
      const [result] = await session.write([{ point: find(name), value }], never);
      if (result === undefined) throw new Error('a write without a result');
      return result;
    },
    counter: (name) => connector.status().counters[name] ?? Number.NaN,
  };
}
