import type { z } from 'zod';
import { inspect, type Scope } from './inspect.ts';
import { addIssue } from './issues.ts';
import { type Tree, toValue } from './tree.ts';

/** What the declaration makes of the tree, or `undefined` and problems. Every place where a file meets a declaration goes through here. */
export function checkTree<Output>(schema: z.ZodType<Output>, tree: Tree, scope: Scope): Output | undefined {
  const inspected = inspect(schema, tree, scope);
  const result = schema.safeParse(toValue(inspected));
  if (result.success) return result.data;
  for (const issue of result.error.issues) addIssue(issue, inspected, schema, scope.problems);
  return undefined;
}
