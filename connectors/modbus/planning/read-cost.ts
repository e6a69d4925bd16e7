import { isBitTable, type Table } from '../mapping/address.ts';
import { isSerial, type ModbusPlan } from '../mapping/plan.ts';
import type { SerialSettings } from '../mapping/settings.ts';
import { transactionBytes } from '../protocol/framing.ts';
import { framingOf } from '../protocol/framings.ts';
import { readFunction } from '../protocol/request.ts';
import { type LineSpeed, wireMs } from '../protocol/timing.ts';

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
  const restMs = turnAroundMs + plan.settings.pauseBetweenRequests;
  if (plan.protocol === 'modbus-tcp') return (table, count) => restMs + TCP_REGISTER_MS * registers(table, count);
  const framing = framingOf(plan);
  const speed = isSerial(plan) ? plan.settings : LINE_BEHIND_CONVERTER;
  const answerSilenceMs = framing.silenceMs(speed.baudRate);
  const requestSilenceMs = isSerial(plan) ? silenceMs(plan) : answerSilenceMs;
  return (table, count) => {
    const bytes = transactionBytes({ function: readFunction(table), unit: 1, address: 0, count }, framing);
    return wireMs(bytes.request + bytes.answer, speed) + answerSilenceMs + requestSilenceMs + restMs;
  };
}

/** Silence that is kept before each request. */
export function silenceMs(plan: ModbusPlan<SerialSettings>): number {
  const { interFrameDelay, baudRate } = plan.settings;
  return interFrameDelay ?? framingOf(plan).silenceMs(baudRate);
}

function registers(table: Table, count: number): number {
  return isBitTable(table) ? count / 16 : count;
}
