import { type HostValue, hostValue } from './values.ts';
import { readPayload, type WireMetric, type WirePayload } from './wire.ts';

export interface HostSample {
  readonly timeMs: number;
  readonly value: HostValue;
  readonly quality: number;
  readonly isHistorical: boolean;
}

interface HostMetric {
  readonly name: string;
  readonly datatype: number;
  readonly birth: WireMetric;
  live: HostSample;
}

interface HostDevice {
  isOnline: boolean;
  byName: Map<string, HostMetric>;
  byAlias: Map<string, HostMetric>;
}

export interface Heard {
  readonly verb: string;
  readonly device: string | undefined;
  readonly payload: WirePayload;
  /** The values of data, by the names of the birth. */
  readonly told: readonly { readonly name: string; readonly sample: HostSample }[];
}

/**
 * A host application that believes nothing: it follows one edge node through births, data and deaths, and writes down whatever the
 * specification does not allow. What it has of each metric, live and history, is there to be compared.
 */
export class StrictHost {
  readonly violations: string[] = [];
  readonly heard: Heard[] = [];
  /** Every value of a device metric, by `device/metric`; births included. */
  readonly samples = new Map<string, HostSample[]>();
  readonly uuids: string[] = [];
  readonly devices = new Map<string, HostDevice>();
  isOnline = false;
  bdSeq: number | undefined;
  #node: HostDevice = blank();
  #templates = new Map<string, WireMetric>();
  #seq = -1;
  readonly #group: string;
  readonly #edge: string;

  constructor(group: string, edge: string) {
    this.#group = group;
    this.#edge = edge;
  }

  get templates(): ReadonlyMap<string, WireMetric> {
    return this.#templates;
  }

  metric(device: string, name: string): HostMetric | undefined {
    return this.devices.get(device)?.byName.get(name);
  }

  nodeMetric(name: string): HostMetric | undefined {
    return this.#node.byName.get(name);
  }

  hear(topic: string, bytes: Uint8Array, { qos, retain }: { readonly qos: number; readonly retain: boolean }): void {
    const [namespace, group, verb = '', edge, device, ...rest] = topic.split('/');
    if (namespace !== 'spBv1.0' || group !== this.#group || edge !== this.#edge || rest.length > 0) {
      this.#complain(`topic ${topic}`);
      return;
    }
    if (verb.startsWith('D') !== (device !== undefined))
      this.#complain(`${verb} ${device === undefined ? 'without' : 'with'} a device`);
    if (retain) this.#complain(`${verb} is retained`);
    if (qos !== (verb === 'NDEATH' ? 1 : 0)) this.#complain(`${verb} in QoS ${qos}`);
    const payload = readPayload(bytes);
    this.#order(verb, payload);
    if (payload.timestamp === undefined) this.#complain(`${verb} without a timestamp`);
    if (payload.uuid !== undefined) this.uuids.push(payload.uuid);
    this.heard.push({ verb, device, payload, told: this.#take(verb, device, payload) });
  }

  #take(verb: string, device: string | undefined, payload: WirePayload): Heard['told'] {
    if (verb === 'NDATA') return this.#data(undefined, this.#node, payload);
    if (verb === 'DDATA') return this.#data(device ?? '', this.#deviceOf(device ?? ''), payload);
    if (verb === 'NBIRTH') this.#nodeBirth(payload);
    else if (verb === 'NDEATH') this.#nodeDeath(payload);
    else if (verb === 'DBIRTH') this.#deviceBirth(device ?? '', payload);
    else if (verb === 'DDEATH') this.#deviceOf(device ?? '').isOnline = false;
    else this.#complain(`an edge node does not send ${verb}`);
    return [];
  }

  #order(verb: string, { seq }: WirePayload): void {
    if (verb === 'NDEATH') {
      if (seq !== undefined) this.#complain('NDEATH with a seq');
      return;
    }
    if (seq === undefined) {
      this.#complain(`${verb} without a seq`);
      return;
    }
    const expected = verb === 'NBIRTH' ? 0 : (this.#seq + 1) % 256;
    if (Number(seq) !== expected) this.#complain(`${verb} with seq ${seq} after ${this.#seq}`);
    if (verb !== 'NBIRTH' && !this.isOnline) this.#complain(`${verb} before NBIRTH`);
    this.#seq = Number(seq);
  }

  #nodeBirth({ metrics }: WirePayload): void {
    this.isOnline = true;
    this.#node = blank();
    this.#templates = new Map();
    for (const device of this.devices.values()) device.isOnline = false;
    for (const metric of metrics) {
      if (metric.templateValue?.isDefinition === true) this.#define(metric);
      else this.#bear(undefined, this.#node, metric);
    }
    this.bdSeq = Number(metrics.find(({ name }) => name === 'bdSeq')?.longValue ?? Number.NaN);
    if (Number.isNaN(this.bdSeq)) this.#complain('NBIRTH without bdSeq');
    const control = metrics.find(({ name }) => name === 'Node Control/Rebirth');
    if (control?.datatype !== 11 || control.booleanValue !== false || control.alias !== undefined)
      this.#complain('Node Control/Rebirth');
  }

  #nodeDeath({ metrics }: WirePayload): void {
    const [bdSeq, ...more] = metrics;
    if (bdSeq?.name !== 'bdSeq' || bdSeq.datatype !== 4 || more.length > 0) this.#complain('NDEATH has more or less than bdSeq');
    if (Number(bdSeq?.longValue) !== this.bdSeq) return;
    this.isOnline = false;
    for (const device of this.devices.values()) device.isOnline = false;
  }

  #define(metric: WireMetric): void {
    if (metric.templateValue?.templateRef !== undefined) this.#complain('a definition with a template_ref');
    this.#templates.set(metric.name ?? '', metric);
  }

  #deviceBirth(device: string, { metrics }: WirePayload): void {
    const born = { ...blank(), isOnline: true };
    this.devices.set(device, born);
    for (const metric of metrics) this.#bear(device, born, metric);
  }

  #bear(device: string | undefined, owner: HostDevice, metric: WireMetric): void {
    const { name, alias, datatype, timestamp } = metric;
    const where = `birth of ${device ?? 'the node'}, ${name}`;
    if (name === undefined || name === '' || datatype === undefined || timestamp === undefined) {
      this.#complain(`${where}: name, datatype or timestamp is missing`);
      return;
    }
    if (owner.byName.has(name)) this.#complain(`${where}: twice`);
    if (alias !== undefined && this.#isTaken(alias)) this.#complain(`${where}: alias ${alias} is taken`);
    if (metric.isHistorical === true) this.#complain(`${where}: historical`);
    const live = this.#sample(metric, datatype, where);
    const known = { name, datatype, birth: metric, live };
    owner.byName.set(name, known);
    if (alias !== undefined) owner.byAlias.set(alias, known);
    if (device !== undefined) this.#keep(device, name, live);
  }

  #isTaken(alias: string): boolean {
    return [this.#node, ...this.devices.values()].some(({ byAlias }) => byAlias.has(alias));
  }

  #data(device: string | undefined, owner: HostDevice, { metrics }: WirePayload): Heard['told'] {
    const who = device ?? 'the node';
    if (device !== undefined && !owner.isOnline) this.#complain(`data of ${who}, which is not born`);
    if (metrics.length === 0) this.#complain(`data of ${who} without metrics`);
    let lastMs = Number.NEGATIVE_INFINITY;
    const told: { name: string; sample: HostSample }[] = [];
    for (const metric of metrics) {
      const known = this.#knownOf(owner, metric, who);
      if (known === undefined) continue;
      const sample = this.#sample(metric, known.datatype, `data of ${who}, ${known.name}`);
      if (!sample.isHistorical && sample.timeMs < lastMs) this.#complain(`data of ${who}: not in order of time`);
      if (!sample.isHistorical && known.live.value !== null && sample.timeMs < known.live.timeMs)
        this.#complain(`data of ${who}, ${known.name}: the live value goes back in time`);
      if (!sample.isHistorical) lastMs = sample.timeMs;
      if (!sample.isHistorical) known.live = sample;
      told.push({ name: known.name, sample });
      if (device !== undefined) this.#keep(device, known.name, sample);
      else this.#keep('', known.name, sample);
    }
    return told;
  }

  #knownOf(owner: HostDevice, { name, alias, timestamp, datatype }: WireMetric, who: string): HostMetric | undefined {
    if ((name === undefined) === (alias === undefined)) this.#complain(`data of ${who}: name or alias, not both, not none`);
    if (timestamp === undefined) this.#complain(`data of ${who}: no timestamp`);
    const known = alias === undefined ? owner.byName.get(name ?? '') : owner.byAlias.get(alias);
    if (known === undefined) this.#complain(`data of ${who}: ${name ?? alias} was not born`);
    else if (alias === undefined && known.birth.alias !== undefined) this.#complain(`data of ${who}: ${name} has an alias`);
    if (known !== undefined && datatype !== undefined && datatype !== known.datatype)
      this.#complain(`data of ${who}: other datatype`);
    return known;
  }

  #sample(metric: WireMetric, datatype: number, where: string): HostSample {
    const { timestamp = '0', isHistorical = false } = metric;
    const { keys = [], values = [] } = metric.properties ?? {};
    if (keys.length !== values.length) this.#complain(`${where}: ${keys.length} property keys, ${values.length} values`);
    const quality = values[keys.indexOf('Quality')];
    if (quality !== undefined && (quality.type !== 3 || ![0, 192, 500].includes(quality.intValue ?? -1)))
      this.#complain(`${where}: quality`);
    const reference = metric.templateValue?.templateRef;
    if (metric.templateValue !== undefined && !this.#templates.has(reference ?? ''))
      this.#complain(`${where}: no template ${reference}`);
    const head = { timeMs: Number(timestamp), quality: quality?.intValue ?? 192, isHistorical };
    try {
      return { ...head, value: hostValue(metric, datatype) };
    } catch (error) {
      this.#complain(`${where}: ${error instanceof Error ? error.message : String(error)}`);
      return { ...head, value: null };
    }
  }

  #keep(device: string, name: string, sample: HostSample): void {
    const key = `${device}/${name}`;
    const kept = this.samples.get(key);
    if (kept === undefined) this.samples.set(key, [sample]);
    else kept.push(sample);
  }

  #deviceOf(device: string): HostDevice {
    const known = this.devices.get(device) ?? blank();
    this.devices.set(device, known);
    return known;
  }

  #complain(text: string): void {
    this.violations.push(text);
  }
}

function blank(): HostDevice {
  return { isOnline: false, byName: new Map(), byAlias: new Map() };
}
