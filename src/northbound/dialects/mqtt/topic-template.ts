import { GatewayError } from '../../../model/error.ts';
import { nearest } from '../../../model/nearest.ts';

/** A topic with names in braces, e.g. `{site}/{twin}/{kind}`. MQTT 5 §4.7 says what a topic name may hold. */
const PLACEHOLDER = /\{([^{}]*)\}/g;
const MAX_TOPIC_BYTES = 65_535;

export type TopicNames = Readonly<Record<string, string>>;

export interface TemplateFault {
  readonly message: string;
  readonly hint?: string;
}

export function placeholdersOf(template: string): readonly string[] {
  return [...template.matchAll(PLACEHOLDER)].map(([, name]) => name ?? '');
}

/** What is wrong with a template, or `undefined`. `known` are the names it may use. */
export function templateFault(template: string, known: readonly string[]): TemplateFault | undefined {
  const fixed = template.replaceAll(PLACEHOLDER, '');
  if (/[{}]/.test(fixed)) return { message: 'a brace is not closed or not opened; a name stands in braces, e.g. `{twin}`' };
  const character = forbiddenCharacter(fixed);
  if (character !== undefined) return { message: `${character} cannot stand in the topic of a message` };
  if (template === '') return { message: 'the topic is empty' };
  if (template.includes('${')) return { message: 'a name stands in braces, without `$`' };
  if (template.startsWith('$')) return { message: 'topics that begin with `$` belong to the broker' };
  const unknown = placeholdersOf(template).find((name) => !known.includes(name));
  return unknown === undefined ? undefined : unknownName(unknown, known);
}

function unknownName(name: string, known: readonly string[]): TemplateFault {
  const meant = nearest(name, known);
  const message = `nothing is named \`{${name}}\` here; there are ${known.map((other) => `{${other}}`).join(', ')}`;
  return meant === undefined
    ? { message, hint: `give every twin and the gateway a label \`${name}\`, or take a name that exists` }
    : { message, hint: `did you mean \`{${meant}}\`?` };
}

/** The topic for one set of names. Throws CONFIG_INVALID where a name is missing or does not fit into one level of a topic. */
export function fillTemplate(template: string, names: TopicNames, subject: string): string {
  const topic = template.replaceAll(PLACEHOLDER, (_, name: string) => levelOf(name, names, subject));
  if (Buffer.byteLength(topic) > MAX_TOPIC_BYTES)
    throw invalid(subject, `the topic of \`${template}\` is longer than 65 535 bytes`);
  if (topic.startsWith('$')) throw invalid(subject, `the topic \`${topic}\` would begin with \`$\`, which belongs to the broker`);
  return topic;
}

function levelOf(name: string, names: TopicNames, subject: string): string {
  const value = Object.hasOwn(names, name) ? names[name] : undefined;
  if (value === undefined) {
    const { message, hint } = unknownName(name, Object.keys(names));
    throw invalid(subject, `${message}; ${hint}`);
  }
  const character = value.includes('/') ? '`/`' : forbiddenCharacter(value);
  if (character !== undefined)
    throw invalid(subject, `\`{${name}}\` is \`${value}\`, but ${character} cannot stand in a level of a topic`);
  return value;
}

function forbiddenCharacter(text: string): string | undefined {
  if (text.includes('+')) return 'the wildcard `+`';
  if (text.includes('#')) return 'the wildcard `#`';
  if ([...text].some((character) => isControl(character.codePointAt(0) ?? 0))) return 'a control character';
  return text.isWellFormed() ? undefined : 'half of a surrogate pair';
}

function isControl(codePoint: number): boolean {
  return codePoint < 0x20 || (codePoint >= 0x7f && codePoint <= 0x9f);
}

function invalid(subject: string, message: string): GatewayError {
  return new GatewayError('CONFIG_INVALID', subject, message);
}
