import { z } from 'zod';

/** What the walk over declarations must know of zod: what is wrapped, what a map, list or choice consists of. */
type Schema = z.core.$ZodType;

interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly out?: Schema;
}

function definitionOf(schema: Schema): Definition {
  return schema._zod.def as unknown as Definition;
}

/** Below `optional`, `default`, `transform` and the like. */
export function unwrap(schema: Schema): Schema {
  const inner = innerOf(schema);
  return inner === undefined ? schema : unwrap(inner);
}

function innerOf(schema: Schema): Schema | undefined {
  const { innerType, in: input, out } = definitionOf(schema);
  if (innerType !== undefined) return innerType;
  return input !== undefined && definitionOf(input).type === 'transform' ? out : input;
}

export interface Documentation {
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly format?: string;
}

/** `.meta()` of the schema and, where that is silent, of what it wraps. */
export function documentationOf(schema: Schema): Documentation {
  const own = z.globalRegistry.get(schema) as Documentation | undefined;
  const inner = innerOf(schema);
  return inner === undefined ? (own ?? {}) : { ...documentationOf(inner), ...own };
}

export function shapeOf(schema: Schema): Readonly<Record<string, Schema>> | undefined {
  const bare = unwrap(schema);
  return bare instanceof z.ZodObject ? (bare.shape as Readonly<Record<string, Schema>>) : undefined;
}

/** Objects that take keys beside their own say so. */
export function isOpen(schema: Schema): boolean {
  const bare = unwrap(schema);
  if (!(bare instanceof z.ZodObject)) return true;
  const catchall: Schema | undefined = bare.def.catchall;
  return catchall !== undefined && !(catchall instanceof z.ZodNever);
}

export function valueSchemaOf(schema: Schema): Schema | undefined {
  const bare = unwrap(schema);
  return bare instanceof z.ZodRecord ? bare.valueType : undefined;
}

export function elementOf(schema: Schema): Schema | undefined {
  const bare = unwrap(schema);
  return bare instanceof z.ZodArray ? bare.element : undefined;
}

/** The alternatives of a choice, unions in unions included; the schema itself where it is none. */
export function optionsOf(schema: Schema): readonly Schema[] {
  const bare = unwrap(schema);
  return bare instanceof z.ZodUnion ? bare.options.flatMap((option: Schema) => optionsOf(option)) : [schema];
}

/** The declaration of what stands at a path, where that is certain. */
export function schemaAt(schema: Schema, path: readonly PropertyKey[]): Schema | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return schema;
  for (const option of optionsOf(schema)) {
    const child = shapeOf(option)?.[String(step)] ?? valueSchemaOf(option) ?? elementOf(option);
    const found = child === undefined ? undefined : schemaAt(child, rest);
    if (found !== undefined) return found;
  }
  return undefined;
}
