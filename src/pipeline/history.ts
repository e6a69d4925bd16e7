import { filter, map } from 'rxjs';
import type { DevicePlan } from '../model/plan.ts';
import { type AssemblerOptions, assemble } from './assembler.ts';
import type { OperatorDefinition } from './operator.ts';
import { engineer, type Pipeline } from './pipeline.ts';
import { rosterOf } from './roster.ts';

/**
 * The way of what a device tells from its own history: through the operators that compute one value from one value, and no others.
 * Nothing is kept back, nothing is derived, and nobody takes it for what is true now. Becomes messages of its own.
 */
export function createHistoryPipeline(
  device: DevicePlan,
  operators: readonly OperatorDefinition[],
  scheduler: Parameters<typeof assemble>[1],
  options: AssemblerOptions = {},
): Pipeline {
  const roster = rosterOf(device.points);
  return (source) =>
    source.pipe(
      filter((readings) => readings.length > 0),
      map((readings) =>
        readings.map((reading) => {
          const plan = device.points[roster.indexOf(reading.point)];
          return plan === undefined ? reading : engineer(operators, plan, reading);
        }),
      ),
      assemble(device, scheduler, { ...options, isHistory: true }),
    );
}
