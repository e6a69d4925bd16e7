import type { MonoTypeOperatorFunction, SchedulerLike } from 'rxjs';
import type { OperatorDeclaration } from '../model/declaration.ts';
import type { DevicePlan, PointPlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { Value } from '../model/value.ts';

/** A step of the pipeline. `operators/index.ts` lists them in the order in which they run. */
export interface OperatorDefinition extends OperatorDeclaration {
  /**
   * One instance per device, only for devices of which some point has a key of this operator. It keeps its own state per
   * point and loops over the batch; an empty batch is not passed on. Time comes from the readings and the scheduler only.
   * It never throws and never errors.
   */
  create(device: DevicePlan, scheduler: SchedulerLike): MonoTypeOperatorFunction<readonly Reading[]>;
  /** True: it keeps readings back, for a time or for good. What comes before it sees every engineering value. */
  readonly withholds?: boolean;
  /** Whether a point needs the operator. Absent: it does when it has one of the operator's keys. */
  appliesTo?(point: PointPlan): boolean;
  /** The points that leave the operator in place of this one. Absent: the same. */
  expand?(point: PointPlan): readonly PointPlan[];
  /** What an operator without memory does to one reading of this point; `undefined`: nothing. Absent: it has a memory. */
  step?(point: PointPlan): ((reading: Reading) => Reading) | undefined;
  /** Undoes the operator for a value to be written. Throws VALUE_TYPE or VALUE_OUT_OF_RANGE. Absent: nothing to undo. */
  invert?(point: PointPlan, value: Value): Value;
}
