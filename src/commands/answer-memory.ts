import { createHash } from 'node:crypto';
import { type Command, type CommandResult, commandKind } from '../model/command.ts';

interface Answer {
  readonly fingerprint: string;
  readonly result: CommandResult;
}

/** The last results by id: a hub that delivers a command again (MQTT QoS 1) gets the answer again, and nothing is written twice. */
export class AnswerMemory {
  readonly #capacity: number;
  readonly #answers = new Map<string, Answer>();

  constructor(capacity = 64) {
    this.#capacity = capacity;
  }

  keep(command: Command, result: CommandResult): void {
    const [oldest] = this.#answers.keys();
    if (oldest !== undefined && this.#answers.size >= this.#capacity) this.#answers.delete(oldest);
    this.#answers.set(keyOf(command), { fingerprint: fingerprintOf(command), result });
  }

  /** `undefined` for a command never answered, forgotten, or that asks for something else than the one of this id did. */
  of(command: Command): CommandResult | undefined {
    const answer = this.#answers.get(keyOf(command));
    return answer?.fingerprint === fingerprintOf(command) ? answer.result : undefined;
  }
}

/** An approval has the id of the command it is for. */
function keyOf(command: Command): string {
  return JSON.stringify([command.device, command.id, commandKind(command) === 'approval']);
}

function fingerprintOf(command: Command): string {
  // When it was sent, how long it lives and where the answer goes may differ.
  const { issuedTimeMs, expiresTimeMs, replyTo, ...asked } = command;
  const text = JSON.stringify(asked, (_key, part: unknown) => (typeof part === 'bigint' ? { bigint: String(part) } : part));
  return createHash('sha256').update(text).digest('base64');
}
