import type { Clock } from '../../src/runtime/clock.ts';
import type { Connector, ConnectorStatus, CreateConnector } from '../../src/southbound/connector.ts';
import type { BytePort } from './byte-port.ts';
import { type Count, createCounters } from './counters.ts';
import { Line } from './line.ts';
import { lineLoadPercent } from './line-load.ts';
import { MbapWire } from './mbap-wire.ts';
import { isSerial, type ModbusPlan } from './plan.ts';
import { RtuWire } from './rtu-wire.ts';
import { openSerialPort } from './serial-port.ts';
import { ModbusSession } from './session.ts';
import type { RtuOverTcpSettings, RtuSettings } from './settings.ts';
import { openTcpPort } from './tcp-port.ts';
import { silentIntervalMs, wireMs } from './timing.ts';
import { Units } from './units.ts';
import type { Wire } from './wire.ts';

export const createConnector: CreateConnector = (untyped, { clock, log }) => {
  const plan = untyped as ModbusPlan;
  const counters = createCounters();
  const units = new Units(plan, clock);
  const loadOnce = once(() => lineLoad(plan));
  const connector: Connector = {
    name: plan.name,
    open: async (signal) => {
      const port = await openPort(plan, clock, signal);
      units.opened();
      const line = createLine(plan, port, { units, clock, count: counters.count });
      return new ModbusSession({ plan, port, line, units, clock, count: counters.count, log });
    },
    status: (): ConnectorStatus => ({
      counters: counters.values(),
      devices: Object.fromEntries(plan.devices.map(({ twin, settings }) => [twin, units.stateOf(settings.unit)])),
      details: { ...loadOnce(), answerMsByUnit: units.answerMs() },
    }),
  };
  return connector;
};

/** A status is asked for often, the plan never changes. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    if (made === undefined) made = { value: make() };
    return made.value;
  };
}

function lineLoad(plan: ModbusPlan): Readonly<Record<string, unknown>> {
  return isSerial(plan) ? { lineLoadPercent: Math.round(lineLoadPercent(plan)) } : {};
}

function openPort(plan: ModbusPlan, clock: Clock, signal: AbortSignal): Promise<BytePort> {
  if (isSerial(plan)) return openSerialPort(plan.name, plan.settings, clock, signal);
  return openTcpPort(plan.name, plan.settings as RtuOverTcpSettings, clock, signal);
}

interface LineParts {
  readonly units: Units;
  readonly clock: Clock;
  readonly count: Count;
}

function createLine(plan: ModbusPlan, port: BytePort, { units, clock, count }: LineParts): Line {
  const { retries, pauseBetweenRequests: pauseMs } = plan.settings;
  const maxTimeouts = 'maxTimeouts' in plan.settings ? plan.settings.maxTimeouts : undefined;
  const wire = createWire(plan, port, clock, count);
  return new Line({ name: plan.name, wire, units, retries, pauseMs, maxTimeouts, clock, count });
}

function createWire(plan: ModbusPlan, port: BytePort, clock: Clock, count: Count): Wire {
  const { timeout: timeoutMs } = plan.settings;
  if (plan.protocol === 'modbus-tcp') return new MbapWire(port, timeoutMs, clock, count);
  const { lateWindow, echo } = plan.settings as RtuOverTcpSettings | RtuSettings;
  const lateWindowMs = lateWindow ?? timeoutMs / 4;
  return new RtuWire(port, { timeoutMs, lateWindowMs, echo, ...lineTiming(plan), clock, count });
}

function lineTiming(plan: ModbusPlan): { readonly silenceMs: number; wireMs(bytes: number): number } {
  if (!isSerial(plan)) return { silenceMs: 0, wireMs: () => 0 };
  const { settings } = plan;
  const silenceMs = settings.interFrameDelay ?? silentIntervalMs(settings.baudRate);
  return { silenceMs, wireMs: (bytes) => wireMs(bytes, settings) };
}
