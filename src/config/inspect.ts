import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { nearest } from '../model/nearest.ts';
import { Secret } from '../model/secret.ts';
import { checkCertificate, checkFile } from './file-check.ts';
import type { ProblemList } from './problem-list.ts';
import { listWords } from './suggest.ts';
import { translateKey } from './translate.ts';
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
  const anatomy = anatomyOf(schema);
  if (tree.kind === 'map') return inspectMap(anatomy, tree, scope);
  if (tree.kind === 'list') return inspectList(anatomy, tree, scope);
  return anatomy.format === undefined ? tree : inspectScalar(anatomy.format, tree, scope, siblings);
}

/** What the walk needs of one declaration; worked out once for each. */
interface Anatomy {
  readonly format: string | undefined;
  readonly members: ReadonlyMap<string, Schema>;
  readonly record: Schema | undefined;
  readonly element: Schema | undefined;
  /** Takes no keys but its members. */
  readonly isClosed: boolean;
}

const anatomies = new WeakMap<Schema, Anatomy>();

function anatomyOf(schema: Schema): Anatomy {
  const known = anatomies.get(schema) ?? dissect(schema);
  anatomies.set(schema, known);
  return known;
}

function dissect(schema: Schema): Anatomy {
  const options = optionsOf(schema);
  const shapes = options.map(shapeOf).filter((shape) => shape !== undefined);
  const members = new Map(shapes.flatMap((shape) => Object.entries(shape)).toReversed());
  const record = options.map(valueSchemaOf).find((value) => value !== undefined);
  const isClosed =
    shapes.length > 0 && record === undefined && !options.some((option) => shapeOf(option) !== undefined && isOpen(option));
  const format = [schema, ...options].map((option) => documentationOf(option).format).find((found) => found !== undefined);
  return { format, members, record, element: options.map(elementOf).find((element) => element !== undefined), isClosed };
}

function inspectMap({ members, record, isClosed }: Anatomy, tree: MapTree, scope: Scope): Tree {
  let changed: Map<string, Entry> | undefined;
  for (const [key, entry] of tree.entries) {
    const schema = members.get(key) ?? record;
    if (schema === undefined) {
      if (!isClosed) continue;
      addUnknownKey(key, entry, [...members.keys()].toReversed(), tree, scope.problems);
      changed ??= new Map(tree.entries);
      changed.delete(key);
      continue;
    }
    const value = inspect(schema, entry.value, scope, tree);
    if (value === entry.value) continue;
    changed ??= new Map(tree.entries);
    changed.set(key, { ...entry, value });
  }
  return changed === undefined ? tree : { ...tree, entries: changed };
}

/**
 * `known` may hold more than the map takes now, e.g. the keys of all alternatives. `inside`: the keys whose
 * maps take it.
 */
export function addUnknownKey(
  key: string,
  entry: Entry,
  known: readonly string[],
  tree: MapTree,
  problems: ProblemList,
  inside: readonly string[] = [],
): void {
  if (inside.length > 0) {
    const hint = `it belongs into ${inside.map((name) => `\`${name}: { ${key}: … }\``).join(' or ')}`;
    problems.add({ at: entry.key, message: `\`${key}\` stands one level too high`, hint });
    return;
  }
  const free = known.filter((name) => !tree.entries.has(name));
  const meant = translateKey(key, free) ?? nearest(key, free.length > 0 ? free : known);
  if (meant !== undefined) problems.noteMisspelt(tree.head, meant);
  if (meant !== undefined) problems.noteUnclear(tree.span);
  const [, word, rest] = /^(\w+):(\S+)$/.exec(key) ?? [];
  if (word !== undefined && known.includes(word)) {
    problems.noteMisspelt(tree.head, word);
    problems.noteUnclear(tree.span);
    problems.add({ at: entry.key, message: 'no blank after the colon', expected: `\`${word}: ${rest}\`` });
    return;
  }
  const expected = meant === undefined ? `one of ${listWords([...new Set(known)])}` : undefined;
  const hint = meant === undefined ? undefined : `did you mean \`${meant}\`?`;
  problems.add({ at: entry.key, message: `unknown key \`${key}\``, expected, hint });
}

function inspectList({ element }: Anatomy, tree: ListTree, scope: Scope): Tree {
  if (element === undefined) return tree;
  const items = tree.items.map((item) => inspect(element, item, scope));
  return items.every((item, index) => item === tree.items[index]) ? tree : { ...tree, items };
}

function inspectScalar(format: string, tree: ScalarTree, scope: Scope, siblings?: MapTree): Tree {
  if (format === 'secret') return inspectSecret(tree);
  if (typeof tree.value !== 'string' || tree.value === '') return tree;
  if (format !== 'file' && format !== 'certificate' && format !== 'file-pattern') return tree;
  const path = resolve(dirname(tree.span.file.path), tree.value);
  if (format === 'file-pattern') return { ...tree, value: path };
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
