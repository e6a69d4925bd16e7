/**
 * Expressions of the mapping in the Common Expression Language (CEL): derived points and `onlyIf`. No statements, no loops, no
 * access to anything but the named points and their elements (`a[0]`, `a.speed`), so the work is bounded by the length of the text. Two things differ from plain CEL,
 * because a plant expects them: `/` divides as on paper (`7 / 2` is 3.5), and int, double and the branches of `a ? b : c` mix.
 */
import { EvaluationError, ParseError, type ParseResult, TypeError as TypeCheckError } from '@marcbachmann/cel-js';
import { GatewayError } from './error.ts';
import { expressionEnvironment } from './expression-environment.ts';
import { readExpression } from './expression-text.ts';
import type { Value } from './value.ts';

export interface Expression {
  /** The names that the text uses, each once, in order of appearance. */
  readonly names: readonly string[];
  /** `values` holds at least every used name. Throws VALUE_TYPE. Whole numbers come as bigint only beyond ±(2^53 − 1). */
  evaluate(values: Readonly<Record<string, Value>>): Value;
}

const MAX_CHARACTERS = 1_000;

/** `names`: what the text may use. Throws CONFIG_INVALID with the column. */
export function compileExpression(text: string, names: readonly string[]): Expression {
  if (text.length > MAX_CHARACTERS) throw invalid(text, `longer than ${MAX_CHARACTERS} characters`);
  try {
    const environment = expressionEnvironment();
    const strict = environment.parse(text);
    const { used, looseText } = readExpression(text, strict.ast, names);
    for (const name of used) environment.registerVariable(name, 'dyn');
    const loose = environment.parse(looseText);
    if (!loose.check().valid) throw strict.check().error ?? loose.check().error;
    return { names: used, evaluate: (values) => evaluate(loose, text, values) };
  } catch (error) {
    throw toInvalid(text, error);
  }
}

function evaluate(run: ParseResult, text: string, values: Readonly<Record<string, Value>>): Value {
  let result: unknown;
  try {
    result = run(values);
  } catch (error) {
    const reason = error instanceof EvaluationError || error instanceof TypeCheckError ? error.summary : String(error);
    throw new GatewayError('VALUE_TYPE', text, `cannot compute \`${text}\`: ${reason}`, { cause: error });
  }
  if (typeof result === 'bigint') return Number.isSafeInteger(Number(result)) ? Number(result) : result;
  if (typeof result === 'number' || typeof result === 'boolean' || typeof result === 'string') return result;
  throw new GatewayError('VALUE_TYPE', text, `\`${text}\` gives no number, boolean or text; name one element, e.g. \`a[0]\``);
}

function toInvalid(text: string, error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof ParseError || error instanceof TypeCheckError)
    return invalid(text, error.summary, error.range?.start, error);
  return invalid(text, error instanceof Error ? error.message : String(error), undefined, error);
}

function invalid(text: string, reason: string, index?: number, cause?: unknown): GatewayError {
  const where = index === undefined ? '' : ` at column ${index + 1}`;
  return new GatewayError('CONFIG_INVALID', text, `${reason}${where} of the expression`, { cause });
}
