import type { JsonValue } from '../../model/value.ts';
import { partsOf, type TextFault, type TextPart, textFault } from './template-text.ts';

/** What stands in the configuration: text, or JSON data with texts in it. */
export type TemplateBody = string | readonly unknown[] | Readonly<Record<string, unknown>>;

/** What a placeholder stands for; `null` where there is nothing. */
export type Lookup = (name: string) => JsonValue;

/** Fills the placeholders of a body. Only ever substitutes: what is substituted is data, whatever it looks like. */
export function compileBody(body: unknown): (lookup: Lookup) => JsonValue {
  if (typeof body === 'string') return compileText(body);
  if (Array.isArray(body)) {
    const parts = body.map(compileBody);
    return (lookup) => parts.map((part) => part(lookup));
  }
  if (typeof body !== 'object' || body === null) return () => body as JsonValue;
  const entries = Object.entries(body).map(([key, part]) => [partsOf(key), compileBody(part)] as const);
  return (lookup) => Object.fromEntries(entries.map(([key, part]) => [textOf(key, lookup), part(lookup)]));
}

/** A text that is nothing but one placeholder becomes what that stands for, with its type. */
function compileText(text: string): (lookup: Lookup) => JsonValue {
  const parts = partsOf(text);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && 'name' in only) return (lookup) => lookup(only.name);
  return (lookup) => textOf(parts, lookup);
}

/** Plain text in place of JSON: what is substituted stays on its line. */
export function compileLine(text: string): (lookup: Lookup) => string {
  const parts = partsOf(text);
  return (lookup) => textOf(parts, (name) => withoutControls(asText(lookup(name))));
}

function textOf(parts: readonly TextPart[], lookup: Lookup): string {
  return parts.map((part) => ('text' in part ? part.text : asText(lookup(part.name)))).join('');
}

function asText(value: JsonValue): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function withoutControls(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ');
}

export interface BodyFault extends TextFault {
  /** Keys and indices from the body on. */
  readonly path: readonly string[];
}

/** Everything that is wrong with a body, with where it stands. `known`: names that placeholders may have. */
export function bodyFaults(body: unknown, known: readonly string[], path: readonly string[] = []): readonly BodyFault[] {
  if (typeof body === 'string') return faultAt(body, known, path);
  if (typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([key, part]) => {
    const at = [...path, key];
    return [...(Array.isArray(body) ? [] : faultAt(key, known, at)), ...bodyFaults(part, known, at)];
  });
}

function faultAt(text: string, known: readonly string[], path: readonly string[]): readonly BodyFault[] {
  const fault = textFault(text, known);
  return fault === undefined ? [] : [{ ...fault, path }];
}
