import type { CommandResult } from '../../../model/command.ts';
import type { GatewayError } from '../../../model/error.ts';
import { decodeCommand, lifeOf } from '../../command-document.ts';
import type { Packet } from '../../dialect.ts';
import { encodeResultBody } from '../../result-document.ts';
import { jsonPacket } from '../mqtt/json-packet.ts';
import { fillTemplate, type TopicNames } from '../mqtt/topic-template.ts';
import type { AwsSettings } from './settings.ts';
import type { Take } from './shadows.ts';
import { requireTopic } from './topics.ts';

/** Commands on a topic for each twin, listened to by one subscription for all twins whose other levels are the same. */
export class TopicCommands {
  readonly subscriptions: readonly string[];
  readonly #twinByTopic: ReadonlyMap<string, string>;
  readonly #results: ReadonlyMap<string, string>;

  /** Throws CONFIG_INVALID. */
  constructor({ commands }: AwsSettings, subject: string, names: ReadonlyMap<string, TopicNames>) {
    const templates = commands === false ? undefined : commands;
    const fill = (template: string) =>
      [...names].map(([twin, filled]) => [twin, requireTopic(fillTemplate(template, filled, subject), subject)] as const);
    this.#twinByTopic = new Map(templates === undefined ? [] : fill(templates.topic).map(([twin, topic]) => [topic, twin]));
    this.#results = new Map(templates === undefined ? [] : fill(templates.results));
    const level = templates?.topic.split('/').indexOf('{twin}') ?? -1;
    this.subscriptions = [...new Set([...this.#twinByTopic.keys()].map((topic) => topic.split('/').with(level, '+').join('/')))];
  }

  /** False: not a command. Throws COMMAND_INVALID. */
  receive(packet: Packet, nowMs: number, take: Take, publish: (packet: Packet) => Promise<void>): boolean {
    const twin = this.#twinByTopic.get(packet.topic);
    if (twin === undefined) return false;
    const command = decodeCommand(packet, twin, {
      envelope: lifeOf(packet, nowMs),
      isOurs: (topic) => this.#twinByTopic.has(topic),
    });
    take(command, (result) => publish(this.#resultPacket(result)));
    return true;
  }

  refusal(packet: Packet, { code, message }: GatewayError): Packet | undefined {
    const twin = this.#twinByTopic.get(packet.topic);
    if (twin === undefined) return undefined;
    const body = { schema: 'gw.result/1', twin, status: 'refused', error: { code, message } };
    return jsonPacket(this.#results.get(twin) ?? '', body, correlationOf(packet));
  }

  #resultPacket(result: CommandResult): Packet {
    const { replyTo, device } = result;
    const topic = replyTo?.topic ?? this.#results.get(device) ?? '';
    return jsonPacket(topic, encodeResultBody(result), correlationOf(replyTo ?? {}));
  }
}

function correlationOf({ correlationData }: { readonly correlationData?: Uint8Array }) {
  return correlationData === undefined ? {} : { correlationData };
}
