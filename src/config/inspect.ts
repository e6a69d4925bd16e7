import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { Secret } from '../model/secret.ts';
import { checkCertificate, checkFile } from './file-check.ts';
import type { ProblemList } from './problem-list.ts';
import { didYouMean, listWords } from './suggest.ts';
import { type Entry, get, type ListTree, type MapTree, type ScalarTree, type Tree } from './tree.ts';
import { documentationOf, elementOf, isOpen, optionsOf, shapeOf, valueSchemaOf } from './zod-shape.ts';

type Schema = z.core.$ZodType;

/** What checks beyond the values themselves need to know. */
export interface Scope {
  readonly problems: ProblemList;
  readonly nowMs: number;
}

/**
 * What zod cannot see: walks a declaration and a tree side by side, tells unknown keys, secrets in clear, and files that cannot
 * be used; gives the tree without the unknown keys and with absolute paths.
 */
export function inspect(schema: Schema, tree: Tree, scope: Scope, siblings?: MapTree): Tree {
  const options = optionsOf(schema);
  if (tree.kind === 'map') return inspectMap(options, tree, scope);
  if (tree.kind === 'list') return inspectList(options, tree, scope);
  const format = [schema, ...options].map((option) => documentationOf(option).format).find((found) => found !== undefined);
  return inspectScalar(format, tree, scope, siblings);
}

function inspectMap(options: readonly Schema[], tree: MapTree, scope: Scope): Tree {
  const shapes = options.map(shapeOf).filter((shape) => shape !== undefined);
  const records = options.map(valueSchemaOf).filter((value) => value !== undefined);
  const isClosed =
    shapes.length > 0 && records.length === 0 && options.every((option) => !isOpen(option) || shapeOf(option) === undefined);
  const entries = new Map<string, Entry>();
  for (const [key, entry] of tree.entries) {
    const schema = shapes.find((shape) => Object.hasOwn(shape, key))?.[key] ?? records[0];
    if (schema !== undefined) entries.set(key, { ...entry, value: inspect(schema, entry.value, scope, tree) });
    else if (isClosed)
      addUnknownKey(
        key,
        entry,
        shapes.flatMap((shape) => Object.keys(shape)),
        tree,
        scope.problems,
      );
    else entries.set(key, entry);
  }
  return { ...tree, entries };
}

/** `known` may hold more than the map takes now, e.g. the keys of all alternatives. */
export function addUnknownKey(key: string, entry: Entry, known: readonly string[], tree: MapTree, problems: ProblemList): void {
  const free = known.filter((name) => !tree.entries.has(name));
  const suggestion = didYouMean(key, free.length > 0 ? free : known);
  const expected = suggestion === undefined ? `one of ${listWords([...new Set(known)])}` : undefined;
  problems.add({ at: entry.key, message: `unknown key \`${key}\``, expected, hint: suggestion });
}

function inspectList(options: readonly Schema[], tree: ListTree, scope: Scope): Tree {
  const [element] = options.map(elementOf).filter((found) => found !== undefined);
  if (element === undefined) return tree;
  return { ...tree, items: tree.items.map((item) => inspect(element, item, scope)) };
}

function inspectScalar(format: string | undefined, tree: ScalarTree, scope: Scope, siblings?: MapTree): Tree {
  if (format === 'secret') return inspectSecret(tree);
  if (typeof tree.value !== 'string' || tree.value === '') return tree;
  if (format !== 'file' && format !== 'certificate') return tree;
  const path = resolve(dirname(tree.span.file.path), tree.value);
  const key = siblingKey(siblings);
  const findings = format === 'file' ? checkFile(path, tree.span) : checkCertificate(path, tree.span, scope.nowMs, key);
  for (const finding of findings) scope.problems.add({ ...finding, ...(finding.got === path ? { got: tree.value } : {}) });
  return { ...tree, value: path };
}

function siblingKey(siblings: MapTree | undefined): Secret | undefined {
  const tree = get(siblings, 'privateKey');
  return tree?.kind === 'scalar' && tree.value instanceof Secret ? tree.value : undefined;
}

/** The problem itself comes from the declaration; here only the clear text is kept from being shown. */
function inspectSecret(tree: ScalarTree): Tree {
  if (!(tree.value instanceof Secret)) tree.span.file.mask(tree.span.start, tree.span.end);
  return tree;
}
