import { GatewayError } from '../model/error.ts';
import { compileExpression } from '../model/expression.ts';
import type { WriteRule } from '../model/plan.ts';
import type { Scope } from './inspect.ts';
import { type PointKeys, precautionsOf } from './mapping-schema.ts';
import type { Finding } from './problem-list.ts';
import type { Span } from './source-file.ts';
import { locate, locateKey, type MapTree, type Path } from './tree.ts';

/** What may be written to a point, its limits checked against each other. */
export function checkWrite(
  { write, type }: PointKeys,
  tree: MapTree,
  names: readonly string[],
  scope: Scope,
): WriteRule | undefined {
  if (write === undefined) return undefined;
  for (const finding of findLimits({ ...write, type }, tree, ['write'], names)) scope.problems.add(finding);
  const { min, max, step, values, onlyIf, atMostEvery: atMostEveryMs, confirmWithin: confirmWithinMs } = write;
  return dropUndefined({ min, max, step, values, onlyIf, atMostEveryMs, confirmWithinMs, ...precautionsOf(write) });
}

/** What limits something that comes from the cloud: a value to be written, an argument of a method. */
export interface LimitKeys {
  readonly type?: PointKeys['type'];
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly values?: readonly unknown[] | undefined;
  readonly onlyIf?: string | undefined;
  readonly maxAge?: number | undefined;
}

/** The limits at `path`, checked against each other; `points`: what `onlyIf` may name. */
export function findLimits(limits: LimitKeys, tree: MapTree, path: Path, points: readonly string[]): readonly Finding[] {
  return [
    ...findLimitFaults(limits, tree, path),
    ...findUnlimited(limits, tree, path),
    ...findConditionFault(limits.onlyIf, tree, path, points),
    ...findIdleAge(limits, tree, path),
  ];
}

function findLimitFaults({ min, max, values }: LimitKeys, tree: MapTree, path: Path): readonly Finding[] {
  if (min !== undefined && max !== undefined && min > max) {
    const { at } = locate(tree, [...path, 'min']);
    return [{ at, message: `\`min\` ${min} is greater than \`max\` ${max}, so nothing could be ${VERB[kindOf(path)]}` }];
  }
  return (values ?? []).flatMap((value, index) => {
    if (typeof value !== 'number' || (value >= (min ?? value) && value <= (max ?? value))) return [];
    return [{ at: locate(tree, [...path, 'values', index]).at, message: `${value} is outside of \`min\` and \`max\`` }];
  });
}

const LIMITED_TYPES = /^(u?int|float)/;

function findUnlimited({ type = 'string', min, max, values }: LimitKeys, tree: MapTree, path: Path): readonly Finding[] {
  const isLimited = values !== undefined || (min !== undefined && max !== undefined);
  if (isLimited || !LIMITED_TYPES.test(type)) return [];
  const what = kindOf(path) === 'write' ? 'any number may be written to this point' : 'any number may be given here';
  const hint = 'limit it with `min` and `max`, or with `values`';
  return [{ at: locateKey(tree, path), severity: 'warning', message: what, hint }];
}

const VERB = { write: 'written', arguments: 'given' };

function kindOf([first]: Path): keyof typeof VERB {
  return first === 'write' ? 'write' : 'arguments';
}

function findConditionFault(
  onlyIf: string | undefined,
  tree: MapTree,
  path: Path,
  points: readonly string[],
): readonly Finding[] {
  if (onlyIf === undefined) return [];
  try {
    compileExpression(onlyIf, points);
    return [];
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return [
      {
        at: placeInside(error, locate(tree, [...path, 'onlyIf']).at),
        message: `wrong condition in \`onlyIf\`: ${error.message}`,
      },
    ];
  }
}

function findIdleAge({ onlyIf, maxAge }: LimitKeys, tree: MapTree, path: Path): readonly Finding[] {
  if (maxAge === undefined || onlyIf !== undefined) return [];
  return [{ at: locateKey(tree, [...path, 'maxAge']), message: '`maxAge` without the `onlyIf` it is for' }];
}

/** The column inside the expression, where the error knows it and the expression stands on one line. */
function placeInside(error: GatewayError, at: Span): Span {
  const range = (error.cause as { readonly range?: { readonly start?: unknown } } | undefined)?.range;
  const text = at.file.text.slice(at.start, at.end);
  if (typeof range?.start !== 'number' || text.includes('\n') || text.includes('\\')) return at;
  const start = at.start + (/^['"]/.test(text) ? 1 : 0) + range.start;
  return start < at.end ? at.file.span(start, start + 1) : at;
}

/** Optional members are absent, never `undefined`. */
export function dropUndefined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}
