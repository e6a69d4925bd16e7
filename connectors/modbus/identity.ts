import { type GatewayError, toGatewayError } from '../../src/model/error.ts';
import { type Batch, badReading, type Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { PollCycle } from '../../src/southbound/poll-cycle.ts';
import type { PollGroup, PollOutcome } from '../../src/southbound/poll-groups.ts';
import { categoryOf } from './mapping/identification-objects.ts';
import { type IdentificationPoint, identificationPoints, type ModbusDevicePlan } from './mapping/plan.ts';
import { exceptionNumber } from './protocol/exception.ts';
import { readIdentification } from './protocol/identification.ts';
import { statusName } from './protocol/status-name.ts';
import type { Ask } from './wire/line.ts';
import type { Units } from './wire/units.ts';

const ILLEGAL_VALUE = 3;
const LOOK_EVERY_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A device that does not know the function does not learn it. */
const REFUSED_WAIT_MS = 24 * HOUR_MS;
/** The device identifies itself, but has no such object. */
const NO_OBJECT = 'BadNoData';

/** One reading a point, with the device's own text as value. Rejects only when the link is lost or aborted. */
export async function readIdentity(
  points: readonly IdentificationPoint[],
  { ask, unit, clock }: { readonly ask: Ask; readonly unit: number; readonly clock: Clock },
): Promise<{ readonly readings: readonly Reading[]; readonly error?: GatewayError }> {
  const highest = points.reduce((most, { address }) => Math.max(most, address.address.identification), 0);
  const found = await readUpTo(categoryOf(highest), ask, unit);
  const nowMs = clock.nowMs();
  if (found instanceof Error) {
    if (found.rule.kind !== 'device') throw found;
    return { readings: points.map((point) => badReading(point, statusName(found), nowMs)), error: found };
  }
  const readings = points.map((point): Reading => {
    const text = found.get(point.address.address.identification);
    if (text === undefined) return badReading(point, NO_OBJECT, nowMs);
    return { point, value: text, quality: 'good', sourceTimeMs: nowMs };
  });
  return { readings };
}

/** Devices that do not have a category refuse it as an illegal value; then they are asked for the one below. */
async function readUpTo(category: 1 | 2 | 3, ask: Ask, unit: number): Promise<ReadonlyMap<number, string> | GatewayError> {
  try {
    return await readIdentification(ask, unit, category);
  } catch (error) {
    const failure = toGatewayError(error, `unit ${unit}`);
    if (exceptionNumber(failure) !== ILLEGAL_VALUE || category === 1) return failure;
    return readUpTo(category === 3 ? 2 : 1, ask, unit);
  }
}

export interface IdentityOptions {
  readonly device: ModbusDevicePlan;
  readonly ask: Ask;
  readonly units: Units;
  readonly clock: Clock;
  readonly emit: (batch: Batch) => void;
}

/**
 * The identification of one device into its points: once as soon as it answers, then every hour; one that refuses the function is
 * asked once a day, and one that says nothing to it more and more rarely. Empty where no point wants it.
 */
export function identityGroups({ device, ask, units, clock, emit }: IdentityOptions): readonly PollGroup[] {
  const points = identificationPoints(device);
  const { unit } = device.settings;
  let dueMs = Number.NEGATIVE_INFINITY;
  let silences = 0;
  const isThere = () => {
    if (units.isPolled(unit)) return units.stateOf(unit).state === 'up';
    return !units.isDown(unit) || units.takeProbe(unit);
  };
  const poll = async (signal: AbortSignal): Promise<PollOutcome> => {
    if (clock.monotonicMs() < dueMs || !isThere()) return 'answered';
    const { readings, error } = await readIdentity(points, { ask, unit, clock });
    const isSilent = error !== undefined && exceptionNumber(error) === undefined;
    silences = isSilent ? silences + 1 : 0;
    const silentWaitMs = units.isPolled(unit) ? Math.min(REFUSED_WAIT_MS, MINUTE_MS * 2 ** silences) : 0;
    dueMs = clock.monotonicMs() + (isSilent ? silentWaitMs : error === undefined ? HOUR_MS : REFUSED_WAIT_MS);
    if (!signal.aborted) emit({ device: device.twin, readings });
    return 'answered';
  };
  return points.length === 0 ? [] : [{ cycle: new PollCycle(LOOK_EVERY_MS), poll }];
}
