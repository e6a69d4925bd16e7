import type { Metric } from './payload/payload.ts';
import { TEMPLATE } from './values/datatypes.ts';
import { defineTemplate } from './values/encode-value.ts';
import { type MetricType, signatureOf } from './values/metric-type.ts';

type Structure = Extract<MetricType, { kind: 'structure' }>;

/**
 * Names for structures: equal ones have one name, whatever devices they are of. A name once given stays as long as the gateway runs; a
 * structure that has got other members has another name.
 */
export class TemplateNames {
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** `wish`: where there is no name yet, it is made of this. */
  nameOf(type: MetricType, wish = 'structure'): string {
    const signature = signatureOf(type);
    const known = this.#names.get(signature);
    if (known !== undefined) return known;
    const base = `_types_/${wish}`;
    let name = base;
    for (let number = 2; this.#taken.has(name); number += 1) name = `${base}_${number}`;
    this.#names.set(signature, name);
    this.#taken.add(name);
    return name;
  }

  /** Definitions of a structure and of those in it, the inner ones first. */
  define(type: MetricType, wish: string, timestamp: bigint): readonly Metric[] {
    if (type.kind !== 'structure') return [];
    const inner = [...type.members].flatMap(([name, member]) => this.define(member, `${wish}_${name}`, timestamp));
    return [...inner, this.#definition(type, wish, timestamp)];
  }

  #definition(type: Structure, wish: string, timestamp: bigint): Metric {
    const value = defineTemplate(type, (member) => this.nameOf(member));
    return { name: this.nameOf(type, wish), timestamp, datatype: TEMPLATE, value: { case: 'templateValue', value } };
  }
}
