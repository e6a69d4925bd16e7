import type { z } from 'zod';
import { Secret } from '../model/secret.ts';
import { describeExpected } from './expected.ts';
import { hintFor } from './hints.ts';
import type { Finding, ProblemList } from './problem-list.ts';
import { holdsSecret, locate, locateKey, type Tree } from './tree.ts';
import { writeExample } from './write-example.ts';
import { documentationOf, schemaAt } from './zod-shape.ts';

type Issue = z.core.$ZodIssue;

/** A complaint of zod as a problem at the place in the file that it is about. Unknown keys were already told by `inspect`. */
export function addIssue(issue: Issue, root: Tree, schema: z.core.$ZodType, problems: ProblemList): void {
  if (issue.code === 'unrecognized_keys') return;
  const inner = issue.code === 'invalid_union' ? likeliest(issue) : undefined;
  if (inner !== undefined) {
    for (const part of inner) addIssue({ ...part, path: [...issue.path, ...part.path] }, root, schema, problems);
    return;
  }
  const { tree, at } = locate(root, issue.path);
  if (tree === undefined ? problems.isMisspelt(at, String(issue.path.at(-1))) : problems.hasErrorAt(tree.span)) return;
  if (issue.code === 'custom' && tree?.kind === 'map' && problems.isUnclear(tree.span)) return;
  problems.add(issue.code === 'invalid_key' ? invalidKey(issue, root) : invalidValue(issue, root, schema));
}

function invalidValue(issue: Issue, root: Tree, schema: z.core.$ZodType): Finding {
  const { tree, at } = locate(root, issue.path);
  const declared = schemaAt(schema, issue.path);
  const expected = describeExpected(issue, declared);
  const name = nameOf(issue.path);
  if (tree === undefined) return { at, message: `${name} is missing`, expected, hint: exampleHint(name, declared) };
  const got = describeGot(tree, declared);
  return { at: tree.span, message: `wrong value for ${name}`, expected, got, hint: hintFor(tree, issue, declared, expected) };
}

function invalidKey(issue: z.core.$ZodIssueInvalidKey, root: Tree): Finding {
  const message = `\`${String(issue.path.at(-1))}\` cannot be a key here`;
  const { tree } = locate(root, issue.path);
  const isSwapped = tree?.kind === 'scalar' && typeof tree.value === 'number';
  const hint = isSwapped ? `the other way round: \`${tree.source}: ${String(issue.path.at(-1))}\`` : undefined;
  return { at: locateKey(root, issue.path), message, expected: issue.issues[0]?.message, hint };
}

/** The alternative that was meant: the one whose complaints lie deepest, then the one with the fewest. */
function likeliest(issue: z.core.$ZodIssueInvalidUnion): readonly Issue[] | undefined {
  const candidates = issue.errors.filter((errors) =>
    errors.some((error) => error.path.length > 0 || error.code === 'unrecognized_keys'),
  );
  if (candidates.length === 0) return undefined;
  const known = candidates.filter((errors) => !errors.some((error) => error.code === 'unrecognized_keys'));
  return (known.length > 0 ? known : candidates).toSorted((a, b) => a.length - b.length)[0];
}

function nameOf(path: readonly PropertyKey[]): string {
  const last = path.at(-1);
  if (last === undefined) return 'this';
  const owner = path.at(-2);
  return typeof last === 'number'
    ? `entry ${last + 1}${owner === undefined ? '' : ` of \`${String(owner)}\``}`
    : `\`${String(last)}\``;
}

function exampleHint(name: string, declared: z.core.$ZodType | undefined): string | undefined {
  const [example] = declared === undefined ? [] : (documentationOf(declared).examples ?? []);
  return example === undefined ? undefined : `e.g. ${name.replaceAll('`', '')}: ${writeExample(example)}`;
}

const MAX_SHOWN = 60;

export function describeGot(tree: Tree, declared?: z.core.$ZodType): string {
  if (tree.kind === 'list') return `a list of ${tree.items.length}`;
  if (tree.kind === 'map')
    return `a map with ${
      [...tree.entries.keys()]
        .slice(0, 5)
        .map((key) => `\`${key}\``)
        .join(', ') || 'no keys'
    }`;
  if (tree.value instanceof Secret) return 'a secret';
  if (tree.value === null) return 'nothing';
  if (declared !== undefined && documentationOf(declared).format === 'secret') return 'text in clear';
  if (holdsSecret(tree.source)) return 'a text with a secret in clear';
  const source = tree.source.length > MAX_SHOWN ? `${tree.source.slice(0, MAX_SHOWN)}…` : tree.source;
  return typeof tree.value === 'string' ? `the text "${source}"` : `${source}`;
}
