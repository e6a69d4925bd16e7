import { GatewayError } from '../model/error.ts';
import { compileExpression } from '../model/expression.ts';
import type { WriteRule } from '../model/plan.ts';
import type { Scope } from './inspect.ts';
import type { PointKeys } from './mapping-schema.ts';
import type { Finding } from './problem-list.ts';
import type { Span } from './source-file.ts';
import { locate, locateKey, type MapTree } from './tree.ts';

type WriteKeys = NonNullable<PointKeys['write']>;

/** What may be written to a point, its limits checked against each other. */
export function checkWrite(
  { write, type }: PointKeys,
  tree: MapTree,
  names: readonly string[],
  scope: Scope,
): WriteRule | undefined {
  if (write === undefined) return undefined;
  for (const finding of findWriteFaults(write, type, tree, names)) scope.problems.add(finding);
  const { atMostEvery: atMostEveryMs, ...rule } = write;
  return dropUndefined({ ...rule, atMostEveryMs });
}

function findWriteFaults(write: WriteKeys, type: PointKeys['type'], tree: MapTree, names: readonly string[]): readonly Finding[] {
  return [...findLimitFaults(write, tree), ...findUnlimited(write, type, tree), ...findConditionFault(write.onlyIf, tree, names)];
}

function findLimitFaults({ min, max, values }: WriteKeys, tree: MapTree): readonly Finding[] {
  if (min !== undefined && max !== undefined && min > max) {
    const { at } = locate(tree, ['write', 'min']);
    return [{ at, message: `\`min\` ${min} is greater than \`max\` ${max}, so nothing could be written` }];
  }
  return (values ?? []).flatMap((value, index) => {
    if (typeof value !== 'number' || (value >= (min ?? value) && value <= (max ?? value))) return [];
    return [{ at: locate(tree, ['write', 'values', index]).at, message: `${value} is outside of \`min\` and \`max\`` }];
  });
}

const UNLIMITED_TYPES = new Set<PointKeys['type']>(['boolean', 'string', 'bytes', 'dateTime', 'guid', undefined]);

function findUnlimited(write: WriteKeys, type: PointKeys['type'], tree: MapTree): readonly Finding[] {
  const isLimited = write.values !== undefined || (write.min !== undefined && write.max !== undefined);
  if (isLimited || UNLIMITED_TYPES.has(type)) return [];
  const at = locateKey(tree, ['write']);
  return [
    {
      at,
      severity: 'warning',
      message: 'any number may be written to this point',
      hint: 'limit it with `min` and `max`, or with `values`',
    },
  ];
}

function findConditionFault(onlyIf: string | undefined, tree: MapTree, names: readonly string[]): readonly Finding[] {
  if (onlyIf === undefined) return [];
  try {
    compileExpression(onlyIf, names);
    return [];
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return [
      {
        at: placeInside(error, locate(tree, ['write', 'onlyIf']).at),
        message: `wrong condition in \`onlyIf\`: ${error.message}`,
      },
    ];
  }
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
function dropUndefined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never;
}
