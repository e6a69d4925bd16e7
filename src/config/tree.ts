import type { Span } from './source-file.ts';

/**
 * A configuration file as the gateway sees it: maps, lists and scalars, each with its place. Trees are immutable; merging
 * (`defaults`, `instances`) makes new ones that share parts, so every value keeps the place where it was written.
 */
export type Tree = MapTree | ListTree | ScalarTree;

interface Located {
  readonly span: Span;
  /** Scalars, lists and maps in it, itself included: what an alias to it costs. */
  readonly size: number;
}

export interface MapTree extends Located {
  readonly kind: 'map';
  /** The key that holds this map, or its own start: what to point at when something is missing in it. */
  readonly head: Span;
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  readonly key: Span;
  readonly value: Tree;
}

export interface ListTree extends Located {
  readonly kind: 'list';
  readonly items: readonly Tree[];
}

export interface ScalarTree extends Located {
  readonly kind: 'scalar';
  /** Text, number, boolean, `null`, or a Secret. */
  readonly value: unknown;
  /** As written, without quotes. */
  readonly source: string;
  readonly quoted: boolean;
}

/** `scheme://user:password@host` (RFC 3986 §3.2.1). */
const PASSWORD_IN_URL = /:\/\/[^/\s:@]*:[^/\s@]+@/;

/** A secret in clear, in whatever key it stands: the PIN of a token in the URI of a key (RFC 7512 §2.4), a password in a URL. */
export function holdsSecret(text: string): boolean {
  return text.includes('pin-value=') || PASSWORD_IN_URL.test(text);
}

export type Path = readonly PropertyKey[];

/** Plain data; objects have no prototype. */
export function toValue(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(toValue);
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of tree.entries) object[key] = toValue(entry.value);
  return object;
}

export interface Place {
  /** Absent when the path leads to something that is not written. */
  readonly tree?: Tree;
  /** What to point at: the value, or the key of the map in which it is missing. */
  readonly at: Span;
}

export function locate(tree: Tree, path: Path): Place {
  const [step, ...rest] = path;
  if (step === undefined) return { tree, at: tree.kind === 'map' ? tree.head : tree.span };
  const child =
    tree.kind === 'map' ? tree.entries.get(String(step))?.value : tree.kind === 'list' ? tree.items[Number(step)] : undefined;
  return child === undefined ? { at: tree.kind === 'map' ? tree.head : tree.span } : locate(child, rest);
}

/** The key itself where the path ends at one, for remarks about the key rather than its value. */
export function locateKey(tree: Tree, path: Path): Span {
  const parent = locate(tree, path.slice(0, -1)).tree;
  const entry = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
  return entry?.key ?? locate(tree, path).at;
}

export function get(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.kind === 'map' ? tree.entries.get(key)?.value : undefined;
}

/** The same map with only the entries whose keys are wanted. */
export function pick(tree: MapTree, isWanted: (key: string) => boolean): MapTree {
  const entries = new Map<string, Entry>();
  for (const [key, entry] of tree.entries) if (isWanted(key)) entries.set(key, entry);
  return { ...tree, entries };
}

/** `over` wins key by key, one level deep; what is missing in the result is pointed at in `over`. */
export function merge(base: MapTree | undefined, over: MapTree): MapTree {
  if (base === undefined) return over;
  return { ...over, entries: new Map([...base.entries, ...over.entries]), size: base.size + over.size };
}

export function scalarTree(span: Span, value: unknown, source: string, quoted: boolean): ScalarTree {
  return { kind: 'scalar', span, value, source, quoted, size: 1 };
}
