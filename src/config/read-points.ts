import type { z } from 'zod';
import type { Declarations, OperatorDeclaration, ProtocolDeclaration, Remark } from '../model/declaration.ts';
import type { WriteRule } from '../model/plan.ts';
import { checkTree } from './check-tree.ts';
import { addUnknownKey, type Scope } from './inspect.ts';
import type { Interner } from './interner.ts';
import { type PointKeys, pointKeys } from './mapping-schema.ts';
import { isPointName, POINT_NAME_RULE, toAscii } from './names.ts';
import { addNotAMap, addRemark } from './sections.ts';
import { type Entry, get, locateKey, type MapTree, merge, pick, type Tree } from './tree.ts';
import { checkWrite } from './write-rule.ts';
import { optionsOf, shapeOf } from './zod-shape.ts';

/** A point as it is written, before it belongs to a device. */
export interface PointDraft {
  readonly name: string;
  readonly common: PointKeys;
  /** What the protocol's schema parsed; `undefined` for a derived point. */
  readonly address: unknown;
  /** What the operators' schemas parsed. */
  readonly keys: Readonly<Record<string, unknown>>;
  readonly write?: WriteRule;
  /** With the defaults merged in. */
  readonly tree: MapTree;
  /** It stands for many points. */
  readonly isPattern: boolean;
}

/** The key of a point that is computed; an operator declares it. */
const EXPRESSION = 'expression';

type OperatorKeys = Readonly<Record<string, unknown>>;

interface Group {
  readonly schema: z.ZodObject;
  readonly names: ReadonlySet<string>;
}

/** Reads the points of mappings of one protocol. */
export class PointReader {
  readonly #scope: Scope;
  readonly #interner: Interner;
  readonly #pattern: string | undefined;
  readonly #common = groupOf(pointKeys);
  readonly #protocol: Group;
  readonly #operators: readonly (Group & { readonly declaration: OperatorDeclaration })[];
  readonly #known: readonly string[];
  #hasPatterns = false;

  constructor(protocol: ProtocolDeclaration, declarations: Declarations, interner: Interner, scope: Scope) {
    this.#scope = scope;
    this.#interner = interner;
    this.#pattern = protocol.pattern;
    this.#protocol = groupOf(protocol.point);
    this.#operators = declarations.operators.map((declaration) => ({ ...groupOf(declaration.keys), declaration }));
    this.#known = [...new Set([this.#protocol, this.#common, ...this.#operators].flatMap(({ names }) => [...names]))];
  }

  read(points: MapTree, defaults: MapTree | undefined): readonly PointDraft[] {
    if (defaults !== undefined) this.#checkDefaults(defaults);
    const names = namesOf(points, this.#pattern);
    this.#hasPatterns = names.length < points.entries.size;
    return [...points.entries].flatMap(([name, entry]) => this.#readPoint(name, entry, defaults, names) ?? []);
  }

  #checkDefaults(defaults: MapTree): void {
    this.#checkKeys(defaults);
    for (const key of ['address', EXPRESSION]) {
      if (!defaults.entries.has(key)) continue;
      this.#scope.problems.add({
        at: locateKey(defaults, [key]),
        message: `\`${key}\` cannot stand in \`defaults\``,
        hint: 'each point has its own',
      });
    }
  }

  #checkKeys(tree: MapTree): void {
    for (const [key, entry] of tree.entries) {
      if (!this.#known.includes(key)) addUnknownKey(key, entry, this.#known, tree, this.#scope.problems, this.#inside(key));
    }
  }

  /** The keys of a point that this one may belong into, e.g. `send` for `deadband`. */
  #inside(key: string): readonly string[] {
    const schemas = [this.#common, this.#protocol, ...this.#operators].flatMap(({ schema }) => Object.entries(schema.shape));
    const takesIt = (schema: z.core.$ZodType) => optionsOf(schema).some((option) => Object.hasOwn(shapeOf(option) ?? {}, key));
    return schemas.filter(([, schema]) => takesIt(schema)).map(([name]) => name);
  }

  #readPoint(name: string, entry: Entry, defaults: MapTree | undefined, names: readonly string[]): PointDraft | undefined {
    const { key: at, value: own } = entry;
    if (!isPointName(name)) {
      const plain = toAscii(name)
        .replace(/[^A-Za-z0-9_]+/g, '_')
        .replace(/^[^A-Za-z]+|_+$/g, '');
      const hint = plain === '' ? undefined : `e.g. \`${plain.slice(0, 60)}\``;
      this.#scope.problems.add({
        at,
        message: `\`${name.slice(0, 60)}\` cannot be the name of a point`,
        expected: POINT_NAME_RULE,
        hint,
      });
    }
    if (own.kind !== 'map') {
      addNotAMap(own, name, 'a map of keys, e.g. `{ address: …, type: … }`', this.#scope);
      return undefined;
    }
    this.#checkKeys(own);
    return this.#check(name, own, merge(defaults, own), names);
  }

  #check(name: string, own: MapTree, tree: MapTree, names: readonly string[]): PointDraft | undefined {
    const isDerived = own.entries.has(EXPRESSION) && this.#known.includes(EXPRESSION);
    if (isDerived) this.#checkDerived(own);
    const common = this.#parse(this.#common, tree);
    const address = isDerived ? undefined : this.#parse(this.#protocol, tree);
    const keys = this.#parseOperators(name, tree, isDerived ? own : undefined, names);
    if (common === undefined || keys === undefined || (address === undefined && !isDerived)) return undefined;
    const parsed = common as PointKeys;
    const write = checkWrite(parsed, tree, names, this.#scope);
    return {
      name: this.#interner.of(name),
      common: this.#interner.of(parsed),
      address: this.#interner.of(address),
      keys: this.#interner.of(keys),
      tree,
      isPattern: isPattern(tree, this.#pattern),
      ...(write === undefined ? {} : { write: this.#interner.of(write) }),
    };
  }

  #parse(group: Group, tree: MapTree): unknown {
    return checkTree(
      group.schema,
      pick(tree, (key) => group.names.has(key)),
      this.#scope,
    );
  }

  /** `own`: what a derived point says itself; defaults that do not fit a computed value do not reach it. */
  #parseOperators(point: string, tree: MapTree, own: MapTree | undefined, names: readonly string[]): OperatorKeys | undefined {
    const present = this.#operators.filter((group) => [...group.names].some((key) => tree.entries.has(key)));
    const parsed = present.map((group) => this.#parse(group, tree));
    if (parsed.includes(undefined)) return undefined;
    const all: OperatorKeys = Object.assign({}, ...parsed);
    const remarks = present.flatMap(({ declaration }) => declaration.check?.(all, names, point) ?? []);
    const unfit = own && remarks.find(({ key }) => key !== undefined && tree.entries.has(key) && !own.entries.has(key))?.key;
    if (unfit !== undefined)
      return this.#parseOperators(
        point,
        pick(tree, (key) => key !== unfit),
        own,
        names,
      );
    const told = this.#hasPatterns ? remarks.map(explainPattern) : remarks;
    for (const remark of told) addRemark(remark, tree, this.#scope);
    return all;
  }

  /** A derived point has no place in the device, so nothing of the protocol applies and nothing can be written. */
  #checkDerived(own: MapTree): void {
    if (own.entries.has('address')) {
      const hint = 'a point is either read (`address`) or computed (`expression`)';
      this.#scope.problems.add({ at: locateKey(own, ['address']), message: 'exactly one of `address` and `expression`', hint });
    }
    for (const key of own.entries.keys()) {
      const isForeign = key === 'write' || (key !== 'address' && this.#protocol.names.has(key) && !this.#common.names.has(key));
      if (!isForeign) continue;
      this.#scope.problems.add({
        at: locateKey(own, [key]),
        message: `\`${key}\` has no meaning for a computed point`,
        hint: 'remove it',
      });
    }
  }
}

/** What a pattern stands for only the server knows. */
function explainPattern(remark: Remark): Remark {
  if (remark.key !== EXPRESSION || remark.severity === 'warning') return remark;
  return { hint: 'points that `browse` brings are known to the server only: an expression cannot name them', ...remark };
}

function groupOf(schema: z.ZodObject): Group {
  return { schema, names: new Set(Object.keys(schema.shape)) };
}

/** What expressions may name: an entry that stands for many points is none of them. */
export function namesOf(points: MapTree, pattern: string | undefined): readonly string[] {
  return [...points.entries].filter(([, { value }]) => !isPattern(value, pattern)).map(([name]) => name);
}

function isPattern(point: Tree, pattern: string | undefined): boolean {
  const address = pattern === undefined || point.kind !== 'map' ? undefined : get(point, 'address');
  return pattern !== undefined && address?.kind === 'map' && address.entries.has(pattern);
}
