import { nearest } from '../../model/nearest.ts';

/** `{name}` is what the name stands for; `{{` and `}}` are braces. */
const PART = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

/** A piece of text, or the name of a placeholder. */
export type TextPart = { readonly text: string } | { readonly name: string };

export interface TextFault {
  readonly message: string;
  readonly hint?: string;
}

export function partsOf(template: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of template.matchAll(PART)) {
    const [found, name] = match;
    parts.push({ text: template.slice(end, match.index) }, name === undefined ? { text: found.slice(0, 1) } : { name });
    end = match.index + found.length;
  }
  return [...parts, { text: template.slice(end) }].filter((part) => !('text' in part) || part.text !== '');
}

/** What is wrong with a text, or `undefined`. */
export function textFault(template: string, known: readonly string[]): TextFault | undefined {
  const lone = [...template.matchAll(PART)].find(([found]) => found === '{' || found === '}');
  if (lone !== undefined)
    return {
      message: 'a brace is not closed or not opened',
      hint: 'a name stands in braces, `{twin}`; a brace itself is written twice',
    };
  const unknown = partsOf(template).find((part) => 'name' in part && !known.includes(part.name));
  if (unknown === undefined || !('name' in unknown)) return undefined;
  const meant = nearest(unknown.name, known);
  const message = `nothing is named \`{${unknown.name}}\` here; there are ${known.map((name) => `{${name}}`).join(', ')}`;
  return meant === undefined ? { message } : { message, hint: `did you mean \`{${meant}}\`?` };
}
