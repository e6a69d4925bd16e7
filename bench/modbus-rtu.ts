import { planOf } from '../test/connectors/modbus/modbus-plan.ts';
import type { Bench } from './harness/bench.ts';
import { type Child, startChild } from './harness/child.ts';
import { compare } from './harness/compare.ts';
import type { Effort } from './harness/effort.ts';
import type { Row } from './harness/row.ts';
import { sample } from './harness/sample.ts';
import { BarePort } from './modbus/bare-port.ts';
import { transactionMs } from './modbus/exact-line.ts';
import { never, type OpenLine, openLine } from './modbus/open-line.ts';

const UNITS = 8;
const REGISTERS = 50;
const REQUEST_BYTES = 8;
const ANSWER_BYTES = 5 + 2 * REGISTERS;
const WIRE = `what the wire allows: request, silence, answer, silence, ${REGISTERS} registers, ${UNITS} units in turn that answer at once`;
const BARE = `serialport alone on the same kind of pseudo-terminal, which checks nothing and spins away the silence`;
const FASTEST = 115_200;

/** Modbus RTU: how much of a serial line's time is used. */
export const modbusRtu: Bench = async (effort) => {
  const rows: Row[] = [];
  for (const baudRate of effort.isQuick ? [FASTEST] : [9_600, 19_200, FASTEST])
    rows.push(...(await againstWire(baudRate, effort)));
  return [...rows, ...(await againstPort(FASTEST, effort))];
};

async function againstWire(baudRate: number, effort: Effort): Promise<readonly Row[]> {
  const units = await startUnits(baudRate);
  const line = await openSerialLine(units.ready.path, baudRate);
  try {
    return await compare(
      {
        rows: { perSecond: { name: `modbus-rtu, ${baudRate} baud`, unit: 'requests/s', note: WIRE } },
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

/** How much of what is missing is the way through the operating system. */
async function againstPort(baudRate: number, effort: Effort): Promise<readonly Row[]> {
  const children = [await startUnits(baudRate), await startUnits(baudRate)] as const;
  const [ours, theirs] = children;
  const line = await openSerialLine(ours.ready.path, baudRate);
  const port = await BarePort.open(theirs.ready.path, baudRate);
  try {
    return await compare(
      {
        rows: { perSecond: { name: `modbus-rtu, ${baudRate} baud, bare port`, unit: 'requests/s', note: BARE } },
        ours: () => sample(() => askInTurn(line, effort.sampleMs)),
        limit: () => sample(() => port.run(REGISTERS, effort.sampleMs)),
      },
      effort,
    );
  } finally {
    await line.close();
    await port.close();
    for (const child of children) await child.stop();
  }
}

function startUnits(baudRate: number): Promise<Child<{ path: string }>> {
  return startChild(import.meta.url, './modbus/serial-units.ts', [String(baudRate), String(UNITS)]);
}

/** Pseudo-terminals have no parity; with two stop bits a character still has 11 bits. */
function openSerialLine(port: string, baudRate: number): Promise<OpenLine> {
  const settings = { port, baudRate, parity: 'none', stopBits: 2, timeout: '1 s' };
  return openLine(planOf('modbus-rtu', settings, { meter: { points: {} } }));
}

async function askInTurn({ line }: OpenLine, forMs: number): Promise<number> {
  const untilMs = performance.now() + forMs;
  let asked = 0;
  for (; performance.now() < untilMs; asked += 1) {
    const request = { function: 3, unit: 1 + (asked % UNITS), address: 0, count: REGISTERS } as const;
    await line.use({ unit: 1, deadlineMs: 0 }, never, (ask) => ask(request));
  }
  return asked;
}
