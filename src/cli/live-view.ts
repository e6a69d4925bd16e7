import type { ConnectionStatus, DeviceStatus, GatewayStatus, HubStatus, LinkStatus, PointStatus } from '../model/status.ts';
import { describeValue } from '../model/value.ts';
import { clip, pad } from './display-text.ts';

export interface ViewSize {
  readonly columns: number;
  readonly rows: number;
}

/** What the view shows beside the gateway's own status. */
export interface ViewExtras {
  /** Newest last. */
  readonly events: readonly string[];
  /** One line that says what can be typed. */
  readonly hint: string;
  /** What is being typed. */
  readonly prompt: string;
}

const MAX_EVENTS = 6;
const MIN_COLUMNS_FOR_TWO = 76;
const MAX_CELL_COLUMNS = 90;

/** The whole screen: exactly `rows` lines of at most `columns` columns. Pure. */
export function renderLiveView(status: GatewayStatus, size: ViewSize, extras: ViewExtras): string[] {
  const links = [
    ...status.connections.map((one) => connectionLine(one, status)),
    ...status.hubs.map((one) => hubLine(one, status)),
  ];
  const head = [headLine(status), '', ...links, spoolLine(status), ''];
  const tail = ['', clip(extras.hint, size.columns), `> ${extras.prompt}▏`];
  const room = Math.max(0, size.rows - head.length - tail.length);
  const events = extras.events.slice(-Math.min(MAX_EVENTS, Math.floor(room / 3)));
  const points = pointLines(status, size.columns, room - events.length);
  const filler = Array.from({ length: Math.max(0, room - events.length - points.length) }, () => '');
  const lines = [...head, ...points, ...filler, ...events, ...tail];
  return fitRows(lines, size.rows).map((line) => clip(line, size.columns));
}

/** A screen that is too low keeps its last lines, where one types. */
function fitRows(lines: readonly string[], rows: number): readonly string[] {
  return lines.length <= rows ? lines : lines.slice(lines.length - rows);
}

function headLine({ gateway, version, startedTimeMs, nowMs }: GatewayStatus): string {
  return `Fieldmarshal ${version}  ${gateway}  running ${formatAge(nowMs - startedTimeMs)}`;
}

function connectionLine({ name, protocol, link }: ConnectionStatus, status: GatewayStatus): string {
  return `${pad(protocol, 12)} ${linkText(link, status.nowMs)}  ${name}${errorText(link)}`;
}

function hubLine({ name, link, waitingMessages, inFlight, counters }: HubStatus, status: GatewayStatus): string {
  const sent = counters.acknowledged_messages ?? 0;
  const numbers = `${sent} sent, ${waitingMessages} to send, ${inFlight} in flight`;
  return `${pad('hub', 12)} ${linkText(link, status.nowMs)}  ${name}: ${numbers}${errorText(link)}`;
}

function spoolLine({ spool, hubs }: GatewayStatus): string {
  const depth = Math.max(0, ...hubs.map(({ waitingMessages }) => waitingMessages));
  const bytes = `${formatBytes(spool.bytes)} of ${formatBytes(spool.maxBytes)}`;
  return `${pad('spool', 12)} ${pad(spool.state, 14)}  ${depth} messages deep, ${bytes}, ${spool.segments} segments`;
}

function linkText({ state, sinceMs, retryAtMs }: LinkStatus, nowMs: number): string {
  if (state === 'waiting' && retryAtMs !== undefined) return pad(`waiting ${formatAge(retryAtMs - nowMs)}`, 14);
  return pad(sinceMs === undefined ? state : `${state} ${formatAge(nowMs - sinceMs)}`, 14);
}

function errorText({ error }: LinkStatus): string {
  return error === undefined ? '' : `  ${error.code}: ${error.message}`;
}

function pointLines(status: GatewayStatus, columns: number, rows: number): readonly string[] {
  const devices = status.connections.flatMap((connection) => connection.devices);
  const cellCount = devices.reduce((count, { points }) => count + 1 + points.length, 0);
  const columnCount = columns >= MIN_COLUMNS_FOR_TWO && cellCount > rows ? 2 : 1;
  const width = Math.min(MAX_CELL_COLUMNS, Math.floor((columns - 2 * (columnCount - 1)) / columnCount));
  const cells = devices.flatMap((device) => [
    deviceCell(device, width),
    ...device.points.map((point) => pointCell(point, width, status.nowMs)),
  ]);
  const needed = Math.ceil(cells.length / columnCount);
  if (needed <= rows) return inColumns(cells, columnCount, needed);
  const shown = Math.max(0, rows - 1) * columnCount;
  const rest = `… ${cells.length - shown} more in a larger window`;
  return [...inColumns(cells.slice(0, shown), columnCount, rows - 1), rest].slice(0, rows);
}

/** Column by column, so that a device stays together. */
function inColumns(cells: readonly string[], columnCount: number, rows: number): readonly string[] {
  return Array.from({ length: Math.max(0, rows) }, (_, row) =>
    Array.from({ length: columnCount }, (_, column) => cells[column * rows + row] ?? '')
      .join('  ')
      .trimEnd(),
  );
}

function deviceCell({ twin, state, readings, messages, error }: DeviceStatus, width: number): string {
  const why = error === undefined ? '' : `  ${error.code}`;
  return pad(`${twin}  ${state}  ${readings} readings, ${messages} messages${why}`, width);
}

const QUALITY = { good: 'good', uncertain: 'unc.', bad: 'bad ' } as const;

function pointCell(point: PointStatus, width: number, nowMs: number): string {
  const age = point.sourceTimeMs === undefined ? '' : formatAge(nowMs - point.sourceTimeMs);
  const right = `${point.quality === undefined ? '    ' : QUALITY[point.quality]} ${pad(age, 5, 'right')}`;
  const rest = Math.max(4, width - right.length - 4);
  const nameWidth = Math.ceil(rest / 2);
  return pad(`  ${pad(point.name, nameWidth)} ${pad(valueText(point), rest - nameWidth, 'right')} ${right}`, width);
}

function valueText({ value, unit, status }: PointStatus): string {
  if (value === undefined) return '–';
  if (value === null) return status ?? 'no value';
  const text =
    typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(6))) : describeValue(value);
  return unit === undefined ? text : `${text} ${unit}`;
}

export function formatAge(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 120) return `${Math.floor(seconds)}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return `${Math.floor(seconds / 3_600)}h`;
}

export function formatBytes(bytes: number): string {
  const power = bytes < 1_024 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1_024 ** power;
  return `${Number.isInteger(amount) ? amount : amount.toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB'][power]}`;
}
