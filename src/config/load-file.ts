import { TreeBuilder } from './build-tree.ts';
import type { Scope } from './inspect.ts';
import { parseYaml } from './parse-yaml.ts';
import { readSource } from './read-source.ts';
import type { SecretStore } from './secret-store.ts';
import type { MapTree, Tree } from './tree.ts';

/** A YAML file whose content is a map, or `undefined` and problems. */
export async function loadFile(path: string, name: string, scope: Scope, secrets: SecretStore): Promise<MapTree | undefined> {
  const { problems } = scope;
  const file = await readSource(path, name, problems);
  if (file === undefined) return undefined;
  const before = problems.errors;
  const node = parseYaml(file, problems);
  if (problems.errors > before) return undefined;
  const tree: Tree | undefined = node && new TreeBuilder(file, problems, (secret, at) => secrets.read(secret, at)).build(node);
  if (tree?.kind === 'map') return tree;
  if (problems.errors > before) return undefined;
  const isEmpty = tree === undefined || (tree.kind === 'scalar' && tree.value === null);
  const message = isEmpty ? 'the file is empty' : 'the file is not a map of keys';
  problems.add({ at: tree?.span ?? file.span(0), code: 'CONFIG_SYNTAX', message, hint: 'begin with an example from mappings/' });
  return undefined;
}
