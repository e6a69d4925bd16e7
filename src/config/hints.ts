import { z } from 'zod';
import { didYouMean } from './suggest.ts';
import { translate } from './translate.ts';
import type { ScalarTree, Tree } from './tree.ts';
import { writeExample } from './write-example.ts';
import { documentationOf, elementOf, optionsOf, shapeOf, unwrap } from './zod-shape.ts';

type Schema = z.core.$ZodType;

/** How to mend a value of the wrong kind, from what was written and what is wanted. */
export function hintFor(tree: Tree, issue: z.core.$ZodIssue, declared: Schema | undefined, expected = ''): string | undefined {
  if (declared === undefined) return undefined;
  const { format, examples } = documentationOf(declared);
  if (elementOf(declared) !== undefined && tree.kind === 'scalar') return `in brackets, also one alone: \`[${tree.source}]\``;
  if (isMap(declared)) return tree.kind === 'map' || expected.includes('{') ? undefined : mapHint(examples);
  if (tree.kind !== 'scalar') return undefined;
  if (format === 'secret') return SECRET;
  if (format === 'duration') return durationHint(tree.source);
  if (format === 'size') return sizeHint(tree.source);
  return (
    wordHint(tree, issue, declared) ??
    typeHint(tree, declared, String(issue.path.at(-1))) ??
    (/e\.g\.|perhaps/.test(expected) ? undefined : exampleHint(examples))
  );
}

const SECRET = 'name it, `!secret NAME`, and put it into the file secrets/NAME with mode 0600 or into a systemd credential';

function durationHint(source: string): string | undefined {
  if (/^\d+(\.\d+)?$/.test(source)) return `write the unit, e.g. \`${source} ms\` or \`${source} s\``;
  if (/^-/.test(source)) return 'a duration cannot be negative';
  if (/^[\d.]+ ?m$/.test(source))
    return `\`${source.replace(/ ?m$/, ' min')}\` for minutes, \`${source.replace(/ ?m$/, ' ms')}\` for milliseconds`;
  return unitHint(source, {
    sec: 's',
    second: 's',
    seconds: 's',
    hour: 'h',
    hours: 'h',
    day: 'd',
    days: 'd',
    minutes: 'min',
    msec: 'ms',
    S: 's',
    MS: 'ms',
  });
}

function sizeHint(source: string): string | undefined {
  if (/^\d+(\.\d+)?$/.test(source)) return `write the unit, e.g. \`${source} B\` or \`${source} kB\``;
  if (/^-/.test(source)) return 'a size cannot be negative';
  return unitHint(source, {
    K: 'kB',
    k: 'kB',
    KB: 'kB',
    kb: 'kB',
    M: 'MB',
    mb: 'MB',
    G: 'GB',
    gb: 'GB',
    Gi: 'GiB',
    Mi: 'MiB',
    Ki: 'KiB',
    TB: 'GB',
  });
}

function unitHint(source: string, units: Readonly<Record<string, string>>): string | undefined {
  const [, amount, unit = ''] = /^([\d.]+) *([A-Za-z]+)$/.exec(source) ?? [];
  const meant = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return amount === undefined || meant === undefined ? undefined : `did you mean \`${amount} ${meant}\`?`;
}

function wordHint(tree: ScalarTree, issue: z.core.$ZodIssue, declared: Schema): string | undefined {
  const words = issue.code === 'invalid_value' ? issue.values.map(String) : wordsOf(declared);
  if (typeof tree.value !== 'string') return undefined;
  const meant = translate(tree.source, words);
  return meant === undefined ? didYouMean(tree.source, words) : `did you mean \`${meant}\`?`;
}

function wordsOf(declared: Schema): readonly string[] {
  return optionsOf(declared).flatMap((option) => {
    const bare = unwrap(option);
    return bare instanceof z.ZodEnum ? bare.options.map(String) : [];
  });
}

const TRUE_WORDS = /^(yes|on|y|true)$/i;
const FALSE_WORDS = /^(no|off|n|false)$/i;

function typeHint(tree: ScalarTree, declared: Schema, key: string): string | undefined {
  const bare = optionsOf(declared).map(unwrap);
  if (bare.some((option) => option instanceof z.ZodBoolean)) return booleanHint(tree);
  if (bare.some((option) => option instanceof z.ZodNumber))
    return typeof tree.value === 'string' ? numberHint(tree, key) : undefined;
  if (bare.some((option) => option instanceof z.ZodString) && /number|boolean/.test(typeof tree.value))
    return `for text write it in quotes: "${tree.source}"`;
  return undefined;
}

function booleanHint({ source, quoted }: ScalarTree): string | undefined {
  if (!TRUE_WORDS.test(source) && !FALSE_WORDS.test(source)) return undefined;
  const word = TRUE_WORDS.test(source) ? 'true' : 'false';
  return quoted ? `without quotes: ${word}` : `\`${source}\` is text in YAML 1.2; write \`${word}\``;
}

function numberHint({ source }: ScalarTree, key: string): string | undefined {
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(source)) return 'remove the quotes';
  if (/^[-+]?\d+,\d+$/.test(source)) return `write a decimal point: ${source.replace(',', '.')}`;
  if (/^[−–]\d/.test(source)) return `write the minus of the keyboard: -${source.slice(1)}`;
  if (/^0x[0-9a-f]+$/i.test(source)) return 'remove the quotes';
  if (/^\d[0-9a-f]{0,7}h?$/i.test(source)) return `in hexadecimal: \`0x${source.replace(/h$/i, '')}\``;
  const [, number, after] = /^([-+]?\d+(?:\.\d+)?) ?([^\d.,].*)$/.exec(source) ?? [];
  if (after === '%') return key === 'deadband' ? `\`deadbandPercent: ${number}\` is percent of \`range\`` : undefined;
  return number === undefined ? undefined : `write the number alone, \`${number}\`, without \`${after}\``;
}

function isMap(declared: Schema): boolean {
  return optionsOf(declared).every((option) => shapeOf(option) !== undefined);
}

function mapHint(examples: readonly unknown[] | undefined): string | undefined {
  const [example] = examples ?? [];
  return example === undefined ? undefined : `e.g. \`${writeExample(example)}\``;
}

function exampleHint(examples: readonly unknown[] | undefined): string | undefined {
  const [example] = examples ?? [];
  return typeof example === 'string' || typeof example === 'number' ? `e.g. \`${example}\`` : undefined;
}
