import type { Command, CommandResult } from '../model/command.ts';
import { GatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import type { WallClock } from '../runtime/clock.ts';
import { type Descriptions, tellDescriptions } from './descriptions.ts';
import type { Conversation, Dialect, Line, Packet } from './dialect.ts';

const MAX_SHOWN_LENGTH = 100;

/** A dialect without state: every packet stands for itself. Pure: no clock, no socket. */
export interface PlainDialect extends Omit<Dialect, 'converse'> {
  readonly subscriptions: readonly string[];
  /** Sent after each connect, e.g. the retained `online`. */
  birth?(clock: WallClock): readonly Packet[];
  /** Told after each connect, too. */
  readonly descriptions?: Descriptions;
  /** Sent before a planned disconnect, e.g. the retained `offline`. */
  death?(clock: WallClock): Packet;
  /** `undefined`: not for us. Throws COMMAND_INVALID with what a person could mend. */
  decode(packet: Packet, nowMs: number): Command | undefined;
  encodeResult(result: CommandResult): Packet;
  /** The answer to a packet that `decode` refused; `undefined` where nobody could know what is answered. */
  encodeRefusal(packet: Packet, error: GatewayError): Packet | undefined;
}

export function withConversation<D extends PlainDialect>(dialect: D): D & Dialect {
  return { ...dialect, converse: (line) => converse(dialect, line) };
}

function converse(dialect: PlainDialect, line: Line): Conversation {
  return {
    subscriptions: dialect.subscriptions,
    async start() {
      for (const packet of dialect.birth?.(line.clock) ?? []) line.tell(packet);
      if (dialect.descriptions !== undefined) tellDescriptions(line, dialect.descriptions);
    },
    async publish(stored) {
      const packets = encodeOrReject(dialect, stored, line);
      await Promise.all(packets.map((packet) => line.publish(packet)));
      return packets.reduce((bytes, { payload }) => bytes + payload.length, 0);
    },
    receive(packet) {
      const command = dialect.decode(packet, line.clock.nowMs());
      if (command === undefined)
        throw new GatewayError('COMMAND_INVALID', line.subject, `nobody here listens to ${shown(packet.topic)}`);
      line.command(command);
    },
    refusal: (packet, error) => dialect.encodeRefusal(packet, error),
    respond: (result) => line.publish(dialect.encodeResult(result)),
    async end() {
      const death = dialect.death?.(line.clock);
      if (death !== undefined) await line.publish(death);
    },
  };
}

function shown(topic: string): string {
  return JSON.stringify(topic.slice(0, MAX_SHOWN_LENGTH));
}

/** What cannot be encoded can never be sent; it must not stop what stands behind it. Throws HUB_MESSAGE_REJECTED. */
export function encodeOrReject({ encode }: Pick<Dialect, 'encode'>, stored: Stored, { clock, subject }: Line): readonly Packet[] {
  try {
    return encode(stored, clock.nowMs());
  } catch (cause) {
    if (cause instanceof GatewayError && cause.code === 'HUB_MESSAGE_TOO_LARGE') throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError('HUB_MESSAGE_REJECTED', subject, `a message cannot be encoded: ${text}`, { cause });
  }
}
