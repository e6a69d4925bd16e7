import type { CommandResult } from '../../../model/command.ts';
import { GatewayError } from '../../../model/error.ts';
import { messageId, type Stored, type TwinMessage } from '../../../model/twin-message.ts';
import type { Packet } from '../../dialect.ts';
import { encodeResultBody } from '../../result-document.ts';
import { clockMarks } from '../../shapes/envelope.ts';
import { type DeviceBook, isAway } from './device-book.ts';
import type { EdgeNode } from './edge-node.ts';
import { gapTable } from './gap-table.ts';
import type { KnownMetric } from './known-metric.ts';
import { MetricWriter } from './metric-writer.ts';
import { bdSeqMetric, GAP, nodeMetrics, RESULT } from './node-metrics.ts';
import { encodePayload, type Metric, type MetricValue } from './payload/payload.ts';
import { clockProperty, propertySet } from './properties.ts';
import type { DeviceVerb } from './topics.ts';
import { jsonValueOf } from './values/encode-value.ts';

/**
 * What hosts know of the edge node since its birth, and what they have to be told next: births before anything else, a new birth
 * where a metric is new or has got another type, deaths of devices. Every packet takes the next `seq`, so whatever is made has to be
 * sent, in this order. What throws takes no `seq`, and leaves nothing half told.
 */
export class NodeLife {
  readonly #node: EdgeNode;
  readonly #bdSeq: number;
  readonly #nowMs: () => number;
  readonly #fits: (packet: Packet) => boolean;
  #seq = 0;
  #made = 0;
  #isBirthDue = false;
  #writer: MetricWriter;
  readonly #alive = new Set<DeviceBook>();
  /** When a device was born anew last because its clock was set back. */
  readonly #setBackMs = new Map<DeviceBook, number>();

  /** `bdSeq`: of the will of this connection. `fits`: whether the broker takes a packet of that size. */
  constructor(node: EdgeNode, bdSeq: number, nowMs: () => number, fits: (packet: Packet) => boolean = () => true) {
    this.#node = node;
    this.#bdSeq = bdSeq;
    this.#nowMs = nowMs;
    this.#fits = fits;
    this.#writer = this.#newWriter();
  }

  /** The edge node and every device that is there. Throws HUB_REFUSED where the broker takes no packet so large. */
  birth(): readonly Packet[] {
    return this.#whole(() => this.#births());
  }

  #births(): readonly Packet[] {
    this.#isBirthDue = false;
    const { devices } = this.#node;
    for (const device of devices) {
      device.forget();
      device.learnCurrent();
    }
    const there = devices.filter((device) => this.#alive.has(device) || device.state === 'there');
    this.#seq = 0;
    this.#writer = this.#newWriter();
    const birth = this.#nodePacket('NBIRTH', this.#birthMetrics());
    return [birth, ...there.map((device) => this.#deviceBirth(device))];
  }

  /** Of the edge node; not a part of its sequence. */
  death(): Packet {
    return deathPacket(this.#node, this.#bdSeq, this.#nowMs());
  }

  /** Throws HUB_MESSAGE_TOO_LARGE, or what `birth` throws. */
  message(stored: Stored): readonly Packet[] {
    return this.#whole(() => [...this.#birthsDue(), ...this.#message(stored)]);
  }

  /** The result as a metric of the node, and what was read back as values of the device. Throws as `message`. */
  result(result: CommandResult): readonly Packet[] {
    return this.#whole(() => {
      const value = jsonValueOf(encodeResultBody(result));
      return [...this.#birthsDue(), this.#nodeData(RESULT, value), ...this.#readBack(result)];
    });
  }

  /** Packets made before one that cannot be sent are not sent either: their numbers are free again, and everything is said anew. */
  #whole(make: () => readonly Packet[]): readonly Packet[] {
    const { seq, made } = { seq: this.#seq, made: this.#made };
    try {
      return make();
    } catch (error) {
      this.#isBirthDue ||= this.#made > made;
      this.#seq = seq;
      throw error;
    }
  }

  #birthsDue(): readonly Packet[] {
    return this.#isBirthDue ? this.#births() : [];
  }

  #message(stored: Stored): readonly Packet[] {
    const { message } = stored;
    const id = messageId(this.#node.context.gateway.id, stored);
    const { clock } = clockMarks(message);
    if (message.kind === 'gap') return [this.#nodeData(GAP, { case: 'datasetValue', value: gapTable(stored) }, id, clock)];
    const device = this.#node.device(message.twin);
    if (message.body !== undefined) return this.#body(device, message, message.body, id);
    return this.#values(device, stored, id);
  }

  #values(device: DeviceBook, stored: Stored, id: string): readonly Packet[] {
    const { message } = stored;
    const metrics = device.learnMessage(stored);
    const told = Object.values(message.values).flatMap((list) =>
      list.map(([, , quality = 'good', status]) => ({ quality, status })),
    );
    const isGone = told.some(isAway) && device.state === 'away';
    if (isGone && !this.#alive.has(device) && told.every(({ quality }) => quality === 'bad'))
      return [this.#deviceDeath(device, id)];
    const births = this.#birthsFor(device, metrics);
    const data = this.#deviceData(device, this.#writer.values(device, message), id);
    return [...births, data, ...(isGone ? [this.#deviceDeath(device)] : [])];
  }

  #body(device: DeviceBook, message: TwinMessage, body: Readonly<Record<string, unknown>>, id: string): readonly Packet[] {
    const { isHistory } = message;
    const metric = device.event(message.kind === 'event' ? String(body.name ?? 'unnamed') : message.kind);
    const births = this.#birthsFor(device, [metric]);
    const told = this.#writer.once(metric, jsonValueOf(body), message.startTimeMs, { isHistory, ...clockMarks(message) });
    return [...births, this.#deviceData(device, [told], id)];
  }

  #readBack({ device: twin, points }: CommandResult): readonly Packet[] {
    const device = this.#node.device(twin);
    const read = Object.entries(points).flatMap(([name, { status, value = null }]) => {
      const metric = status === 'written' && value !== null ? device.byName(name) : undefined;
      return metric === undefined || value === null ? [] : [{ metric, value }];
    });
    if (read.length === 0 || !this.#alive.has(device)) return [];
    for (const { metric, value } of read) metric.learn(value);
    const births = this.#birthsFor(
      device,
      read.map(({ metric }) => metric),
    );
    const values = read.map(({ metric, value }) => this.#writer.readBack(device, metric, value));
    return [...births, this.#deviceData(device, values)];
  }

  /** What has to be announced before these metrics can be told: nothing, the device, or all where a template is new. */
  #birthsFor(device: DeviceBook, metrics: readonly KnownMetric[]): readonly Packet[] {
    const isBorn = this.#alive.has(device) && metrics.every((metric) => this.#writer.isBorn(metric));
    if (isBorn && !this.#isSetBack(device, metrics)) return [];
    device.forget();
    device.learnCurrent();
    const isDefined = device.metrics.every(({ type }) => this.#writer.isDefined(type));
    if (isDefined) return [this.#deviceBirth(device)];
    this.#alive.add(device);
    return this.#births();
  }

  /** A clock that jumps to and fro makes no more births than hosts that ask for them. */
  #isSetBack(device: DeviceBook, metrics: readonly KnownMetric[]): boolean {
    if (!metrics.some((metric) => this.#writer.isSetBack(device, metric))) return false;
    const sinceMs = Math.abs(this.#nowMs() - (this.#setBackMs.get(device) ?? Number.NEGATIVE_INFINITY));
    if (sinceMs < this.#node.settings.rebirthAtMostEvery) return false;
    this.#setBackMs.set(device, this.#nowMs());
    return true;
  }

  #birthMetrics(): readonly Metric[] {
    const { templates, devices, context, settings } = this.#node;
    const timestamp = this.#now();
    const structures = devices.flatMap((device) => device.metrics);
    const definitions = structures.flatMap(({ type, name }) => templates.define(type, name.replace(/^.*\//, ''), timestamp));
    const byName = new Map(definitions.map((definition) => [definition.name, definition]));
    for (const { type } of structures) this.#writer.define(type);
    const aliasOf = (name: string) => (settings.aliases ? { alias: this.#node.aliasOf(name) } : {});
    return [bdSeqMetric(this.#bdSeq, timestamp), ...byName.values(), ...nodeMetrics(context, timestamp, aliasOf)];
  }

  /** Without its long values where the broker takes no packet so large. */
  #deviceBirth(device: DeviceBook): Packet {
    this.#alive.add(device);
    const topic = this.#node.topics.device('DBIRTH', device.twin);
    const whole = this.#draft(topic, this.#writer.birth(device));
    return this.#take(this.#fits(whole) ? whole : this.#draft(topic, this.#writer.birth(device, { isBrief: true })));
  }

  #deviceDeath(device: DeviceBook, uuid?: string): Packet {
    this.#alive.delete(device);
    return this.#devicePacket('DDEATH', device, [], uuid);
  }

  #deviceData(device: DeviceBook, metrics: readonly Metric[], uuid?: string): Packet {
    try {
      return this.#devicePacket('DDATA', device, metrics, uuid);
    } catch (error) {
      // What was written down as told is not: qualities, and which value is the newest.
      this.#alive.delete(device);
      throw error;
    }
  }

  #nodeData(name: string, value: MetricValue, uuid?: string, clock?: string): Packet {
    const who = this.#node.settings.aliases ? { alias: this.#node.aliasOf(name) } : { name };
    const properties = propertySet(clockProperty(clock));
    const told = { ...who, timestamp: this.#now(), ...(properties === undefined ? {} : { properties }), value };
    return this.#nodePacket('NDATA', [told], uuid);
  }

  #nodePacket(verb: 'NBIRTH' | 'NDATA', metrics: readonly Metric[], uuid?: string): Packet {
    return this.#packet(this.#node.topics.node(verb), metrics, uuid);
  }

  #devicePacket(verb: Exclude<DeviceVerb, 'DCMD'>, { twin }: DeviceBook, metrics: readonly Metric[], uuid?: string): Packet {
    return this.#packet(this.#node.topics.device(verb, twin), metrics, uuid);
  }

  #packet(topic: string, metrics: readonly Metric[], uuid: string | undefined): Packet {
    return this.#take(this.#draft(topic, metrics, uuid));
  }

  #draft(topic: string, metrics: readonly Metric[], uuid?: string): Packet {
    const seq = BigInt(this.#seq);
    const payload = encodePayload({ timestamp: this.#now(), metrics, seq, ...(uuid === undefined ? {} : { uuid }) });
    return { topic, payload, qos: 0, retain: false, isBinary: true };
  }

  #take(packet: Packet): Packet {
    if (!this.#fits(packet)) throw tooLarge(packet);
    this.#seq = (this.#seq + 1) % 256;
    this.#made += 1;
    return packet;
  }

  #newWriter(): MetricWriter {
    return new MetricWriter(this.#node, this.#nowMs);
  }

  #now(): bigint {
    return BigInt(this.#nowMs());
  }
}

/** The will, and what is said before a planned end: QoS 1, without `seq` (§6.4.25). */
export function deathPacket(node: EdgeNode, bdSeq: number, nowMs: number): Packet {
  const timestamp = BigInt(nowMs);
  const payload = encodePayload({ timestamp, metrics: [bdSeqMetric(bdSeq, timestamp)] });
  return { topic: node.topics.node('NDEATH'), payload, qos: 1, retain: false, isBinary: true };
}

function tooLarge({ topic, payload }: Packet): GatewayError {
  const code = topic.includes('BIRTH/') ? 'HUB_REFUSED' : 'HUB_MESSAGE_TOO_LARGE';
  return new GatewayError(code, topic, `${payload.length} bytes are more than the broker takes in one packet`);
}
