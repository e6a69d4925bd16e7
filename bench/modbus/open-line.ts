import { isSerial, type ModbusPlan } from '../../connectors/modbus/mapping/plan.ts';
import type { TcpSettings } from '../../connectors/modbus/mapping/settings.ts';
import { silenceMs } from '../../connectors/modbus/planning/read-cost.ts';
import { createCounters } from '../../connectors/modbus/protocol/counters.ts';
import { rtuFraming } from '../../connectors/modbus/protocol/rtu-framing.ts';
import { wireMs } from '../../connectors/modbus/protocol/timing.ts';
import { Line } from '../../connectors/modbus/wire/line.ts';
import { MbapWire } from '../../connectors/modbus/wire/mbap-wire.ts';
import { openSerialPort } from '../../connectors/modbus/wire/serial-port.ts';
import { SerialWire } from '../../connectors/modbus/wire/serial-wire.ts';
import { openTcpPort } from '../../connectors/modbus/wire/tcp-port.ts';
import { Units } from '../../connectors/modbus/wire/units.ts';
import { systemClock as clock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';

/** The connector's line with nothing above it: who is asked what is decided here, not by intervals. */
export interface OpenLine {
  readonly line: Line;
  readonly units: Units;
  close(): Promise<void>;
}

export const never = new AbortController().signal;
export const { count } = createCounters();

export async function openLine(plan: ModbusPlan): Promise<OpenLine> {
  const units = new Units(plan, clock);
  const { timeout: timeoutMs, retries } = plan.settings;
  const options = { name: plan.name, units, retries, pauseMs: 0, maxTimeouts: undefined, clock, count };
  if (!isSerial(plan)) {
    const port = await openTcpPort(plan.name, plan.settings as TcpSettings, clock, never);
    return {
      line: new Line({ ...options, wire: new MbapWire(port, { timeoutMs, maxInFlight: 1, units, clock, count }) }),
      units,
      close: () => port.close(),
    };
  }
  const { settings } = plan;
  const port = await openSerialPort(plan.name, settings, clock, never);
  const wire = new SerialWire(port, {
    framing: rtuFraming,
    timeoutMs,
    silenceMs: silenceMs(plan),
    lateWindowMs: timeoutMs / 4,
    broadcastPauseMs: settings.broadcastPause,
    echo: settings.echo,
    units,
    wireMs: (bytes) => wireMs(bytes, settings),
    clock,
    count,
    log: silentLog,
  });
  return { line: new Line({ ...options, wire }), units, close: () => port.close() };
}
