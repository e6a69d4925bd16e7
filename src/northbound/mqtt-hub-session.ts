import { Observable, Subject } from 'rxjs';
import type { Command, CommandResult } from '../model/command.ts';
import { GatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Conversation, Dialect, Line, Packet } from './dialect.ts';
import type { HubSession } from './hub.ts';
import type { MqttWire } from './wire/mqtt-wire.ts';

/** Commands accepted and not yet answered; a flood beyond it is dropped and counted. */
const MAX_UNANSWERED = 100;
/** What is said before a planned disconnect may take that long to be acknowledged. */
const END_WAIT_MS = 1_000;

export class MqttHubSession implements HubSession {
  readonly commands: Observable<Command>;
  readonly refusals = new Subject<GatewayError>();
  readonly lost: Promise<GatewayError>;
  readonly #commands = new Subject<Command>();
  /** Came between the subscription at the hub and the first subscriber here. */
  readonly #early: Command[] = [];
  readonly #wire: MqttWire;
  readonly #conversation: Conversation;
  readonly #clock: Clock;
  readonly #subject: string;
  readonly #over = new AbortController();
  #resolveLost: (error: GatewayError) => void = () => {};
  #unanswered = 0;
  #invalid = 0;
  #dropped = 0;
  #undelivered = 0;
  #retirement: GatewayError | undefined;
  #inFlight = 0;
  #closing: Promise<void> | undefined;

  constructor(wire: MqttWire, dialect: Dialect, clock: Clock, subject: string) {
    this.commands = new Observable((subscriber) => {
      const subscription = this.#commands.subscribe(subscriber);
      for (const command of this.#early.splice(0)) subscriber.next(command);
      return subscription;
    });
    this.lost = new Promise((resolve) => {
      this.#resolveLost = (error) => {
        this.#over.abort();
        resolve(error);
      };
    });
    void wire.lost.then(this.#resolveLost);
    this.#wire = wire;
    this.#clock = clock;
    this.#subject = subject;
    this.#conversation = dialect.converse(this.#line());
  }

  get window(): number {
    return this.#wire.window;
  }

  /** Aborted when the session is lost or closed. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Subscribes, and says what the dialect says after each connect; the session is open when it resolves. */
  async start(signal: AbortSignal): Promise<void> {
    const { subscriptions, retained = [] } = this.#conversation;
    await this.#wire.subscribe(subscriptions);
    await this.#wire.subscribe(retained, true);
    await this.#conversation.start?.(signal);
  }

  /** A planned end: nothing more is sent; when everything sent is acknowledged the session is lost with this cause. */
  retire(cause: GatewayError): void {
    this.#retirement ??= cause;
    if (this.#inFlight === 0) this.#resolveLost(this.#retirement);
  }

  async publish(stored: Stored): Promise<number> {
    if (this.#retirement !== undefined) throw this.#retirement;
    this.#inFlight += 1;
    try {
      return await this.#conversation.publish(stored);
    } finally {
      this.#inFlight -= 1;
      if (this.#retirement !== undefined) this.retire(this.#retirement);
    }
  }

  receive(packet: Packet): void {
    if (this.#closing !== undefined) return;
    try {
      this.#conversation.receive(packet);
    } catch (error) {
      this.#refuse(packet, error);
    }
  }

  async respond(result: CommandResult): Promise<void> {
    try {
      await this.#conversation.respond(result);
    } finally {
      this.#unanswered -= 1;
    }
  }

  counters(): Readonly<Record<string, number>> {
    return { invalid_commands: this.#invalid, dropped_commands: this.#dropped, undelivered_notices: this.#undelivered };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #line(): Line {
    return {
      subject: this.#subject,
      clock: this.#clock,
      over: this.over,
      publish: (packet) => this.#wire.publish(packet),
      roundTrip: () => this.#wire.roundTrip(),
      tell: (packet) => void this.#tell(packet),
      command: (command) => this.#take(command),
      retire: (cause) => this.retire(cause),
      lose: (cause) => this.#resolveLost(cause),
    };
  }

  #take(command: Command): boolean {
    if (!this.#hasRoom()) {
      const message = `${MAX_UNANSWERED} commands are not answered yet; this one is dropped`;
      this.refusals.next(new GatewayError('COMMAND_TOO_OFTEN', command.device, message));
      return false;
    }
    this.#unanswered += 1;
    if (this.#commands.observed) this.#commands.next(command);
    else this.#early.push(command);
    return true;
  }

  #hasRoom(): boolean {
    if (this.#unanswered < MAX_UNANSWERED) return true;
    this.#dropped += 1;
    return false;
  }

  #refuse(packet: Packet, error: unknown): void {
    this.#invalid += 1;
    const reason =
      error instanceof GatewayError ? error : new GatewayError('COMMAND_INVALID', this.#subject, 'the command cannot be read');
    this.refusals.next(reason);
    const refusal = this.#conversation.refusal?.(packet, reason);
    if (refusal === undefined || !this.#hasRoom()) return;
    this.#unanswered += 1;
    void this.#tell(refusal).finally(() => {
      this.#unanswered -= 1;
    });
  }

  async #close(): Promise<void> {
    this.#over.abort();
    this.#commands.complete();
    this.refusals.complete();
    await this.#sayEnd();
    await this.#wire.close();
  }

  /** Nobody waits for it; that the hub does not take it is counted. */
  async #tell(notice: Packet): Promise<void> {
    try {
      await this.#wire.publish(notice);
    } catch {
      this.#undelivered += 1;
    }
  }

  async #sayEnd(): Promise<void> {
    // Where the connection is gone already, the will says it.
    const said = this.#conversation.end?.(this.#retirement).catch(() => {});
    if (said === undefined) return;
    const done = new AbortController();
    await Promise.race([said, this.#clock.sleep(END_WAIT_MS, done.signal).catch(() => {})]);
    done.abort();
  }
}
