import type { Observable } from 'rxjs';
import type { Command, CommandResult } from '../model/command.ts';
import { GatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Conversation, Dialect, Line, Packet } from './dialect.ts';
import { EarlySubject } from './early.ts';
import type { HubSession } from './hub.ts';
import type { MqttWire } from './wire/mqtt-wire.ts';

/** Commands accepted and not yet answered; a flood beyond it is dropped and counted. */
const MAX_UNANSWERED = 100;
/** What is said before a planned disconnect may take that long to be acknowledged. */
const END_WAIT_MS = 1_000;

/** Called with each packet that the hub has acknowledged, and each that comes. */
export type Meter = (packet: Packet, direction: 'sent' | 'received') => void;

export interface MqttHubSessionOptions {
  readonly clock: Clock;
  /** Names the hub in errors. */
  readonly subject: string;
  readonly meter: Meter;
}

export class MqttHubSession implements HubSession {
  readonly lost: Promise<GatewayError>;
  readonly #commands = new EarlySubject<Command>();
  readonly #refusals = new EarlySubject<GatewayError>();
  readonly #requests = new EarlySubject<string>();
  readonly #wire: MqttWire;
  readonly #conversation: Conversation;
  readonly #clock: Clock;
  readonly #subject: string;
  readonly #meter: Meter;
  readonly #over = new AbortController();
  #resolveLost: (error: GatewayError) => void = () => {};
  #unanswered = 0;
  #invalid = 0;
  #dropped = 0;
  #obeyed = 0;
  #heard = 0;
  #undelivered = 0;
  #retirement: GatewayError | undefined;
  #inFlight = 0;
  #closing: Promise<void> | undefined;

  constructor(wire: MqttWire, dialect: Dialect, { clock, subject, meter }: MqttHubSessionOptions) {
    this.lost = new Promise((resolve) => {
      this.#resolveLost = (error) => {
        this.#over.abort(error);
        resolve(error);
      };
    });
    void wire.lost.then(this.#resolveLost);
    this.#wire = wire;
    this.#clock = clock;
    this.#subject = subject;
    this.#meter = meter;
    this.#conversation = dialect.converse(this.#line());
  }

  get commands(): Observable<Command> {
    return this.#commands.observable;
  }

  get refusals(): Observable<GatewayError> {
    return this.#refusals.observable;
  }

  get obeyed(): Observable<string> {
    return this.#requests.observable;
  }

  get window(): number {
    return this.#wire.window;
  }

  /** Aborted when the session is lost or closed; its reason is why. */
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
    this.#meter(packet, 'received');
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
    return {
      invalid_commands: this.#invalid,
      dropped_commands: this.#dropped,
      obeyed_requests: this.#obeyed,
      heard_packets: this.#heard,
      undelivered_notices: this.#undelivered,
    };
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
      publish: (packet) => this.#publish(packet),
      fits: (packet) => this.#wire.fits(packet),
      roundTrip: () => this.#wire.roundTrip(),
      tell: (packet) => void this.#tell(packet),
      command: (command) => this.#take(command),
      refused: (reason) => this.#countRefused(reason),
      heard: () => {
        this.#heard += 1;
      },
      obeyed: (what) => {
        this.#obeyed += 1;
        this.#requests.next(what);
      },
      retire: (cause) => this.retire(cause),
      lose: (cause) => this.#resolveLost(cause),
    };
  }

  async #publish(packet: Packet): Promise<void> {
    await this.#wire.publish(packet);
    this.#meter(packet, 'sent');
  }

  #take(command: Command): boolean {
    // Nobody listens any more, and nobody would know that it was not executed.
    if (this.over.aborted) return false;
    if (this.#unanswered >= MAX_UNANSWERED) {
      this.#dropped += 1;
      const message = `${MAX_UNANSWERED} commands are not answered yet; this one is dropped`;
      this.#refusals.next(new GatewayError('COMMAND_TOO_OFTEN', command.device, message));
      return false;
    }
    this.#unanswered += 1;
    this.#commands.next(command);
    return true;
  }

  #countRefused(reason: GatewayError): void {
    this.#invalid += 1;
    this.#refusals.next(reason);
  }

  #refuse(packet: Packet, error: unknown): void {
    const reason =
      error instanceof GatewayError ? error : new GatewayError('COMMAND_INVALID', this.#subject, 'the command cannot be read');
    this.#countRefused(reason);
    const refusal = this.#conversation.refusal?.(packet, reason);
    if (refusal === undefined) return;
    if (this.#unanswered >= MAX_UNANSWERED) {
      this.#undelivered += 1;
      return;
    }
    this.#unanswered += 1;
    void this.#tell(refusal).finally(() => {
      this.#unanswered -= 1;
    });
  }

  async #close(): Promise<void> {
    this.#over.abort(new GatewayError('LINK_CLOSED', this.#subject, 'the session is over'));
    this.#commands.complete();
    this.#refusals.complete();
    this.#requests.complete();
    await this.#sayEnd();
    await this.#wire.close();
  }

  /** Nobody waits for it; that the hub does not take it is counted. */
  async #tell(notice: Packet): Promise<void> {
    try {
      await this.#publish(notice);
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
