import { join } from 'node:path';
import type { DevicePlan, GatewayPlan } from '../model/plan.ts';
import type { ClockDoubt, TwinMessage } from '../model/twin-message.ts';
import { ClockKnowledge } from '../runtime/clock-knowledge.ts';
import { type ClockStep, GatewayClock } from '../runtime/gateway-clock.ts';
import type { Log } from '../runtime/log.ts';
import { systemTime, type TimeSource } from '../runtime/time-source.ts';
import type { Acquisition } from '../southbound/acquisition.ts';
import type { Spool } from '../spool/spool.ts';
import type { RunningDevice } from './device.ts';

export interface GatewayTime {
  readonly clock: GatewayClock;
  readonly knowledge: ClockKnowledge;
}

/** The clock of a gateway; it knows in the state directory what was learnt about time before. */
export async function openTime(
  plan: Pick<GatewayPlan, 'clock'>,
  stateDirectory: string,
  source: TimeSource = systemTime(plan.clock.setFile),
): Promise<GatewayTime> {
  const knowledge = await ClockKnowledge.read(join(stateDirectory, 'clock.json'));
  return { clock: new GatewayClock({ source, knowledge }), knowledge };
}

/** A message with the times as they are known now, and a word where the time of sending is not. */
export function asSentNow({ clock, knowledge }: GatewayTime, message: TwinMessage): TwinMessage {
  const corrected = knowledge.correct(message);
  return clock.isKnown ? corrected : { ...corrected, isSentDoubted: true };
}

export interface WatchedParts {
  readonly plan: Pick<GatewayPlan, 'devices'>;
  readonly field: {
    readonly connections: readonly { readonly acquisition: Pick<Acquisition, 'beforeStep' | 'stepped'> }[];
    readonly devices: ReadonlyMap<string, Pick<RunningDevice, 'flush'>>;
  };
  readonly spool: Pick<Spool, 'append'>;
  readonly log: Log;
}

/** Looks at the clock until the signal is aborted; a step is logged and told to every twin, behind what was stamped before it. */
export function watchTime(clock: GatewayClock, { plan, field, spool, log }: WatchedParts, signal: AbortSignal): void {
  if (!clock.isKnown) log.warn('clock doubted', { time: iso(clock.nowMs()), action: 'messages say so until the clock is set' });
  const beforeStep = () => {
    for (const { acquisition } of field.connections) acquisition.beforeStep();
    for (const device of field.devices.values()) device.flush();
  };
  const stepped = ({ fromTimeMs, toTimeMs }: ClockStep) => {
    for (const { acquisition } of field.connections) acquisition.stepped(toTimeMs - fromTimeMs);
  };
  const onStep = (step: ClockStep) => {
    log.warn('clock stepped', { ...bodyOf(step) });
    const drafts = plan.devices.map((device) => ({ message: stepMessage(device, step, clock.doubt), hubs: device.hubs.status }));
    spool.append(drafts).catch((error: unknown) => log.error('append failed', { error }));
  };
  void clock.watch({ beforeStep, stepped, onStep }, signal);
}

/** Tells a twin that the clock was set. */
export function stepMessage(
  { twin, model }: Pick<DevicePlan, 'twin' | 'model'>,
  step: ClockStep,
  doubt?: ClockDoubt,
): TwinMessage {
  return {
    twin,
    ...(model === undefined ? {} : { model }),
    ...{ kind: 'status', startTimeMs: step.toTimeMs, values: {}, body: bodyOf(step) },
    ...(doubt === undefined ? {} : { clock: doubt }),
  };
}

function bodyOf({ fromTimeMs, toTimeMs, isKnown }: ClockStep): Readonly<Record<string, unknown>> {
  return { state: 'clock stepped', from: iso(fromTimeMs), to: iso(toTimeMs), offsetMs: toTimeMs - fromTimeMs, isKnown };
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
