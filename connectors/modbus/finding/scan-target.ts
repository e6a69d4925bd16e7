import { GatewayError } from '../../../src/model/error.ts';
import type { ScanOptions } from '../../../src/southbound/scan-tool.ts';
import { isSerialProtocol, type ModbusPlan } from '../mapping/plan.ts';
import {
  asciiConnection,
  lineDevice,
  type ModbusDevice,
  type ModbusSettings,
  overTcpConnection,
  rtuConnection,
  tcpConnection,
  tcpDevice,
} from '../mapping/settings.ts';

const SCHEMAS = {
  'modbus-tcp': { connection: tcpConnection, device: tcpDevice },
  'modbus-rtu': { connection: rtuConnection, device: lineDevice },
  'modbus-rtu-over-tcp': { connection: overTcpConnection, device: lineDevice },
  'modbus-ascii': { connection: asciiConnection, device: lineDevice },
  'modbus-ascii-over-tcp': { connection: overTcpConnection, device: lineDevice },
};
type Scheme = keyof typeof SCHEMAS;
export const SCAN_SCHEMES = Object.keys(SCHEMAS) as readonly Scheme[];

/** By how often they are met in plants. */
const BAUD_RATES = [9_600, 19_200, 115_200, 38_400, 57_600, 4_800, 2_400, 1_200];
const PARITIES = ['none', 'even', 'odd'] as const;
const ASCII_PARITIES = ['even', 'none', 'odd'] as const;
const DEFAULT_TIMEOUT_MS = 500;
/** Devices with their own Ethernet port take 1, 255 or 0; the others stand behind a converter. */
const TCP_UNITS = [1, 255, 0, ...count(2, 247)];
const SERIAL_UNITS = count(1, 247);

/** One way to speak to the target. */
export interface Approach {
  /** For people: `9600 baud, parity none`; empty on a network. */
  readonly text: string;
  /** What goes into a mapping. */
  readonly keys: Readonly<Record<string, unknown>>;
  readonly plan: ModbusPlan;
}

export interface ScanPlan {
  readonly units: readonly number[];
  readonly timeoutMs: number;
  readonly approaches: readonly Approach[];
}

/** Everything that will be tried, in order. Throws USAGE where the target is none. */
export function scanPlan(target: string, options: ScanOptions): ScanPlan {
  const { scheme, keys } = parseTarget(target);
  const units = options.units ?? (scheme === 'modbus-tcp' ? TCP_UNITS : SERIAL_UNITS);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const lines = isSerialProtocol(scheme) ? serialKeys(scheme, options) : [{}];
  const approaches = lines.map((line) => ({
    text: Object.entries(line).map(describeKey).join(', '),
    keys: { protocol: scheme, ...keys, ...line },
    plan: planFor(target, scheme, { ...keys, ...line, timeout: `${timeoutMs} ms` }, units),
  }));
  return { units, timeoutMs, approaches };
}

function serialKeys(scheme: Scheme, { baudRates = BAUD_RATES, parities }: ScanOptions) {
  const ways =
    scheme === 'modbus-rtu'
      ? (parities ?? PARITIES).map((parity) => ({ parity }))
      : (parities ?? ASCII_PARITIES).map((parity) => ({ dataBits: parity === 'none' ? 8 : 7, parity }));
  return baudRates.flatMap((baudRate) => ways.map((way) => ({ baudRate, ...way })));
}

function describeKey([key, value]: readonly [string, unknown]): string {
  if (key === 'dataBits') return `${String(value)} data bits`;
  return key === 'baudRate' ? `${String(value)} baud` : `${key} ${String(value)}`;
}

function parseTarget(target: string): { readonly scheme: Scheme; readonly keys: Readonly<Record<string, unknown>> } {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  const scheme = SCAN_SCHEMES.find((name) => `${name}:` === url?.protocol);
  if (url === undefined || scheme === undefined) throw wrongTarget(target);
  if (isSerialProtocol(scheme)) {
    if (url.host !== '' || url.pathname.length < 2) throw wrongTarget(target);
    return { scheme, keys: { port: decodeURIComponent(url.pathname) } };
  }
  if (url.hostname === '') throw wrongTarget(target);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { scheme, keys: { host, ...(url.port === '' ? {} : { port: Number(url.port) }) } };
}

function wrongTarget(target: string): GatewayError {
  const expected = `expected ${SCAN_SCHEMES.map((scheme) => `${scheme}://${isSerialProtocol(scheme) ? '/dev/PORT' : 'HOST[:PORT]'}`).join(', ')}`;
  return new GatewayError('USAGE', target, expected);
}

/** More than any scan asks: silence is what is expected here. */
const MAX_TIMEOUTS = 1_000;

function planFor(target: string, scheme: Scheme, keys: Readonly<Record<string, unknown>>, units: readonly number[]): ModbusPlan {
  const { connection, device } = SCHEMAS[scheme];
  const patience = isSerialProtocol(scheme) ? {} : { maxTimeouts: MAX_TIMEOUTS };
  const parsed = connection.safeParse({ retries: 0, ...patience, ...keys });
  if (!parsed.success) throw new GatewayError('USAGE', target, parsed.error.issues.map(({ message }) => message).join('; '));
  const settings = parsed.data as ModbusSettings;
  return {
    name: target,
    protocol: scheme,
    endpoint: target,
    settings,
    devices: units.map((unit) => ({
      twin: twinOf(unit),
      labels: {},
      connection: target,
      settings: device.parse({ unit }) as ModbusDevice,
      points: [],
      hubs: { telemetry: [], property: [], event: [], gap: [], status: [] },
      message: { maxBytes: 1, maxAgeMs: 1 },
    })),
  };
}

export function twinOf(unit: number): string {
  return `unit-${unit}`;
}

function count(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
