import { Subscription } from 'rxjs';
import { type Command, type CommandResult, resultHead } from '../model/command.ts';
import { GatewayError } from '../model/error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { HubSession } from './hub.ts';

/** Commands under way at once; more are refused, never queued: a late command is a wrong command. */
const MAX_UNDER_WAY = 16;

export interface CommandDeskOptions {
  readonly log: Log;
  readonly clock: Clock;
  execute(command: Command, signal: AbortSignal): Promise<CommandResult>;
  /** Called with what is refused here and never gets as far as `execute`. */
  readonly onRefused?: (command: Command, result: CommandResult) => void;
}

/** Takes commands from a session, has them executed and answers each exactly once, to the session it came from. */
export class CommandDesk {
  readonly #options: CommandDeskOptions;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #sessions = new Set<HubSession>();
  readonly #past: Record<string, number> = {};
  #isClosed = false;
  #commands = 0;
  #refused = 0;
  #unanswered = 0;

  constructor(options: CommandDeskOptions) {
    this.#options = options;
  }

  serve(session: HubSession): Subscription {
    this.#sessions.add(session);
    const served = session.commands.subscribe((command) => this.#take(command, session));
    return new Subscription(() => {
      served.unsubscribe();
      if (!this.#sessions.delete(session)) return;
      for (const [name, count] of Object.entries(session.counters())) this.#past[name] = (this.#past[name] ?? 0) + count;
    });
  }

  /** From now on every command is refused. */
  close(): void {
    this.#isClosed = true;
  }

  /** Waits for the commands under way, `waitMs` at most, then aborts them. */
  async finish(waitMs: number): Promise<void> {
    const waited = new AbortController();
    const late = this.#options.clock.sleep(waitMs, waited.signal).catch(() => {});
    await Promise.race([Promise.all(this.#underWay), late]);
    waited.abort();
    this.#stop.abort(new GatewayError('COMMAND_FAILED', 'commands', 'the gateway is stopping'));
  }

  counters(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {
      commands: this.#commands,
      refused_commands: this.#refused,
      unanswered_commands: this.#unanswered,
      invalid_commands: 0,
      dropped_commands: 0,
      obeyed_requests: 0,
      heard_packets: 0,
      undelivered_notices: 0,
    };
    for (const source of [this.#past, ...[...this.#sessions].map((session) => session.counters())]) {
      for (const [name, count] of Object.entries(source)) counts[name] = (counts[name] ?? 0) + count;
    }
    return counts;
  }

  #take(command: Command, session: HubSession): void {
    this.#commands += 1;
    const answering = this.#answer(command, session).finally(() => this.#underWay.delete(answering));
    this.#underWay.add(answering);
  }

  async #answer(command: Command, session: HubSession): Promise<void> {
    const result = this.#refusal(command) ?? (await this.#execute(command));
    const { replyTo } = command;
    try {
      await session.respond({ ...result, ...(replyTo === undefined ? {} : { replyTo }) });
    } catch (error) {
      this.#unanswered += 1;
      this.#options.log.warn('command result not delivered', { command: command.id, twin: command.device, error });
    }
  }

  #refusal(command: Command): CommandResult | undefined {
    if (this.#isClosed)
      return this.#refuse(command, new GatewayError('COMMAND_FAILED', command.device, 'the gateway is stopping'));
    if (this.#underWay.size < MAX_UNDER_WAY) return undefined;
    const message = `${MAX_UNDER_WAY} commands are under way; wait for a result before sending more`;
    return this.#refuse(command, new GatewayError('COMMAND_TOO_OFTEN', command.device, message));
  }

  #refuse(command: Command, { code, message }: GatewayError): CommandResult {
    this.#refused += 1;
    this.#options.log.info('command refused', { command: command.id, twin: command.device, code, reason: message });
    const result: CommandResult = { ...resultHead(command), status: 'refused', points: {}, error: { code, message } };
    this.#options.onRefused?.(command, result);
    return result;
  }

  async #execute(command: Command): Promise<CommandResult> {
    try {
      return await this.#options.execute(command, this.#stop.signal);
    } catch (error) {
      this.#options.log.error('command failed', { command: command.id, twin: command.device, error });
      const message = 'the gateway could not execute it; see its log';
      return { ...resultHead(command), status: 'failed', points: {}, error: { code: 'BUG', message } };
    }
  }
}
