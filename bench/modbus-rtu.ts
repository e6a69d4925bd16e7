import { planOf } from '../test/connectors/modbus/modbus-plan.ts';
import type { Bench } from './harness/bench.ts';
import { startChild } from './harness/child.ts';
import { compare } from './harness/compare.ts';
import type { Effort } from './harness/effort.ts';
import type { Row } from './harness/row.ts';
import { sample } from './harness/sample.ts';
import { transactionMs } from './modbus/exact-line.ts';
import { never, type OpenLine, openLine } from './modbus/open-line.ts';

const UNITS = 8;
const REGISTERS = 50;
const REQUEST_BYTES = 8;
const ANSWER_BYTES = 5 + 2 * REGISTERS;
const NOTE = `what the wire allows: request, silence, answer, silence, ${REGISTERS} registers, ${UNITS} units in turn that answer at once`;

/** Modbus RTU: how much of a serial line's time is used. */
export const modbusRtu: Bench = async (effort) => {
  const rows: Row[] = [];
  for (const baudRate of effort.isQuick ? [115_200] : [9_600, 19_200, 115_200]) rows.push(...(await lineUse(baudRate, effort)));
  return rows;
};

async function lineUse(baudRate: number, effort: Effort): Promise<readonly Row[]> {
  const units = await startChild<{ path: string }>(import.meta.url, './modbus/serial-units.ts', [
    String(baudRate),
    String(UNITS),
  ]);
  // Pseudo-terminals have no parity; with two stop bits a character still has 11 bits.
  const settings = { port: units.ready.path, baudRate, parity: 'none', stopBits: 2, timeout: '1 s' };
  const line = await openLine(planOf('modbus-rtu', settings, { meter: { points: {} } }));
  try {
    return await compare(
      {
        rows: { perSecond: { name: `modbus-rtu, ${baudRate} baud`, unit: 'requests/s', note: NOTE } },
        ours: () => sample(() => askInTurn(line, effort.sampleMs)),
        limit: async () => ({ perSecond: 1_000 / transactionMs(REQUEST_BYTES, ANSWER_BYTES, baudRate) }),
      },
      effort,
    );
  } finally {
    await line.close();
    await units.stop();
  }
}

async function askInTurn({ line }: OpenLine, forMs: number): Promise<number> {
  const untilMs = performance.now() + forMs;
  let asked = 0;
  for (; performance.now() < untilMs; asked += 1) {
    const request = { function: 3, unit: 1 + (asked % UNITS), address: 0, count: REGISTERS } as const;
    await line.use('poll', never, (ask) => ask(request));
  }
  return asked;
}
