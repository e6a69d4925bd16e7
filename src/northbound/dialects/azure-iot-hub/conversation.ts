import { randomBytes } from 'node:crypto';
import type { CommandResult } from '../../../model/command.ts';
import { GatewayError } from '../../../model/error.ts';
import type { Stored } from '../../../model/twin-message.ts';
import { type Descriptions, tellDescriptions } from '../../descriptions.ts';
import type { Conversation, Line, Packet } from '../../dialect.ts';
import { encodeResultBody } from '../../result-document.ts';
import { answerCode, codeOf } from './answer-code.ts';
import { Desired } from './desired.ts';
import type { DesiredBook } from './desired-book.ts';
import { isObject, type JsonObject, parseObject } from './json.ts';
import type { Layout } from './layout.ts';
import { type PatchPace, Reported } from './reported.ts';
import { messageCommand, methodCommand, type Origin, originOf, outputsOf } from './requests.ts';
import type { States } from './states.ts';
import { messagePacket } from './telemetry.ts';
import { DESIRED, deviceBound, GET_TWIN, type Incoming, incoming, METHODS, methodAnswer, TWIN_ANSWERS } from './topics.ts';
import { TwinRequests } from './twin-requests.ts';

/** Both halves of a twin may have 32 KB, and some more as JSON. */
const MAX_TWIN_PAYLOAD_BYTES = 262_144;
/** Where more changes come while the twin is fetched, one is missing in the end, and it is fetched again. */
const MAX_EARLY = 100;

export interface ConversationOptions {
  readonly deviceId: string;
  readonly layout: Layout;
  readonly states: States;
  readonly book: DesiredBook;
  /** Whether the hub keeps a twin of the device, and whether the cloud may ask for anything. */
  readonly hasTwin: boolean;
  readonly hasCommands: boolean;
  readonly properties: 'twin' | 'messages' | 'both';
  readonly answerTimeoutMs: number;
  readonly pace: PatchPace;
  /** What one message is, as telemetry. */
  readonly telemetry: (stored: Stored) => readonly Packet[];
  /** Told at the first connect. */
  readonly birth: () => readonly Packet[];
  readonly descriptions: Descriptions;
  /** `isRenewal`: the connection is opened anew at once. */
  readonly death: (isRenewal: boolean) => Packet | undefined;
  readonly missingStates: (reported: JsonObject) => readonly JsonObject[];
  readonly current: ConstructorParameters<typeof Desired>[0]['current'];
  readonly onFailure: (what: string, error: unknown) => void;
}

export class AzureConversation implements Conversation {
  readonly subscriptions: readonly string[];
  readonly #line: Line;
  readonly #options: ConversationOptions;
  readonly #requests: TwinRequests;
  readonly #reported: Reported;
  readonly #desired: Desired;
  readonly #sessionId = randomBytes(6).toString('base64url');
  /** Changes that came while the whole twin is being fetched; `undefined` where it is not. */
  #early: JsonObject[] | undefined;

  constructor(line: Line, options: ConversationOptions) {
    const { deviceId, layout, book, hasTwin, hasCommands, answerTimeoutMs, pace, current } = options;
    this.#line = line;
    this.#options = options;
    this.#requests = new TwinRequests(line, answerTimeoutMs);
    this.#reported = new Reported(line, this.#requests, pace);
    const onFailure = (error: unknown) => this.#tellFailure('acknowledgement not reported', error);
    const onBehind = () => this.#refetch();
    this.#desired = new Desired({ line, layout, book, reported: this.#reported, current, onFailure, onBehind });
    const commands = hasTwin && hasCommands ? [DESIRED, METHODS, deviceBound(deviceId)] : [];
    this.subscriptions = hasTwin ? [TWIN_ANSWERS, ...commands] : [];
  }

  /** Listened to already; now the whole of the twin, so that no change is missed. */
  async start(): Promise<void> {
    const { hasTwin, birth, descriptions, missingStates } = this.#options;
    if (hasTwin) {
      await this.#fetch();
      for (const patch of missingStates(this.#reported.document)) this.#insist(patch);
    }
    for (const packet of birth()) this.#line.tell(packet);
    tellDescriptions(this.#line, descriptions);
  }

  /** A state goes to the twin; what of it cannot, or is not of now, goes as a message, so that nothing is lost. */
  async publish(stored: Stored): Promise<number> {
    const { states, properties } = this.#options;
    if (!this.#isState(stored)) return await this.#send(stored);
    const state = states.stateOf(stored, this.#reported.document);
    const { patch } = state;
    if (patch === undefined || !this.#reported.hasRoomFor(patch)) return await this.#send(stored);
    await this.#reported.report(patch);
    states.reportedAt(state);
    const bytes = Buffer.byteLength(JSON.stringify(patch));
    return state.isWhole && properties !== 'both' ? bytes : bytes + (await this.#send(stored));
  }

  receive(packet: Packet): void {
    const told = incoming(packet.topic, this.#options.deviceId);
    if (told === undefined) throw invalid(this.#line.subject, 'a packet on a topic that no hub uses');
    if (told.kind !== 'twin-answer' && !this.#options.hasCommands)
      throw invalid(this.#line.subject, 'nobody here listens to commands');
    this.#take(told, packet.payload);
  }

  refusal(packet: Packet, error: GatewayError): Packet | undefined {
    const told = incoming(packet.topic, this.#options.deviceId);
    const { code, message } = error;
    const body = { schema: 'gw.result/1', status: 'refused', error: { code, message } };
    if (told?.kind === 'method') return answerPacket(codeOf(error), told.requestId, body);
    if (told?.kind === 'message') return this.#messageAnswer(told.bag['$.mid'] ?? undefined, body);
    return undefined;
  }

  async respond(result: CommandResult): Promise<void> {
    if (this.#desired.take(result)) return;
    const origin = originOf(result);
    if (origin !== undefined) await this.#line.publish(this.#answer(origin, result));
  }

  async end(cause?: GatewayError): Promise<void> {
    const packet = this.#options.death(cause !== undefined);
    await this.#options.book.saved();
    if (packet !== undefined) await this.#line.publish(packet);
  }

  #isState({ message: { kind, isHistory } }: Stored): boolean {
    const { hasTwin, properties } = this.#options;
    return hasTwin && kind === 'property' && properties !== 'messages' && isHistory !== true;
  }

  async #send(stored: Stored): Promise<number> {
    const packets = this.#options.telemetry(stored);
    await Promise.all(packets.map((packet) => this.#line.publish(packet)));
    return packets.reduce((bytes, { payload }) => bytes + payload.length, 0);
  }

  #take(told: Incoming, payload: Uint8Array): void {
    const { layout } = this.#options;
    switch (told.kind) {
      case 'twin-answer':
        if (!this.#requests.take(told.requestId, { status: told.status, payload }))
          throw invalid(this.#line.subject, 'an answer to a request that is not under way');
        this.#line.heard();
        return;
      case 'desired':
        this.#change(payload);
        return;
      case 'method':
        this.#ask(told, payload);
        return;
      case 'message':
        this.#command(messageCommand(told.bag, payload, layout));
    }
  }

  #ask({ method, requestId }: Incoming & { readonly kind: 'method' }, payload: Uint8Array): void {
    this.#command(methodCommand(method, requestId, payload, this.#options.layout, this.#sessionId));
  }

  /** Whoever waits for an answer gets one where too many commands are under way, too. */
  #command(command: ReturnType<typeof methodCommand>): void {
    if (this.#line.command(command)) return;
    const error = { code: 'COMMAND_TOO_OFTEN', message: 'too many commands are under way' } as const;
    const { id, device, replyTo } = command;
    const result: CommandResult = {
      id,
      device,
      status: 'refused',
      points: {},
      error,
      ...(replyTo === undefined ? {} : { replyTo }),
    };
    const origin = originOf(result);
    if (origin !== undefined) this.#line.tell(this.#answer(origin, result));
  }

  #change(payload: Uint8Array): void {
    const patch = parseObject(payload, MAX_TWIN_PAYLOAD_BYTES);
    if (patch === undefined) throw invalid(this.#line.subject, 'desired properties that are no JSON object');
    this.#changed(patch);
  }

  /** While the twin is fetched, its answer may be older than what overtook it. */
  #changed(patch: JsonObject): void {
    if (this.#early === undefined) this.#wish(patch);
    else if (this.#early.push(patch) > MAX_EARLY) {
      this.#early.shift();
      this.#line.heard();
    }
  }

  #wish(patch: JsonObject): void {
    const change = this.#desired.change(patch);
    if (change !== 'wished') this.#line.heard();
    if (change === 'gap') this.#refetch();
  }

  #refetch(): void {
    this.#fetch().catch((error: unknown) => this.#tellFailure('twin not fetched', error));
  }

  /** The whole twin; answers are bounded by `TwinRequests`. */
  async #fetch(): Promise<void> {
    const { book, hasCommands, deviceId } = this.#options;
    const early: JsonObject[] = [];
    this.#early = early;
    try {
      await book.open(`${this.#line.subject} ${deviceId}`);
      const { status, payload } = await this.#requests.ask(GET_TWIN, new Uint8Array());
      const twin = status === 200 ? parseObject(payload, MAX_TWIN_PAYLOAD_BYTES) : undefined;
      if (twin === undefined) throw this.#fetchFault(status);
      const { desired = {}, reported = {} } = twin;
      if (isObject(reported)) this.#reported.begin(withoutVersion(reported));
      if (hasCommands && isObject(desired)) this.#desired.resync(desired);
    } finally {
      if (this.#early === early) this.#early = undefined;
      if (!this.#line.over.aborted) for (const patch of early) this.#changed(patch);
    }
  }

  #fetchFault(status: number): GatewayError {
    const code = status === 429 || status >= 500 ? 'HUB_THROTTLED' : 'HUB_REFUSED';
    return new GatewayError(code, this.#line.subject, `the hub does not tell the twin: ${status}`);
  }

  #answer(origin: Origin, result: CommandResult): Packet {
    const body = encodeResultBody(result);
    if (origin.kind === 'message') return this.#messageAnswer(origin.messageId, body);
    const isModelled = this.#options.layout.plugAndPlay && result.status === 'done' && result.method !== undefined;
    return answerPacket(answerCode(result), origin.requestId, isModelled ? outputsOf(result) : body);
  }

  /** Messages have no answer of their own: the result is telemetry that names the message. */
  #messageAnswer(messageId: string | undefined, body: Readonly<Record<string, unknown>>): Packet {
    const system = {
      ...(messageId === undefined ? {} : { '$.cid': messageId }),
      '$.ct': 'application/json;charset=utf-8',
      '$.ce': 'utf-8',
    };
    const twin = typeof body.twin === 'string' ? { twinId: body.twin } : {};
    return messagePacket(this.#options.deviceId, system, { schema: 'gw.result/1', ...twin }, Buffer.from(JSON.stringify(body)));
  }

  #insist(patch: JsonObject): void {
    this.#reported.insist(patch).catch((error: unknown) => this.#tellFailure('state not reported', error));
  }

  #tellFailure(what: string, error: unknown): void {
    if (!this.#line.over.aborted) this.#options.onFailure(what, error);
  }
}

function answerPacket(status: number, requestId: string, body: Readonly<Record<string, unknown>>): Packet {
  return { topic: methodAnswer(status, requestId), payload: Buffer.from(JSON.stringify(body)), qos: 0, retain: false };
}

function invalid(subject: string, what: string): GatewayError {
  return new GatewayError('COMMAND_INVALID', subject, `what came cannot be read: ${what}`);
}

function withoutVersion({ $version: _, ...properties }: JsonObject): JsonObject {
  return properties;
}
