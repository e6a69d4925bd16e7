import { z } from 'zod';
import { listWords } from './suggest.ts';
import { documentationOf, elementOf, optionsOf, shapeOf, unwrap, valueSchemaOf } from './zod-shape.ts';

type Schema = z.core.$ZodType;

/** What zod says by itself speaks of types of JavaScript; declarations that have their own words are quoted. */
const OWN_WORDS_OF_ZOD = /^(Invalid|Too |Unrecognized|Expected)/;

/** What the file should say there, in words of the mapping. */
export function describeExpected(issue: z.core.$ZodIssue, declared: Schema | undefined): string | undefined {
  if (!OWN_WORDS_OF_ZOD.test(issue.message)) return issue.message;
  if (issue.code === 'invalid_value') return oneOf(issue.values.map(String));
  const described = declared === undefined ? undefined : describeType(declared);
  return described ?? (issue.code === 'invalid_type' ? KINDS[issue.expected] : undefined);
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: '`true` or `false`',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
};

function oneOf(words: readonly string[]): string {
  return words.length === 1 ? listWords(words) : `one of ${listWords(words)}`;
}

/** `a whole number from 1 to 65535`, `text`, `one of …`; `undefined` where the declaration is too special for that. */
export function describeType(schema: Schema): string | undefined {
  const options = optionsOf(schema);
  if (options.length > 1) return options.map((option) => describeType(option) ?? 'something else').join(', or ');
  const bare = unwrap(schema);
  const { title } = documentationOf(schema);
  if (title === 'file' || title === 'certificate') return `the name of a ${title === 'file' ? '' : 'PEM '}file`;
  if (bare instanceof z.ZodEnum) return oneOf(bare.options.map(String));
  if (bare instanceof z.ZodLiteral) return oneOf([...bare.values].map(String));
  if (bare instanceof z.ZodNumber) return describeNumber(bare);
  if (bare instanceof z.ZodString) return describeText(bare);
  if (bare instanceof z.ZodBoolean) return KINDS.boolean;
  return describeCollection(bare);
}

function describeCollection(schema: Schema): string | undefined {
  const element = elementOf(schema);
  if (element !== undefined) return `a list of ${describeType(element) ?? 'values'}`;
  const shape = shapeOf(schema);
  if (shape !== undefined) return `a map with ${listWords(Object.keys(shape))}`;
  return valueSchemaOf(schema) === undefined ? undefined : 'a map of keys';
}

function describeNumber(schema: z.ZodNumber): string {
  const noun = schema.isInt ? 'a whole number' : 'a number';
  const { minimum, maximum, exclusiveMinimum } = boundsOf(schema);
  if (exclusiveMinimum !== undefined)
    return `${noun} above ${exclusiveMinimum}${maximum === undefined ? '' : `, at most ${maximum}`}`;
  if (minimum !== undefined && maximum !== undefined) return `${noun} from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${noun}, at least ${minimum}`;
  return maximum === undefined ? noun : `${noun}, at most ${maximum}`;
}

interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

interface BoundCheck {
  readonly check: string;
  readonly value?: unknown;
  readonly inclusive?: boolean;
}

/** Only bounds that somebody declared, not those of the number format. */
export function boundsOf(schema: z.ZodNumber): Bounds {
  const bounds: { -readonly [K in keyof Bounds]: Bounds[K] } = {};
  for (const check of schema.def.checks ?? []) {
    const { check: name, value, inclusive } = check._zod.def as BoundCheck;
    if (typeof value !== 'number') continue;
    if (name === 'less_than') bounds.maximum = value;
    if (name === 'greater_than') bounds[inclusive === true ? 'minimum' : 'exclusiveMinimum'] = value;
  }
  return bounds;
}

function describeText(schema: z.ZodString): string {
  const { minLength, maxLength } = schema;
  if (minLength !== null && maxLength !== null) return `text of ${minLength} to ${maxLength} characters`;
  if (maxLength !== null) return `text of at most ${maxLength} characters`;
  return 'text';
}
