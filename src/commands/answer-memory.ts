import { createHash } from 'node:crypto';
import { type Command, type CommandResult, isCall } from '../model/command.ts';

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

function keyOf({ device, id }: Command): string {
  return JSON.stringify([device, id]);
}

function fingerprintOf(command: Command): string {
  const asked = isCall(command) ? [command.method, command.arguments] : [command.desired];
  const text = JSON.stringify(asked, (_key, part: unknown) => (typeof part === 'bigint' ? { bigint: String(part) } : part));
  return createHash('sha256').update(text).digest('base64');
}
