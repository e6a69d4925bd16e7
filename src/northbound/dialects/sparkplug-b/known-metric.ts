import type { DataType } from '../../../model/data-type.ts';
import type { PointPlan } from '../../../model/plan.ts';
import type { Quality } from '../../../model/quality.ts';
import type { Stored } from '../../../model/twin-message.ts';
import type { Value } from '../../../model/value.ts';
import { join, type MetricType, signatureOf, TEXT, typeOf, UNKNOWN } from './values/metric-type.ts';
import { hintedType } from './values/scalar-type.ts';

/** What is known of the value of a metric. */
export interface Current {
  readonly value: Value | null;
  readonly quality: Quality;
  readonly status?: string | undefined;
  readonly timeMs: number;
}

/** Where a message stands among those of its twin and class. */
export type Place = Pick<Stored, 'epoch' | 'sequence'>;

/** These change what the mapping says of the type in the device. */
const CHANGING = ['scale', 'offset', 'labels', 'expression', 'aggregate'];

export interface MetricOptions {
  readonly name: string;
  readonly alias: bigint;
  /** Of a point that the mapping names. */
  readonly plan?: PointPlan | undefined;
  /** Where it is fixed: of events and methods. */
  readonly type?: MetricType | undefined;
}

/** A metric of a device: a point, or what messages tell beside the points. Lives as long as the gateway. */
export class KnownMetric {
  readonly name: string;
  readonly alias: bigint;
  readonly plan: PointPlan | undefined;
  readonly isFixed: boolean;
  /** Of the last message, by its number: the clock of a device may be set back. */
  told: Current | undefined;
  #place: Place | undefined;
  readonly #hint: DataType | undefined;
  #type: MetricType;
  #signature: string;
  /** Guessed before the first value. */
  #isGuess = true;

  constructor({ name, alias, plan, type }: MetricOptions) {
    const isChanged = plan !== undefined && CHANGING.some((key) => plan.keys[key] !== undefined);
    this.name = name;
    this.alias = alias;
    this.plan = plan;
    this.isFixed = type !== undefined;
    this.#hint = isChanged ? undefined : plan?.point.type;
    this.#type = type ?? (plan === undefined ? UNKNOWN : guess(plan, this.#hint));
    this.#signature = signatureOf(this.#type);
  }

  get type(): MetricType {
    return this.#type;
  }

  /** What a birth says of it: another one, and it has to be born anew. */
  get signature(): string {
    return this.#signature;
  }

  /** From now on the metric can carry this value, too. */
  learn(value: Value | null): void {
    if (value === null || this.isFixed) return;
    const seen = typeOf(value, this.#hint);
    this.#type = this.#isGuess ? seen : join(this.#type, seen);
    this.#signature = signatureOf(this.#type);
    this.#isGuess = false;
  }

  /** `place`: of the message; absent where the device told it later of its past, which is sorted in by its time. */
  tell(current: Current, place?: Place): void {
    this.learn(current.value);
    const age = place === undefined || this.#place === undefined ? 'unknown' : compare(place, this.#place);
    if (age === 'older') return;
    if (age !== 'newer' && this.told !== undefined && current.timeMs < this.told.timeMs) return;
    this.told = current;
    this.#place = place ?? this.#place;
  }
}

/** Another epoch begins when that of before is lost. */
function compare(one: Place, other: Place): 'older' | 'same' | 'newer' {
  if (one.epoch !== other.epoch || one.sequence > other.sequence) return 'newer';
  return one.sequence < other.sequence ? 'older' : 'same';
}

function guess({ keys }: PointPlan, hint: DataType | undefined): MetricType {
  if (hint !== undefined) return { kind: 'scalar', scalar: hintedType(hint) };
  if (keys.labels !== undefined) return TEXT;
  return keys.scale !== undefined || keys.offset !== undefined ? { kind: 'scalar', scalar: 'Double' } : UNKNOWN;
}
