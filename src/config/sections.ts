import type { Remark } from '../model/declaration.ts';
import type { Scope } from './inspect.ts';
import { describeGot } from './issues.ts';
import { didYouMean, listWords } from './suggest.ts';
import { translate } from './translate.ts';
import { get, locateKey, type MapTree, type Tree } from './tree.ts';

export function addNotAMap(tree: Tree, name: string, expected: string, scope: Scope): void {
  const hint = tree.kind === 'list' ? 'write `name:` and its keys below, without `- `' : undefined;
  scope.problems.add({ at: tree.span, message: `wrong value for \`${name}\``, expected, got: describeGot(tree), hint });
}

/** The map below a key; `undefined` where there is none, and a problem where something else stands there. */
export function getMap(tree: MapTree, key: string, expected: string, scope: Scope): MapTree | undefined {
  const section = get(tree, key);
  if (section === undefined || section.kind === 'map') return section;
  addNotAMap(section, key, expected, scope);
  return undefined;
}

/** A remark of a plug-in about one map of keys. */
export function addRemark(remark: Remark, tree: MapTree, scope: Scope): void {
  const { severity, message, hint, key } = remark;
  const at = key === undefined ? tree.head : locateKey(tree, key.split('.'));
  scope.problems.add({ at, severity, message, hint });
}

/** The word that says which keys a map takes: `dialect` or `protocol`. */
export function readWord(tree: MapTree, key: string, words: readonly string[], scope: Scope): string | undefined {
  const value = get(tree, key);
  const expected = `one of ${listWords(words)}`;
  if (value?.kind === 'scalar' && typeof value.value === 'string' && words.includes(value.value)) return value.value;
  if (value === undefined) {
    scope.problems.add({ at: tree.head, message: `\`${key}\` is missing`, expected });
    return undefined;
  }
  const meant = value.kind === 'scalar' ? translate(value.source, words) : undefined;
  const near = value.kind === 'scalar' ? didYouMean(value.source, words) : undefined;
  const hint = meant === undefined ? near : `did you mean \`${meant}\`?`;
  scope.problems.add({ at: value.span, message: `unknown ${key}`, expected, got: describeGot(value), hint });
  return undefined;
}
