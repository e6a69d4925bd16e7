import type { Command } from 'commander';
import { openConnector } from '../gateway/plug-ins.ts';
import { ERRORS, GatewayError } from '../model/error.ts';
import type { ConnectionPlan, DevicePlan, GatewayPlan, PointPlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import { describeValue, type JsonValue } from '../model/value.ts';
import { toJsonValue } from '../pipeline/latest-readings.ts';

import { operators } from '../pipeline/operators/index.ts';
import { engineer } from '../pipeline/pipeline.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import type { OneShot } from '../southbound/connector.ts';
import { presentDevices } from '../southbound/present-devices.ts';
import { EXIT, type ExitCode, type Finish } from './exit-code.ts';
import { loadOneMapping } from './load-one-mapping.ts';

const DEADLINE_MS = 30_000;
/** In the table, which a screen has to hold; JSON has all of it. */
const MAX_RAW = 40;
const MAX_VALUE = 120;

export function addReadCommand(program: Command, finish: Finish): void {
  program
    .command('read')
    .description('read points once and show what came over the wire beside what the mapping makes of it')
    .argument('<mapping>', 'a mapping file')
    .argument('[points...]', 'names of points, as `power` or `meter-1/power`; all without')
    .option('--json', 'print JSON')
    .action(async (mapping: string, points: string[], { json = false }: { json?: boolean }) => {
      finish(await read(mapping, points, json));
    });
}

/** One value as it is shown. */
interface Shown {
  readonly point: string;
  readonly raw: string;
  readonly value: JsonValue;
  readonly unit?: string;
  readonly quality: string;
  readonly status?: string;
  readonly reason?: string;
  readonly time: string;
}

async function read(mapping: string, wanted: readonly string[], json: boolean): Promise<ExitCode> {
  const plan = await loadOneMapping(mapping);
  if (plan === undefined) return EXIT.config;
  const isOpen = plan.devices.some(({ patterns }) => patterns !== undefined);
  if (!isOpen) checkNames(plan.devices, wanted);
  const shown: Shown[] = [];
  for (const connection of plan.connections) shown.push(...(await readConnection(connection, plan, wanted)));
  const unknown = wanted.find((name) => !shown.some(({ point }) => point === name || point.endsWith(`/${name}`)));
  if (unknown !== undefined) throw new GatewayError('USAGE', unknown, 'there is no such point, in the mapping or by browsing');
  process.stdout.write(json ? `${JSON.stringify(shown, null, 2)}\n` : formatTable(shown));
  process.stderr.write(formatAdvice(shown));
  return shown.some(({ quality }) => quality === 'bad') ? EXIT.failed : EXIT.ok;
}

function checkNames(devices: readonly DevicePlan[], wanted: readonly string[]): void {
  const points = devices.flatMap((device) => device.points);
  const unknown = wanted.find((name) => !points.some((point) => isMeant(point, [name])));
  if (unknown === undefined) return;
  const names = points.map(({ point }) => point.name);
  throw new GatewayError('USAGE', unknown, `there is no such point; the mapping has ${[...new Set(names)].join(', ')}`);
}

function isMeant({ point }: PointPlan, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.includes(point.name) || wanted.includes(point.id);
}

async function readConnection(
  connection: ConnectionPlan,
  plan: GatewayPlan,
  wanted: readonly string[],
): Promise<readonly Shown[]> {
  const meantOf = (devices: readonly DevicePlan[]) =>
    devices.flatMap((device) => device.points).filter((point) => point.point.address !== undefined && isMeant(point, wanted));
  const isOpen = connection.devices.some(({ patterns }) => patterns !== undefined);
  if (!isOpen && meantOf(connection.devices).length === 0) return [];
  const context = { log: silentLog, clock: systemClock, stateDirectory: plan.stateDirectory };
  const connector = await openConnector(connection, plan.gateway.id, context);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const session = await connector.open(signal);
  try {
    const points = meantOf(presentDevices(connection, session));
    const readings = await session.read(
      points.map(({ point }) => point),
      signal,
    );
    return points.flatMap((point, index) => {
      const reading = readings[index];
      return reading === undefined ? [] : [show(point, reading)];
    });
  } finally {
    await session.close();
  }
}

function show(point: PointPlan, oneShot: OneShot): Shown {
  const { value, quality, status, sourceTimeMs }: Reading = engineer(operators, point, oneShot);
  return {
    point: point.point.id,
    raw: oneShot.raw,
    value: toJsonValue(value),
    ...(point.point.unit === undefined ? {} : { unit: point.point.unit }),
    quality,
    ...(status === undefined ? {} : { status }),
    ...(oneShot.reason === undefined ? {} : { reason: oneShot.reason }),
    time: new Date(sourceTimeMs).toISOString(),
  };
}

function formatTable(rows: readonly Shown[]): string {
  const header = ['point', 'raw', 'value', 'quality', 'time'];
  const cells = rows.map(({ point, raw, value, unit, quality, status, time }) => [
    point,
    cut(raw, MAX_RAW),
    [cut(shorten(value), MAX_VALUE), unit].filter(Boolean).join(' '),
    [quality, status].filter(Boolean).join(' '),
    time,
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `${[header, ...cells].map(line).join('\n')}\n`;
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** More digits than a float32 holds are noise to the eye; JSON has them all. */
function shorten(value: Shown['value']): string {
  return typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(9))) : describeValue(value);
}

/** What to look at, by the statuses that a person at the device meets most. */
const ADVICE: Readonly<Record<string, string>> = {
  BadTimeout: ERRORS.DEVICE_TIMEOUT.action,
  BadCommunicationError: ERRORS.DEVICE_BAD_FRAME.action,
  BadOutOfRange: ERRORS.DEVICE_EXCEPTION.action,
  BadNotSupported: ERRORS.DEVICE_EXCEPTION.action,
  BadNodeIdUnknown: 'the server has no such node, or no such namespace; `fieldmarshal browse` shows the addresses that there are',
  BadUserAccessDenied: ERRORS.LINK_UNAUTHORIZED.action,
};

/** More differ in their addresses only. */
const MOST_REASONS = 3;

function formatAdvice(rows: readonly Shown[]): string {
  const byStatus = Map.groupBy(
    rows.filter(({ quality }) => quality === 'bad'),
    ({ status = '' }) => status,
  );
  const lines = [...byStatus].flatMap(([status, bad]) => {
    const reasons = [...new Set(bad.flatMap(({ reason }) => reason ?? []))].slice(0, MOST_REASONS);
    return [...reasons, ...(ADVICE[status] === undefined ? [] : [ADVICE[status]])].map((line) => `${status}: ${line}\n`);
  });
  return lines.join('');
}
