import { isBitTable, type Table } from './address.ts';
import { isSerial, type ModbusPlan } from './plan.ts';
import { frameBytes, readFunction } from './request.ts';
import type { ModbusSettings, RtuSettings } from './settings.ts';
import { type LineSpeed, silentIntervalMs, transactionMs } from './timing.ts';

/**
 * What a read costs, in milliseconds for which the connection is busy. On a serial line every byte counts; on TCP it is the
 * device that takes its time, mostly for the request and hardly for the registers.
 */
export type ReadCost = (table: Table, count: number) => number;

/** How long a device thinks, until that was measured. Meters take 2 to 20 ms, PLCs wait for the end of their cycle. */
export const ASSUMED_TURN_AROUND_MS = 5;

/** What small PLCs and our own decoding take for one more register on TCP; the network itself takes less than a microsecond. */
const TCP_REGISTER_MS = 0.01;

/** Behind a converter the line is as good as never slower, and nobody tells how fast it is. */
const LINE_BEHIND_CONVERTER: LineSpeed = { baudRate: 19_200, parity: 'even', stopBits: 1 };

export function readCost(plan: ModbusPlan, turnAroundMs = ASSUMED_TURN_AROUND_MS): ReadCost {
  const { settings } = plan;
  if (isSerial(plan)) return lineCost(plan.settings, silenceMs(plan.settings), turnAroundMs + settings.pauseBetweenRequests);
  const restMs = turnAroundMs + settings.pauseBetweenRequests;
  if (plan.protocol === 'modbus-tcp') return (table, count) => restMs + TCP_REGISTER_MS * registers(table, count);
  return lineCost(LINE_BEHIND_CONVERTER, silentIntervalMs(LINE_BEHIND_CONVERTER.baudRate), restMs);
}

/** Silence that is kept before each request. */
export function silenceMs({ interFrameDelay, baudRate }: RtuSettings): number {
  return interFrameDelay ?? silentIntervalMs(baudRate);
}

/** The speed of the line that answers come over; `undefined` where bytes take no time worth counting. */
export function lineSpeed({ protocol, settings }: { readonly protocol: string; readonly settings: ModbusSettings }) {
  if (protocol === 'modbus-rtu') return settings as RtuSettings;
  return protocol === 'modbus-tcp' ? undefined : LINE_BEHIND_CONVERTER;
}

function lineCost(speed: LineSpeed, silence: number, restMs: number): ReadCost {
  return (table, count) => {
    const { request, answer } = frameBytes({ function: readFunction(table), unit: 1, address: 0, count });
    return transactionMs(request, answer, speed, silence) + restMs;
  };
}

function registers(table: Table, count: number): number {
  return isBitTable(table) ? count / 16 : count;
}
