import { z } from 'zod';
import { toName } from './point-names.ts';

/** Names of nodes from the Objects folder down; `*` in one stands for any text. Plain data. */
export interface NodePattern {
  readonly browse: string;
  /** How its points are called: `{1}` is what the first step with `*` stands for. */
  readonly name?: string | undefined;
}

const WILDCARD = '*';
const MAX_STEPS = 32;
const MAX_NAME = 512;
const POINT_NAME = /^[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?$/;

export function nodePattern() {
  return z
    .strictObject({
      browse: z
        .string()
        .refine(isBrowsePattern, {
          error: 'names of nodes from `Objects` down, divided by `/`, with `*` for any text, e.g. `Objects/Line1/*/Temperature`',
        })
        .meta({
          description: 'Where the nodes lie. `*` stands for any text in one name',
          examples: ['Objects/Line1/*/Temperature'],
        }),
      name: z
        .string()
        .refine((text) => POINT_NAME.test(text.replace(/\{[1-9]\}/g, 'a')), {
          error: 'letters, digits and `_`, and `{1}` for what the first name with `*` stands for, e.g. `{1}Temperature`',
        })
        .optional()
        .meta({
          description:
            'How the points are called; `{1}` is what the first name with `*` stands for, `{2}` the second. Default: all of these and the last name, e.g. `motor1Temperature`. Without any `*`: as the entry',
          examples: ['{1}Temperature'],
        }),
    })
    .refine(hasItsPlaces, {
      path: ['name'],
      error:
        '`{1}` for the first name of `browse` with `*`, `{2}` for the second, and so on; at least one where `browse` has `*`',
    });
}

function isBrowsePattern(text: string): boolean {
  const steps = stepsOf({ browse: text });
  return steps[0] === 'Objects' && steps.length > 1 && steps.length <= MAX_STEPS && steps.every((step) => step.trim() !== '');
}

function hasItsPlaces({ browse, name }: NodePattern): boolean {
  if (name === undefined) return true;
  const wildcards = stepsOf({ browse }).filter(isWild).length;
  const places = [...name.matchAll(/\{(\d)\}/g)].map(([, number]) => Number(number));
  return places.every((number) => number <= wildcards) && (wildcards === 0 || places.length > 0);
}

export function stepsOf({ browse }: Pick<NodePattern, 'browse'>): readonly string[] {
  return browse.split('/');
}

export function isWild(step: string): boolean {
  return step.includes(WILDCARD);
}

/** Whether the name of a node is one of those that the step stands for. */
export function matcherOf(step: string): (name: string) => boolean {
  if (!isWild(step)) return (name) => name === step;
  const parts = step.split(/\*+/);
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  const between = parts.slice(1, -1);
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    const end = name.length - last.length;
    let from = first.length;
    for (const part of between) {
      const at = name.indexOf(part, from);
      if (at < 0 || at + part.length > end) return false;
      from = at + part.length;
    }
    return true;
  };
}

/** The name of the point of one node, from its path alone: others that come or go do not change it. `path` begins below Root. */
export function nameOf(pattern: NodePattern, entry: string, path: readonly string[]): string {
  const steps = stepsOf(pattern);
  const caught = path.filter((_, at) => isWild(steps[at] ?? ''));
  if (pattern.name === undefined) {
    if (caught.length === 0) return entry;
    const last = steps.at(-1) ?? '';
    return toName(isWild(last) ? caught : [...caught, last]);
  }
  const filled = pattern.name.replace(/\{(\d)\}/g, (_, number: string) => wordsOf(caught[Number(number) - 1] ?? ''));
  const named = /^[A-Za-z]/.test(filled) ? filled : `p${filled}`;
  return named.slice(0, MAX_NAME).replace(/_+$/, '');
}

/** As it is written, without what a name cannot hold. */
function wordsOf(text: string): string {
  const plain = text.normalize('NFKD').replaceAll('ß', 'ss').replace(/\p{M}/gu, '');
  const words = plain.split(/[^A-Za-z0-9_]+/).filter((word) => word !== '');
  return words.map((word, at) => (at === 0 ? word : `${word[0]?.toUpperCase()}${word.slice(1)}`)).join('');
}
