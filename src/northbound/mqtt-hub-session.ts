import { Observable, Subject } from 'rxjs';
import type { Command, CommandResult } from '../model/command.ts';
import { GatewayError } from '../model/error.ts';
import type { Stored } from '../model/twin-message.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Dialect, Packet } from './dialect.ts';
import type { HubSession } from './hub.ts';
import type { MqttWire } from './wire/mqtt-wire.ts';

/** Commands accepted and not yet answered; a flood beyond it is dropped and counted. */
const MAX_UNANSWERED = 100;
/** The planned `offline` may take that long to be acknowledged. */
const DEATH_WAIT_MS = 1_000;

export class MqttHubSession implements HubSession {
  readonly commands: Observable<Command>;
  readonly lost: Promise<GatewayError>;
  readonly #commands = new Subject<Command>();
  /** Came between the subscription at the hub and the first subscriber here. */
  readonly #early: Command[] = [];
  readonly #wire: MqttWire;
  readonly #dialect: Dialect;
  readonly #clock: Clock;
  readonly #subject: string;
  #unanswered = 0;
  #invalid = 0;
  #dropped = 0;
  #undelivered = 0;
  readonly #over = new AbortController();
  #resolveLost: (error: GatewayError) => void = () => {};
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
    this.#dialect = dialect;
    this.#clock = clock;
    this.#subject = subject;
  }

  get window(): number {
    return this.#wire.window;
  }

  /** Sends what the dialect wants said after each connect. */
  announce(): void {
    const birth = this.#dialect.birth?.(this.#clock.nowMs());
    if (birth !== undefined) void this.#tell(birth);
  }

  /** Aborted when the session is lost or closed. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** A planned end: nothing more is sent; when everything sent is acknowledged the session is lost with this cause. */
  retire(cause: GatewayError): void {
    this.#retirement ??= cause;
    if (this.#inFlight === 0) this.#resolveLost(this.#retirement);
  }

  async publish(stored: Stored): Promise<number> {
    if (this.#retirement !== undefined) throw this.#retirement;
    const packet = this.#encode(stored);
    this.#inFlight += 1;
    try {
      await this.#wire.publish(packet);
      return packet.payload.length;
    } finally {
      this.#inFlight -= 1;
      if (this.#retirement !== undefined) this.retire(this.#retirement);
    }
  }

  /** What cannot be encoded can never be sent; it must not stop what stands behind it. */
  #encode(stored: Stored): Packet {
    try {
      return this.#dialect.encode(stored, this.#clock.nowMs());
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new GatewayError('HUB_MESSAGE_REJECTED', this.#subject, `a message cannot be encoded: ${text}`, { cause });
    }
  }

  receive(packet: Packet): void {
    if (this.#closing !== undefined || this.#unanswered >= MAX_UNANSWERED) {
      this.#dropped += 1;
      return;
    }
    try {
      const command = this.#dialect.decode(packet, this.#clock.nowMs());
      if (command === undefined) return;
      this.#unanswered += 1;
      if (this.#commands.observed) this.#commands.next(command);
      else this.#early.push(command);
    } catch (error) {
      this.#refuse(packet, error);
    }
  }

  #refuse(packet: Packet, error: unknown): void {
    this.#invalid += 1;
    const reason =
      error instanceof GatewayError ? error : new GatewayError('COMMAND_INVALID', this.#subject, 'the command cannot be read');
    const refusal = this.#dialect.encodeRefusal(packet, reason);
    if (refusal === undefined) return;
    this.#unanswered += 1;
    void this.#answer(refusal).catch(() => {
      this.#undelivered += 1;
    });
  }

  async respond(result: CommandResult): Promise<void> {
    await this.#answer(this.#dialect.encodeResult(result));
  }

  async #answer(packet: Packet): Promise<void> {
    try {
      await this.#wire.publish(packet);
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

  async #close(): Promise<void> {
    this.#over.abort();
    this.#commands.complete();
    await this.#sayDeath();
    await this.#wire.close();
  }

  /** What is said about the gateway itself; nobody waits for it, so that the hub does not take it is counted. */
  async #tell(notice: Packet): Promise<void> {
    try {
      await this.#wire.publish(notice);
    } catch {
      this.#undelivered += 1;
    }
  }

  async #sayDeath(): Promise<void> {
    const death = this.#dialect.death?.(this.#clock.nowMs());
    if (death === undefined) return;
    const done = new AbortController();
    // Where the connection is gone already, the will says it.
    const said = this.#wire.publish(death).catch(() => {});
    await Promise.race([said, this.#clock.sleep(DEATH_WAIT_MS, done.signal).catch(() => {})]);
    done.abort();
  }
}
