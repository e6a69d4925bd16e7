import { z } from 'zod';
import type { Command, ReplyTo } from '../model/command.ts';
import { GatewayError } from '../model/error.ts';
import type { Value } from '../model/value.ts';
import type { Packet } from './dialect.ts';
import { readStrictJson } from './strict-json.ts';

/** Looked at before anything is parsed. */
const MAX_COMMAND_BYTES = 65_536;
const MAX_ID_LENGTH = 128;
const MAX_METHOD_LENGTH = 512;
const MAX_POINTS = 1_000;
const MAX_REPLY_TOPIC_LENGTH = 1_024;
const MAX_BY_LENGTH = 256;
const MAX_SETTINGS = 1_000;

const wanted = z.custom<Value>(isWanted, 'true, false, a number, a text, or a list or map of them');

const commandSchema = z.strictObject({
  id: z.string('a text').min(1).max(MAX_ID_LENGTH).optional(),
  desired: z.record(z.string(), wanted).optional(),
  method: z.string('a text').min(1).max(MAX_METHOD_LENGTH).optional(),
  arguments: z.record(z.string(), wanted).optional(),
  settings: z.record(z.string(), z.union([z.boolean(), z.number(), z.string()], 'true, false, a number or a text')).optional(),
  approve: z.literal(true, 'true').optional(),
  by: z.string('a text').min(1).max(MAX_BY_LENGTH).optional(),
  dryRun: z.boolean('true or false').optional(),
  issued: instant().optional(),
  expires: instant().optional(),
});

function instant() {
  return z
    .union([z.iso.datetime({ offset: true }), z.int().nonnegative()], 'an ISO 8601 time or milliseconds')
    .transform((told) => (typeof told === 'number' ? told : Date.parse(told)));
}

/** What JSON gave, without `null` and the numbers beyond any double. Depth was checked before. */
function isWanted(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isWanted);
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'boolean' || typeof value === 'bigint' || typeof value === 'string';
}

/** What the hub says of a command beside its document. */
export interface Envelope {
  /** Where the document gives none. */
  readonly id?: string;
  readonly by?: string;
  /** The earlier of both holds; UTC, milliseconds since 1970. */
  readonly issuedTimeMs?: number;
  readonly expiresTimeMs?: number;
}

export interface ReadOptions {
  readonly envelope?: Envelope;
  /** Topics this gateway itself listens to, which no answer may go to. Default: none. */
  readonly isOurs?: (topic: string) => boolean;
}

/** The one reader of commands, whatever dialect they come in: the command in a packet for a twin. Throws COMMAND_INVALID. */
export function decodeCommand(packet: Packet, twin: string, { envelope = {}, isOurs = () => false }: ReadOptions = {}): Command {
  if (packet.retain) throw invalid(twin, 'it is retained, and would be executed anew at each connect');
  const { id = envelope.id, by = envelope.by, issued, expires, ...asked } = parse(packet.payload, twin);
  if (id === undefined || id.length > MAX_ID_LENGTH)
    throw invalid(twin, `\`id\`: expected a text of 1 to ${MAX_ID_LENGTH} characters`);
  if (by !== undefined && by.length > MAX_BY_LENGTH) throw invalid(twin, `\`by\`: expected at most ${MAX_BY_LENGTH} characters`);
  const issuedTimeMs = earlier(issued, envelope.issuedTimeMs);
  const expiresTimeMs = earlier(expires, envelope.expiresTimeMs);
  const replyTo = replyToOf(packet, twin, isOurs);
  return {
    id,
    device: twin,
    ...bodyOf(asked, twin),
    ...(by === undefined ? {} : { by }),
    ...(issuedTimeMs === undefined ? {} : { issuedTimeMs }),
    ...(expiresTimeMs === undefined ? {} : { expiresTimeMs }),
    ...(replyTo === undefined ? {} : { replyTo }),
  };
}

/** What is left of the life of an MQTT 5 packet bounds that of the command in it. */
export function lifeOf({ expiryS }: Packet, nowMs: number): Envelope {
  return expiryS === undefined ? {} : { expiresTimeMs: nowMs + expiryS * 1_000 };
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

type Asked = Omit<z.output<typeof commandSchema>, 'id' | 'by' | 'issued' | 'expires'>;

/** A command is for exactly one thing. */
function bodyOf({ desired, method, arguments: given, settings, approve, dryRun }: Asked, twin: string) {
  const asked = Object.entries({ desired, method, settings, approve }).flatMap(([name, value]) =>
    value === undefined ? [] : name,
  );
  if (asked.length > 1) throw invalid(twin, `either \`${asked[0]}\` or \`${asked[1]}\`, not both`);
  if (given !== undefined && method === undefined) throw invalid(twin, '`arguments` without the `method` they are for');
  const trial = dryRun === true ? ({ isDryRun: true } as const) : {};
  if (method !== undefined) return { method, arguments: given ?? {}, ...trial };
  if (desired !== undefined) return { desired: counted('desired', desired, MAX_POINTS, twin), ...trial };
  if (settings !== undefined) return { settings: counted('settings', settings, MAX_SETTINGS, twin), ...trial };
  if (approve === undefined) throw invalid(twin, 'none of `desired`, `method`, `settings` and `approve`');
  if (dryRun === true) throw invalid(twin, '`dryRun` of an approval');
  return { approves: true } as const;
}

function counted<T extends object>(name: string, entries: T, most: number, twin: string): T {
  const count = Object.keys(entries).length;
  if (count === 0 || count > most) throw invalid(twin, `\`${name}\`: expected 1 to ${most} entries, got ${count}`);
  return entries;
}

function parse(payload: Uint8Array, twin: string): z.output<typeof commandSchema> {
  const refuse = (reason: string, cause?: unknown) => invalid(twin, reason, cause);
  const { data, error } = commandSchema.safeParse(readStrictJson(payload, MAX_COMMAND_BYTES, refuse));
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw invalid(twin, `\`${issue?.path.join('.') ?? ''}\`: ${issue?.message ?? 'not as expected'}`);
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
