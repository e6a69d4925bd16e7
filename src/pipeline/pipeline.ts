import { filter, type Observable, type SchedulerLike, tap } from 'rxjs';
import type { Draft } from '../model/draft.ts';
import type { DevicePlan, PointPlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { Value } from '../model/value.ts';
import { type AssemblerOptions, assemble } from './assembler.ts';
import type { OperatorDefinition } from './operator.ts';

export interface PipelineOptions extends AssemblerOptions {
  /** Sees every engineering value, derived ones too, before throttle, aggregate and send keep any back. Must not throw. */
  readonly onEngineering?: (readings: readonly Reading[]) => void;
}

export type Pipeline = (source: Observable<readonly Reading[]>) => Observable<Draft>;

/**
 * The way of one device's readings to twin messages: the operators that any of its points needs, then the assembler. Each
 * subscription has its own state. Completes, with everything sent, when the source completes. Subscribe once per device.
 */
export function createPipeline(
  device: DevicePlan,
  operators: readonly OperatorDefinition[],
  scheduler: SchedulerLike,
  options: PipelineOptions = {},
): Pipeline {
  const computing = operators.filter(({ withholds }) => withholds !== true);
  const withholding = operators.filter(({ withholds }) => withholds === true);
  const leaving = withPoints(device, resultingPoints(device, operators));
  return (source) => {
    const computed = run(device, computing, scheduler, source.pipe(filter((batch) => batch.length > 0)));
    const seen = options.onEngineering === undefined ? computed : computed.pipe(tap(options.onEngineering));
    return run(device, withholding, scheduler, seen).pipe(assemble(leaving, scheduler, options));
  };
}

function run(
  device: DevicePlan,
  operators: readonly OperatorDefinition[],
  scheduler: SchedulerLike,
  source: Observable<readonly Reading[]>,
): Observable<readonly Reading[]> {
  let current = device;
  return operators.reduce((readings, operator) => {
    const isNeeded = current.points.some((point) => applies(operator, point));
    if (!isNeeded) return readings;
    const next = readings.pipe(operator.create(current, scheduler));
    current = withPoints(current, expandAll(operator, current.points));
    return next;
  }, source);
}

function withPoints(device: DevicePlan, points: DevicePlan['points']): DevicePlan {
  return points === device.points ? device : { ...device, points };
}

/** The points as they leave the pipeline: an aggregate with several functions makes several of one. */
export function resultingPoints(device: DevicePlan, operators: readonly OperatorDefinition[]): readonly PointPlan[] {
  return operators.reduce((points, operator) => expandAll(operator, points), device.points);
}

/** From what a device holds to the engineering value, for a reading that was asked for beside the stream. */
export function engineer(operators: readonly OperatorDefinition[], point: PointPlan, reading: Reading): Reading {
  return operators.reduce((outer, operator) => operator.step?.(point)?.(outer) ?? outer, reading);
}

/** From an engineering value to the device's own, for a write. Throws VALUE_TYPE or VALUE_OUT_OF_RANGE. */
export function invert(operators: readonly OperatorDefinition[], point: PointPlan, value: Value): Value {
  return operators.reduceRight(
    (inner, operator) => (applies(operator, point) ? (operator.invert?.(point, inner) ?? inner) : inner),
    value,
  );
}

export function applies(operator: OperatorDefinition, point: PointPlan): boolean {
  if (operator.appliesTo !== undefined) return operator.appliesTo(point);
  return Object.keys(operator.keys.shape).some((key) => point.keys[key] !== undefined);
}

/** The same list where the operator changes none. */
function expandAll(operator: OperatorDefinition, points: readonly PointPlan[]): readonly PointPlan[] {
  const { expand } = operator;
  if (expand === undefined || !points.some((point) => applies(operator, point))) return points;
  return points.flatMap((point) => (applies(operator, point) ? expand(point) : [point]));
}
