import { randomUUID } from 'node:crypto';
import type { CallCommand, Command } from '../../../model/command.ts';
import { GatewayError } from '../../../model/error.ts';
import type { Value } from '../../../model/value.ts';
import type { Packet } from '../../dialect.ts';
import { type DeviceBook, methodOf } from './device-book.ts';
import type { KnownMetric } from './known-metric.ts';
import { REBIRTH } from './node-metrics.ts';
import { decodePayload, type Metric, type Payload } from './payload/payload.ts';
import { decodeValue } from './values/decode-value.ts';
import { UNKNOWN } from './values/metric-type.ts';

/** Looked at before anything is parsed. */
const MAX_COMMAND_BYTES = 65_536;
const MAX_ID_LENGTH = 128;
const MAX_METRICS = 1_000;
const MAX_NAME_LENGTH = 512;

/** Whether hosts want to be told everything anew. Throws COMMAND_INVALID for whatever else the node is told to do. */
export function asksRebirth(packet: Packet, subject: string): boolean {
  let isAsked = false;
  for (const { name, value, isNull = false } of parse(packet, subject).metrics) {
    if (name !== REBIRTH) throw invalid(subject, `the edge node takes no \`${name ?? 'metric without a name'}\``);
    if (isNull || value?.case !== 'booleanValue') throw invalid(subject, `\`${REBIRTH}\` is not true`);
    isAsked ||= value.value;
  }
  return isAsked;
}

/** Throws COMMAND_INVALID. Whether a point may be written is decided behind it. */
export function decodeCommand(packet: Packet, device: DeviceBook): Command {
  const { metrics, uuid, timestamp } = parse(packet, device.twin);
  const head = {
    id: uuid === undefined || uuid === '' ? randomUUID() : uuid,
    device: device.twin,
    ...(timestamp === undefined ? {} : { issuedTimeMs: Number(timestamp) }),
  };
  if (head.id.length > MAX_ID_LENGTH) throw invalid(device.twin, `its \`uuid\` is longer than ${MAX_ID_LENGTH} characters`);
  const meant = metrics.map((metric) => ({ metric, known: knownOf(metric, device) }));
  const [first] = meant;
  const method = first?.known === undefined ? undefined : methodOf(first.known);
  if (first?.known !== undefined && method !== undefined && meant.length === 1)
    return { ...head, method, arguments: argumentsOf(first.metric, first.known, device.twin) };
  const desired = new Map<string, Value>();
  for (const { metric, known } of meant) {
    const name = known?.name ?? metric.name ?? '';
    if (known !== undefined && methodOf(known) !== undefined) throw invalid(device.twin, `\`${name}\` has to stand alone`);
    if (name.length > MAX_NAME_LENGTH || name === '__proto__') throw invalid(device.twin, 'nothing has such a name');
    if (desired.has(name)) throw invalid(device.twin, `\`${name}\` stands twice`);
    desired.set(name, sentValue(metric, known, device.twin));
  }
  return { ...head, desired: Object.fromEntries(desired) };
}

function parse({ payload, retain }: Packet, subject: string): Payload {
  if (retain) throw invalid(subject, 'it is retained, and would be executed anew at each connect');
  if (payload.length > MAX_COMMAND_BYTES)
    throw invalid(subject, `${payload.length} bytes, at most ${MAX_COMMAND_BYTES} are read`);
  const decoded = decodeOrRefuse(payload, subject);
  const { length } = decoded.metrics;
  if (length === 0 || length > MAX_METRICS) throw invalid(subject, `expected 1 to ${MAX_METRICS} metrics, got ${length}`);
  return decoded;
}

function decodeOrRefuse(payload: Uint8Array, subject: string): Payload {
  try {
    return decodePayload(payload);
  } catch (cause) {
    throw invalid(subject, 'it is no payload of Sparkplug B', cause);
  }
}

/** By alias or by name; `undefined`: a name that is not known, which is refused as a point that does not exist. */
function knownOf({ name, alias }: Metric, device: DeviceBook): KnownMetric | undefined {
  if (alias === undefined) {
    if (name === undefined || name === '') throw invalid(device.twin, 'a metric has neither name nor alias');
    return device.byName(name);
  }
  const known = device.byAlias(alias);
  if (known === undefined) throw invalid(device.twin, `no metric of this device has the alias ${alias}`);
  if (name !== undefined && name !== known.name)
    throw invalid(device.twin, `the alias ${alias} is not of \`${name.slice(0, 80)}\``);
  return known;
}

function sentValue(metric: Metric, known: KnownMetric | undefined, subject: string): Value {
  const value = decodeValue(metric, known?.type ?? UNKNOWN);
  if (value === undefined)
    throw invalid(subject, `the value for \`${(known?.name ?? metric.name ?? '').slice(0, 80)}\` is not of its type`);
  return value;
}

/** A template of arguments, or `true` for a method without any. */
function argumentsOf(metric: Metric, known: KnownMetric, subject: string): CallCommand['arguments'] {
  const value = sentValue(metric, known, subject);
  if (value === true) return {};
  if (typeof value !== 'object') throw invalid(subject, `\`${known.name}\` is called by \`true\``);
  return value as CallCommand['arguments'];
}

export function invalid(subject: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('COMMAND_INVALID', subject, `the command cannot be read: ${reason}`, { cause });
}
