import { glob, realpath } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import type { Scope } from './inspect.ts';
import type { Span } from './source-file.ts';
import { get, type MapTree } from './tree.ts';

interface Pattern {
  readonly text: string;
  readonly at: Span;
}

const WILDCARD = /[*?[{]/;

/** The files that `mappings` names, each once, sorted; nothing outside of the directory of `gateway.yaml`. */
export async function findMappings(
  patterns: readonly string[],
  tree: MapTree,
  gatewayPath: string,
  directory: string,
  scope: Scope,
) {
  const found = new Set<string>();
  const list = get(tree, 'mappings');
  for (const [index, text] of patterns.entries()) {
    const at = (list?.kind === 'list' ? list.items[index]?.span : undefined) ?? list?.span ?? tree.head;
    for (const path of await findMatches({ text, at }, directory, scope)) if (path !== gatewayPath) found.add(path);
  }
  if (found.size === 0 && scope.problems.errors === 0) {
    const message = `there is no mapping: no file matches ${patterns.map((text) => `\`${text}\``).join(', ')}`;
    scope.problems.add({ at: list?.span ?? tree.head, message, hint: 'patterns are relative to gateway.yaml' });
  }
  return [...found].toSorted();
}

async function findMatches({ text, at }: Pattern, directory: string, scope: Scope): Promise<readonly string[]> {
  if (isAbsolute(text) || text.split(/[\\/]/).includes('..')) {
    scope.problems.add({
      at,
      message: `\`${text}\` leads out of the directory of the configuration`,
      expected: 'a pattern below it, without `..`',
    });
    return [];
  }
  if (!WILDCARD.test(text)) return checkInside([join(directory, text)], { text, at }, directory, scope);
  const matches: string[] = [];
  for await (const match of glob(text, { cwd: directory })) matches.push(join(directory, match));
  return checkInside(matches, { text, at }, directory, scope);
}

/** Symbolic links may lead anywhere but out. */
async function checkInside(
  paths: readonly string[],
  { text, at }: Pattern,
  directory: string,
  scope: Scope,
): Promise<readonly string[]> {
  const root = await realpath(directory);
  const inside: string[] = [];
  for (const path of paths) {
    const real = await realpath(path).catch(() => undefined);
    if (real?.startsWith(root + sep) === true) inside.push(path);
    else if (real === undefined) scope.problems.add({ at, message: `there is no file \`${text}\`` });
    else
      scope.problems.add({
        at,
        message: `\`${path.slice(directory.length + 1)}\` is a link that leads out of the directory of the configuration`,
        got: real,
      });
  }
  return inside;
}
