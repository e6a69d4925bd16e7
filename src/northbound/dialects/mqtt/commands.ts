import { z } from 'zod';
import type { Command, CommandResult, PointResult, ReplyTo } from '../../../model/command.ts';
import { GatewayError } from '../../../model/error.ts';
import type { Value } from '../../../model/value.ts';
import type { Packet } from '../../dialect.ts';
import { jsonValue } from '../../shapes/shape.ts';
import { jsonFault } from './json-fault.ts';

/** Looked at before anything is parsed. */
const MAX_COMMAND_BYTES = 65_536;
const MAX_ID_LENGTH = 128;
const MAX_METHOD_LENGTH = 512;
const MAX_POINTS = 1_000;
const MAX_REPLY_TOPIC_LENGTH = 1_024;
/** A command that does not say when it expires. */
const DEFAULT_LIFE_MS = 30_000;

const wanted = z.custom<Value>(isWanted, 'true, false, a number, a text, or a list or map of them');

const commandSchema = z.strictObject({
  id: z.string('a text').min(1).max(MAX_ID_LENGTH),
  desired: z.record(z.string(), wanted).optional(),
  method: z.string('a text').min(1).max(MAX_METHOD_LENGTH).optional(),
  arguments: z.record(z.string(), wanted).optional(),
  expires: z.union([z.iso.datetime({ offset: true }), z.int().nonnegative()], 'an ISO 8601 time or milliseconds').optional(),
});

/** What JSON gave, without `null` and the numbers beyond any double. Depth was checked before. */
function isWanted(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isWanted);
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'boolean' || typeof value === 'bigint' || typeof value === 'string';
}

/** The command in a packet for a twin. Throws COMMAND_INVALID. `isOurs`: topics this gateway itself listens to. */
export function decodeCommand(packet: Packet, twin: string, nowMs: number, isOurs: (topic: string) => boolean): Command {
  if (packet.retain) throw invalid(twin, 'it is retained, and would be executed anew at each connect');
  const { id, expires, ...asked } = parse(packet.payload, twin);
  const replyTo = replyToOf(packet, twin, isOurs);
  return {
    id,
    device: twin,
    ...bodyOf(asked, twin),
    expiresTimeMs: expires === undefined ? nowMs + DEFAULT_LIFE_MS : toMs(expires),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}

type Asked = Omit<z.output<typeof commandSchema>, 'id' | 'expires'>;

/** A command has either points to write or a method to call. */
function bodyOf({ desired, method, arguments: given }: Asked, twin: string) {
  if (method !== undefined) {
    if (desired !== undefined) throw invalid(twin, 'either `desired` or `method`, not both');
    return { method, arguments: given ?? {} };
  }
  if (given !== undefined) throw invalid(twin, '`arguments` without the `method` they are for');
  if (desired === undefined) throw invalid(twin, 'neither `desired` nor `method`');
  const points = Object.keys(desired).length;
  if (points === 0 || points > MAX_POINTS) throw invalid(twin, `\`desired\`: expected 1 to ${MAX_POINTS} points, got ${points}`);
  return { desired };
}

function parse(payload: Uint8Array, twin: string): z.output<typeof commandSchema> {
  if (payload.length > MAX_COMMAND_BYTES) throw invalid(twin, `${payload.length} bytes, at most ${MAX_COMMAND_BYTES} are read`);
  const text = decodeText(payload, twin);
  const fault = jsonFault(text);
  if (fault !== undefined) throw invalid(twin, fault);
  const { data, error } = commandSchema.safeParse(parseJson(text, twin));
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw invalid(twin, `\`${issue?.path.join('.') ?? ''}\`: ${issue?.message ?? 'not as expected'}`);
}

function decodeText(payload: Uint8Array, twin: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch (cause) {
    throw invalid(twin, 'not UTF-8', cause);
  }
}

function parseJson(text: string, twin: string): unknown {
  try {
    return JSON.parse(text, exactInteger);
  } catch (cause) {
    throw invalid(twin, cause instanceof Error ? `not JSON: ${cause.message}` : 'not JSON', cause);
  }
}

/** Integers that a double cannot hold stay exact; what is beyond any double is told as such by the schema. */
function exactInteger(this: unknown, _key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d{1,20}$/.test(source) ? BigInt(source) : value;
}

function toMs(expires: string | number): number {
  return typeof expires === 'number' ? expires : Date.parse(expires);
}

function replyToOf(
  { responseTopic, correlationData }: Packet,
  twin: string,
  isOurs: (topic: string) => boolean,
): ReplyTo | undefined {
  if (responseTopic === undefined) return undefined;
  const isUsable =
    responseTopic !== '' &&
    responseTopic.length <= MAX_REPLY_TOPIC_LENGTH &&
    !/[+#\0]/.test(responseTopic) &&
    !responseTopic.startsWith('$') &&
    !isOurs(responseTopic);
  if (!isUsable) throw invalid(twin, 'its response topic is not one that a result can be sent to');
  return { topic: responseTopic, ...(correlationData === undefined ? {} : { correlationData }) };
}

function invalid(twin: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('COMMAND_INVALID', twin, `the command cannot be read: ${reason}`, { cause });
}

/** `gw.result/1` */
export function encodeResultBody(result: CommandResult): Readonly<Record<string, unknown>> {
  const { id, device, status, method, error } = result;
  return {
    schema: 'gw.result/1',
    id,
    twin: device,
    ...(method === undefined ? {} : { method }),
    status,
    ...(method === undefined ? pointsOf(result) : outputsOf(result)),
    ...(error === undefined ? {} : { error }),
  };
}

function pointsOf({ points }: CommandResult) {
  return { points: Object.fromEntries(Object.entries(points).map(([name, point]) => [name, encodePoint(point)])) };
}

function outputsOf({ outputs }: CommandResult) {
  if (outputs === undefined) return {};
  return { outputs: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, jsonValue(value)])) };
}

function encodePoint({ status, value, error }: PointResult): Readonly<Record<string, Value | null | object>> {
  return {
    status,
    ...(value === undefined ? {} : { value: jsonValue(value) }),
    ...(error === undefined ? {} : { error }),
  };
}
