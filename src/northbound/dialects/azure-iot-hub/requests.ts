import type { Command, CommandResult } from '../../../model/command.ts';
import { GatewayError } from '../../../model/error.ts';
import type { Value } from '../../../model/value.ts';
import { decodeCommand, type Envelope } from '../../command-document.ts';
import type { Packet } from '../../dialect.ts';
import { jsonValue } from '../../shapes/envelope.ts';
import type { JsonObject } from './json.ts';
import type { Layout } from './layout.ts';
import type { PropertyBag } from './property-bag.ts';

/** Method that takes a whole command; a dot is in no name of a mapping. */
export const COMMAND_METHOD = 'gw.command';
const MAX_METHOD_BYTES = 131_072;

/** Where the answer to a command goes; travels with the command as its `replyTo`. */
export type Origin =
  | { readonly kind: 'method'; readonly requestId: string }
  | { readonly kind: 'message'; readonly messageId: string };

export function originTopic(origin: Origin): string {
  return origin.kind === 'method' ? `method:${origin.requestId}` : `message:${origin.messageId}`;
}

/** `undefined`: nobody waits for it. */
export function originOf({ replyTo }: CommandResult): Origin | undefined {
  const [, kind, id = ''] = /^(method|message):(.*)$/s.exec(replyTo?.topic ?? '') ?? [];
  if (kind === 'method') return { kind, requestId: id };
  return kind === 'message' ? { kind, messageId: id } : undefined;
}

/**
 * The command that a direct method asks for: `press-07*startProgram` with the arguments as payload, or `press-07*gw.command` with a
 * command. Where there is one twin only, its name may be left away. Throws COMMAND_INVALID or COMMAND_UNKNOWN. `sessionId` makes
 * request ids, which every connection counts anew, different for each.
 */
export function methodCommand(
  method: string,
  requestId: string,
  payload: Uint8Array,
  layout: Layout,
  sessionId: string,
): Command {
  const [twin, name] = addressee(method, layout);
  const id = `${sessionId}:${requestId}`;
  const replyTo = { topic: originTopic({ kind: 'method', requestId }) };
  if (payload.length > MAX_METHOD_BYTES)
    throw invalid(twin, `its payload has ${payload.length} bytes, at most ${MAX_METHOD_BYTES} are read`);
  if (name === COMMAND_METHOD) return { ...decodeCommand(packetOf(payload), twin, { envelope: { id } }), replyTo };
  return { id, device: twin, method: name, arguments: argumentsOf(payload, twin), replyTo };
}

function addressee(method: string, layout: Layout): readonly [twin: string, name: string] {
  const at = method.indexOf('*');
  if (at < 0) {
    const only = layout.defaultTwin;
    if (only !== undefined) return [only, method];
    throw new GatewayError(
      'COMMAND_UNKNOWN',
      method,
      `\`${method}\` does not say which twin; expected e.g. \`press-07*${method}\``,
    );
  }
  const twin = layout.twinOf(method.slice(0, at));
  if (twin !== undefined) return [twin, method.slice(at + 1)];
  throw new GatewayError('COMMAND_UNKNOWN', method, `there is no twin \`${method.slice(0, at)}\``);
}

function argumentsOf(payload: Uint8Array, twin: string): Readonly<Record<string, Value>> {
  const text = Buffer.from(payload).toString('utf8').trim();
  if (text === '' || text === 'null') return {};
  const command = decodeCommand(asCall(text), twin);
  return 'arguments' in command ? command.arguments : {};
}

/** Read as the arguments of a command are, so that they are checked as those. */
function asCall(text: string): Packet {
  return packetOf(Buffer.from(`{"id":"-","method":"-","arguments":${text}}`));
}

function packetOf(payload: Uint8Array): Packet {
  return { topic: '', payload, qos: 0, retain: false };
}

/**
 * A message from the cloud to the device, its property `twinId` saying for whom; the system properties of the message say what its body does
 * not: message id, user id, creation time, expiry. It may have lain in the hub, so it has to say until when it is right.
 */
export function messageCommand(bag: PropertyBag, payload: Uint8Array, layout: Layout): Command {
  const named = bag.twinId ?? undefined;
  const twin = named === undefined ? layout.defaultTwin : layout.twinOf(named);
  if (twin === undefined) {
    const text = named === undefined ? 'its property `twinId` is missing' : `there is no twin \`${named}\``;
    throw new GatewayError(named === undefined ? 'COMMAND_INVALID' : 'COMMAND_UNKNOWN', named ?? 'message', text);
  }
  const command = decodeCommand(packetOf(payload), twin, { envelope: envelopeOf(bag) });
  if (command.expiresTimeMs === undefined && command.issuedTimeMs === undefined)
    throw invalid(twin, 'neither it nor its properties say when it expires, and it may have lain in the hub');
  return { ...command, replyTo: { topic: originTopic({ kind: 'message', messageId: bag['$.mid'] ?? command.id }) } };
}

function envelopeOf(bag: PropertyBag): Envelope {
  const { '$.mid': id, '$.uid': by, '$.ctime': created, '$.exp': expires } = bag;
  const issuedTimeMs = Date.parse(created ?? '');
  const expiresTimeMs = Date.parse(expires ?? '');
  return {
    ...(id ? { id } : {}),
    ...(by ? { by } : {}),
    ...(Number.isNaN(issuedTimeMs) ? {} : { issuedTimeMs }),
    ...(Number.isNaN(expiresTimeMs) ? {} : { expiresTimeMs }),
  };
}

function invalid(twin: string, reason: string): GatewayError {
  return new GatewayError('COMMAND_INVALID', twin, `the command cannot be read: ${reason}`);
}

/** What a method gave back, as IoT Plug and Play expects it: alone. */
export function outputsOf({ outputs = {} }: CommandResult): JsonObject {
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, jsonValue(value)]));
}
