import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import type { Secret } from '../model/secret.ts';
import { MAX_ALIASED_NODES, MAX_DEPTH } from './limits.ts';
import { CUT_HINT, DEPTH_FAULT } from './parse-yaml.ts';
import { describePlace, type Finding, type ProblemList } from './problem-list.ts';
import { findScalarFault } from './scalar-fault.ts';
import type { SourceFile, Span } from './source-file.ts';
import { type Entry, holdsSecret, scalarTree, type Tree } from './tree.ts';

/** Reads the secret of a name; tells its own problems. */
export type ReadSecret = (name: string, at: Span) => Secret;

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const SECRET_KEYS = /passw|secret|token|passphrase/i;

/** Node ids and browse paths of OPC UA, made of what people call their machines: `Line #1`. */
const NAMES_WITH_BLANKS = /(?:^|;)[isgb]=|^Objects\//;
/** People who comment write a blank after `#`. */
const GLUED_COMMENT = /^[ \t]+#[^\s#][^\r\n]*/;
const MAX_CUT = 200;

/** YAML nodes to a tree: aliases resolved within a budget, `!secret` read, keys checked, other tags refused. */
export class TreeBuilder {
  readonly #file: SourceFile;
  readonly #problems: ProblemList;
  readonly #readSecret: ReadSecret;
  /** `undefined` while the node that the anchor names is still being built. */
  readonly #anchors = new Map<string, Tree | undefined>();
  #aliasedNodes = 0;

  constructor(file: SourceFile, problems: ProblemList, readSecret: ReadSecret) {
    this.#file = file;
    this.#problems = problems;
    this.#readSecret = readSecret;
  }

  build(node: unknown, depth = 1, head?: Span): Tree {
    const at = this.#spanOf(node, head);
    if (depth > MAX_DEPTH) return this.#refuse({ at, ...DEPTH_FAULT });
    if (isAlias(node)) return this.#alias(node.source, at);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, undefined);
    const tree = this.#content(node, at, depth, head);
    if (anchor !== undefined) this.#anchors.set(anchor, tree);
    return tree;
  }

  #content(node: unknown, at: Span, depth: number, head?: Span): Tree {
    if (isScalar(node)) return this.#scalar(node, at);
    if (isMap(node)) return node.tag === undefined ? this.#map(node, at, depth, head) : this.#refuseTag(node.tag, at);
    if (!isSeq(node)) return scalarTree(at, null, '', false);
    if (node.tag !== undefined) return this.#refuseTag(node.tag, at);
    const items = node.items.map((item) => this.build(item, depth + 1));
    return { kind: 'list', span: at, items, size: items.reduce((sum, item) => sum + item.size, 1) };
  }

  #map(node: YAMLMap, span: Span, depth: number, head: Span | undefined): Tree {
    const entries = new Map<string, Entry>();
    let size = 1;
    for (const pair of node.items) {
      const key = this.#key(pair);
      if (key === undefined) continue;
      const first = entries.get(key.text);
      if (first !== undefined) this.#addDuplicate(key, first.key);
      const value = this.build(pair.value, depth + 1, key.at);
      if (first === undefined) entries.set(key.text, { key: key.at, value });
      if (value.kind === 'scalar' && SECRET_KEYS.test(key.text)) this.#file.mask(value.span.start, value.span.end);
      size += 1 + value.size;
    }
    return { kind: 'map', span, head: head ?? this.#headOf(node, span), entries, size };
  }

  #headOf(node: YAMLMap, span: Span): Span {
    const first = node.items[0]?.key;
    return first === undefined ? span : this.#spanOf(first);
  }

  #key(pair: Pair): { readonly text: string; readonly at: Span } | undefined {
    const at = this.#spanOf(pair.key, this.#spanOf(pair.value));
    const text = isScalar(pair.key) ? keyText(pair.key) : undefined;
    if (text === undefined || text === '') {
      return this.#refuseKey({
        at,
        message: 'a key must be a plain word',
        hint: 'text that begins with `{`, `[`, `*` or `?` needs quotes',
      });
    }
    if (FORBIDDEN_KEYS.has(text)) return this.#refuseKey({ at, message: `\`${text}\` cannot be a key` });
    if (text === '<<') {
      const hint = 'write what points have in common under `defaults:`, what machines have in common as `instances:`';
      return this.#refuseKey({ at, message: 'merge keys are not supported', hint });
    }
    return { text, at };
  }

  #refuseKey(finding: Finding): undefined {
    this.#problems.add({ ...finding, code: 'CONFIG_SYNTAX' });
    return undefined;
  }

  #addDuplicate(key: { readonly text: string; readonly at: Span }, first: Span): void {
    const hint = `the first one is at ${describePlace(first)}`;
    this.#problems.add({ at: key.at, code: 'CONFIG_DUPLICATE', message: `\`${key.text}\` is written twice in one map`, hint });
  }

  #alias(name: string, at: Span): Tree {
    if (!this.#anchors.has(name)) return this.#refuse({ at, message: `there is no anchor \`&${name}\` above` });
    const tree = this.#anchors.get(name);
    if (tree === undefined) return this.#refuse({ at, message: `\`*${name}\` contains itself` });
    const isSpent = this.#aliasedNodes > MAX_ALIASED_NODES;
    this.#aliasedNodes += tree.size;
    if (this.#aliasedNodes <= MAX_ALIASED_NODES) return tree;
    if (isSpent) return scalarTree(at, null, '', false);
    return this.#refuse({
      at,
      message: `aliases expand to more than ${MAX_ALIASED_NODES} values`,
      hint: 'use `instances:` instead',
    });
  }

  #scalar(node: Scalar, span: Span): Tree {
    const source = node.source ?? '';
    if (node.tag === '!secret') return scalarTree(span, this.#readSecret(source, span), source, true);
    if (node.tag !== undefined) return this.#refuseTag(node.tag, span);
    if (holdsSecret(source)) this.#file.mask(span.start, span.end);
    const quoted = node.type !== 'PLAIN' && source !== '';
    const fault = quoted ? undefined : findScalarFault(node.value, source);
    if (fault !== undefined) this.#problems.add({ at: span, ...fault });
    if (!quoted) this.#findCut(source, span);
    return scalarTree(span, fault === undefined ? node.value : source, source, quoted);
  }

  #refuseTag(tag: string, span: Span): Tree {
    const mark = this.#file.text.lastIndexOf('!', span.start);
    const at = mark === -1 ? span : this.#file.span(mark, span.start);
    const shown = tag.replace('tag:yaml.org,2002:', '!!');
    return this.#refuse({ at, message: `the tag \`${shown}\` is not allowed`, hint: 'the only tag is `!secret NAME`' });
  }

  /** A ` #` begins a comment, also in the middle of a name: nobody would see that the rest is gone. */
  #findCut(source: string, { start, end }: Span): void {
    const [cut = ''] = NAMES_WITH_BLANKS.test(source)
      ? (GLUED_COMMENT.exec(this.#file.text.slice(end, end + MAX_CUT)) ?? [])
      : [];
    if (cut === '') return;
    const at = this.#file.span(start, end + cut.trimEnd().length);
    const message = `\`${cut.trim()}\` is a comment for YAML: the text ends at \`${source}\``;
    this.#problems.add({ severity: 'warning', at, message, hint: CUT_HINT });
  }

  #refuse(finding: Finding): Tree {
    this.#problems.add({ ...finding, code: 'CONFIG_SYNTAX' });
    return scalarTree(finding.at, null, '', false);
  }

  #spanOf(node: unknown, otherwise?: Span): Span {
    const range = isNodeWithRange(node) ? node.range : undefined;
    if (range === undefined || (range[0] === range[1] && otherwise !== undefined)) return otherwise ?? this.#file.span(0);
    return this.#file.span(range[0], range[1]);
  }
}

function isNodeWithRange(node: unknown): node is Node & { readonly range: readonly [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}

function keyText(key: Scalar): string | undefined {
  return key.tag === undefined ? (key.source ?? String(key.value)) : undefined;
}
