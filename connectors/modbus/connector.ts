import type { Clock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import type { Connector, ConnectorStatus, CreateConnector } from '../../src/southbound/connector.ts';
import { isSerial, type ModbusPlan } from './mapping/plan.ts';
import type { OverTcpSettings, SerialSettings, TcpSettings } from './mapping/settings.ts';
import { busyPercent, plannedGroups } from './planning/line-load.ts';
import { silenceMs } from './planning/read-cost.ts';
import { RefusedRanges } from './planning/refused-ranges.ts';
import { missedMeanwhile, polledGroups } from './polling/polled-groups.ts';
import { type Count, createCounters } from './protocol/counters.ts';
import { framingOf } from './protocol/framings.ts';
import { wireMs } from './protocol/timing.ts';
import { ModbusSession } from './session.ts';
import type { BytePort } from './wire/byte-port.ts';
import { FirstAnswer } from './wire/first-answer.ts';
import { Line } from './wire/line.ts';
import { type OpenWire, openMbap } from './wire/open-mbap.ts';
import { openSerialPort } from './wire/serial-port.ts';
import { SerialWire } from './wire/serial-wire.ts';
import { openTcpPort, withInbox } from './wire/tcp-port.ts';
import { Units } from './wire/units.ts';
import type { Wire } from './wire/wire.ts';

export const createConnector: CreateConnector = (untyped, { clock, log }) => {
  const plan = untyped as ModbusPlan;
  const counters = createCounters();
  const units = new Units(plan, clock);
  const refused = new RefusedRanges(clock);
  const groups = polledGroups(plan);
  const firstAnswer = once(() => new FirstAnswer(plan, counters.count));
  /** Connections say nothing of the device any more. */
  let isDoubtful = false;
  const loadOnce = once(() => lineLoad(plan));
  const begin = (atMs: number) => {
    for (const { cycle } of groups) cycle.begin(atMs);
  };
  const connector: Connector = {
    name: plan.name,
    begin: () => begin(clock.monotonicMs()),
    open: async (signal) => {
      const attemptedMs = clock.monotonicMs();
      const parts = { units, clock, count: counters.count };
      const { port, wire } = await openWire(plan, { ...parts, log }, signal)
        .then((opened) => (isDoubtful ? whenAnswered(opened, firstAnswer(), units, signal) : opened))
        .catch((error: unknown) => {
          // From then on polls are due that nobody makes.
          begin(attemptedMs);
          throw error;
        });
      units.opened();
      void port.lost.then(({ code }) => {
        isDoubtful = code === 'LINK_TIMEOUT' || !units.wasHeard;
      });
      const line = createLine(plan, wire, parts);
      return new ModbusSession({ plan, groups, port, line, units, refused, clock, count: counters.count, log });
    },
    missed: (untilMs) => missedMeanwhile(groups, clock, untilMs),
    status: (): ConnectorStatus => ({
      counters: counters.values(),
      devices: Object.fromEntries(plan.devices.map(({ twin, settings }) => [twin, units.stateOf(settings.unit)])),
      details: { ...loadOnce(), answersByUnit: units.history.list(), refusedByUnit: refused.list() },
    }),
  };
  return connector;
};

/** Leaves nothing open when it rejects. */
async function whenAnswered({ port, wire }: OpenWire, first: FirstAnswer, units: Units, signal: AbortSignal): Promise<OpenWire> {
  const stop = () => void port.close();
  signal.addEventListener('abort', stop);
  try {
    await first.await(wire, units);
    signal.throwIfAborted();
    return { port, wire };
  } catch (error) {
    await port.close();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A status is asked for often, the plan never changes. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    if (made === undefined) made = { value: make() };
    return made.value;
  };
}

function lineLoad(plan: ModbusPlan): Readonly<Record<string, unknown>> {
  return isSerial(plan) ? { lineLoadPercent: Math.round(busyPercent(plannedGroups(plan))) } : {};
}

interface LineParts {
  readonly units: Units;
  readonly clock: Clock;
  readonly count: Count;
}

function createLine(plan: ModbusPlan, wire: Wire, { units, clock, count }: LineParts): Line {
  const { retries, pauseBetweenRequests: pauseMs } = plan.settings;
  const maxTimeouts = 'maxTimeouts' in plan.settings ? plan.settings.maxTimeouts : undefined;
  return new Line({ name: plan.name, wire, units, retries, pauseMs, maxTimeouts, clock, count });
}

interface WireParts extends LineParts {
  readonly log: Log;
}

async function openWire(plan: ModbusPlan, parts: WireParts, signal: AbortSignal): Promise<OpenWire> {
  const { clock } = parts;
  if (isSerial(plan)) return onLine(plan, await openSerialPort(plan.name, plan.settings, clock, signal), parts);
  if (plan.protocol === 'modbus-tcp') return openMbap(plan as ModbusPlan<TcpSettings>, parts, signal);
  const port = await openTcpPort(plan.name, plan.settings as OverTcpSettings, clock, signal);
  return onLine(plan, withInbox(port, clock), parts);
}

function onLine(plan: ModbusPlan, port: BytePort, parts: WireParts): OpenWire {
  const {
    timeout: timeoutMs,
    lateWindow,
    broadcastPause: broadcastPauseMs,
    echo,
  } = plan.settings as OverTcpSettings | SerialSettings;
  const lateWindowMs = lateWindow ?? timeoutMs / 4;
  const options = { framing: framingOf(plan), timeoutMs, lateWindowMs, broadcastPauseMs, echo };
  return { port, wire: new SerialWire(port, { ...options, ...lineTiming(plan), ...parts }) };
}

function lineTiming(plan: ModbusPlan): { readonly silenceMs: number; wireMs(bytes: number): number } {
  if (!isSerial(plan)) return { silenceMs: 0, wireMs: () => 0 };
  return { silenceMs: silenceMs(plan), wireMs: (bytes) => wireMs(bytes, plan.settings) };
}
