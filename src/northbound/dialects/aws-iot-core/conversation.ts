import type { Command, CommandResult } from '../../../model/command.ts';
import { GatewayError } from '../../../model/error.ts';
import type { Stored } from '../../../model/twin-message.ts';
import type { WallClock } from '../../../runtime/clock.ts';
import { type Descriptions, tellDescriptions } from '../../descriptions.ts';
import type { Conversation, Dialect, Line, Packet } from '../../dialect.ts';
import { Pace } from '../../pace.ts';
import { encodeOrReject } from '../../plain-dialect.ts';
import type { Jobs } from './jobs.ts';
import { MAX_PAYLOAD_BYTES, REFUSALS_PER_SECOND } from './limits.ts';
import { invalid } from './read-json.ts';
import type { Shadows } from './shadows.ts';
import type { TopicCommands } from './topic-commands.ts';

export type AnswerCommand = (result: CommandResult) => Promise<void>;

export interface ConversationParts {
  readonly line: Line;
  readonly dialect: Pick<Dialect, 'encode'>;
  readonly desk: AnswerDesk;
  readonly shadows: Shadows | undefined;
  readonly jobs: Jobs | undefined;
  readonly commands: TopicCommands;
  /** What is said when it has connected, and before it goes. */
  readonly birth: (clock: WallClock) => Packet;
  readonly descriptions: Descriptions;
  readonly death: (clock: WallClock) => Packet;
}

export function converse({
  line,
  dialect,
  desk,
  shadows,
  jobs,
  commands,
  birth,
  death,
  descriptions,
}: ConversationParts): Conversation {
  const send = async (packet: Packet): Promise<number> => {
    const bytes = packet.payload.length;
    if (bytes > MAX_PAYLOAD_BYTES) throw tooLarge(line.subject, packet.topic, bytes);
    await line.publish(packet);
    return bytes;
  };
  const sendAll = async (packets: readonly Packet[]) => {
    const sizes = await Promise.all(packets.map(send));
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  };
  const refusals = new Pace(REFUSALS_PER_SECOND);
  return {
    subscriptions: [...(shadows?.subscriptions ?? []), ...(jobs?.subscriptions ?? []), ...commands.subscriptions],
    async start() {
      line.tell(birth(line.clock));
      tellDescriptions(line, descriptions);
      void shadows?.start();
      jobs?.start();
    },
    async publish(stored) {
      const reporting = isState(stored) ? shadows?.report(stored) : undefined;
      return await (reporting ?? sendAll(encodeOrReject(dialect, stored, line)));
    },
    receive(packet) {
      if (packet.retain && packet.topic.startsWith('$aws/')) throw invalid(line.subject, 'it is retained');
      if (shadows?.receive(packet) === true || jobs?.receive(packet) === true) return;
      if (!commands.receive(packet, line.clock.nowMs(), desk.take, (answer) => send(answer).then(() => {})))
        throw invalid(line.subject, 'nobody here listens to its topic');
    },
    refusal(packet, error) {
      const nowMs = line.clock.monotonicMs();
      if (refusals.isSpent(nowMs)) return undefined;
      refusals.take(nowMs);
      return commands.refusal(packet, error);
    },
    respond: (result) => desk.answer(result),
    async end() {
      await line.publish(death(line.clock));
    },
  };
}

/** What a device tells of its past is not the state of now. */
export function isState({ message }: Stored): boolean {
  return message.kind === 'property' && message.isHistory !== true;
}

function tooLarge(subject: string, topic: string, bytes: number): GatewayError {
  const text = `a message for ${topic} has ${bytes} bytes, AWS takes ${MAX_PAYLOAD_BYTES} at most`;
  return new GatewayError('HUB_MESSAGE_REJECTED', subject, text);
}

/** Remembers who waits for the answer to which command: ids are given by shadows, jobs and senders alike. */
export class AnswerDesk {
  readonly #line: Line;
  readonly #waiting = new Map<string, AnswerCommand[]>();

  constructor(line: Line) {
    this.#line = line;
  }

  readonly take = (command: Command, answer: AnswerCommand): boolean => {
    const key = keyOf(command);
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.set(key, [...waiting, answer]);
    if (this.#line.command(command)) return true;
    this.#pop(key, waiting.length);
    return false;
  };

  async answer(result: CommandResult): Promise<void> {
    await this.#pop(keyOf(result), 0)?.(result);
  }

  #pop(key: string, index: number): AnswerCommand | undefined {
    const waiting = this.#waiting.get(key) ?? [];
    const [answer] = waiting.splice(index, 1);
    if (waiting.length === 0) this.#waiting.delete(key);
    return answer;
  }
}

function keyOf({ id, device }: Pick<Command, 'id' | 'device'>): string {
  return `${device}\n${id}`;
}
