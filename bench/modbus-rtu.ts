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
import { countPolls, pollLine } from './modbus/polled-line.ts';

const UNITS = 8;
const REGISTERS = 50;
const REQUEST_BYTES = 8;
const ANSWER_BYTES = 5 + 2 * REGISTERS;
const WIRE = `what the wire allows: request, silence, answer, silence, ${REGISTERS} registers, ${UNITS} units in turn that answer at once`;
const BARE = `serialport alone on the same kind of pseudo-terminal, which checks nothing and spins away the silence`;
const FASTEST = 115_200;
const POLL_MS = 500;

/** Modbus RTU: how much of a serial line's time is used. */
export const modbusRtu: Bench = async (effort) => {
  const rows: Row[] = [];
  for (const baudRate of effort.isQuick ? [FASTEST] : [9_600, 19_200, FASTEST])
    rows.push(...(await againstWire(baudRate, effort)));
  return [...rows, ...(await againstPort(FASTEST, effort)), ...(await withTrouble(FASTEST, effort))];
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

const TROUBLE = `the least of ${UNITS - 2} healthy units, each asked every ${POLL_MS} ms, beside one that died and one that answers at random after 0 to 300 ms; the limit is the same on a line where all are healthy, polled at the same time`;

/** Neighbours must not suffer: both lines are polled at the same time, so that what the machine does meanwhile hits both. */
async function withTrouble(baudRate: number, effort: Effort): Promise<readonly Row[]> {
  const children = [await startUnits(baudRate, 'troubled'), await startUnits(baudRate)];
  const lines = await Promise.all(children.map(({ ready }) => pollLine(polledPlan(ready.path, baudRate))));
  let window: Promise<readonly ReadonlyMap<string, number>[]> = Promise.resolve([]);
  const least = async (index: number) => {
    const healthy = [...((await window)[index] ?? [])].slice(0, UNITS - 2).map(([, polls]) => polls);
    return { perSecond: Math.min(...healthy) / (troubleMs / 1_000) };
  };
  const troubleMs = effort.isQuick ? 1_000 : 5 * effort.sampleMs;
  try {
    return await compare(
      {
        rows: { perSecond: { name: `modbus-rtu, ${baudRate} baud, neighbours of trouble`, unit: 'polls/s', note: TROUBLE } },
        ours: () => {
          window = countPolls(lines, troubleMs);
          return least(0);
        },
        limit: () => least(1),
      },
      effort,
    );
  } finally {
    for (const line of lines) await line.close();
    for (const child of children) await child.stop();
  }
}

function polledPlan(port: string, baudRate: number) {
  const point = { address: { holding: 0 }, type: 'string', length: REGISTERS, intervalMs: POLL_MS } as const;
  const devices = Array.from({ length: UNITS }, (_, index) => {
    const sketch = { settings: { unit: index + 1 }, points: { all: point } };
    return [`unit-${index + 1}`, sketch] as const;
  });
  const settings = { port, baudRate, parity: 'none', stopBits: 2, timeout: '500 ms' };
  return planOf('modbus-rtu', settings, Object.fromEntries(devices));
}

function startUnits(baudRate: number, ...more: readonly string[]): Promise<Child<{ path: string }>> {
  return startChild(import.meta.url, './modbus/serial-units.ts', [String(baudRate), String(UNITS), ...more]);
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
