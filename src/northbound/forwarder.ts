import type { Subscription } from 'rxjs';
import type { Command, CommandResult } from '../model/command.ts';
import type { DrainPlan } from '../model/plan.ts';
import type { HubStatus } from '../model/status.ts';
import type { Stored, TwinMessage } from '../model/twin-message.ts';
import { atMost } from '../runtime/at-most.ts';
import type { BackOffSettings } from '../runtime/back-off.ts';
import type { Clock } from '../runtime/clock.ts';
import type { LinkState } from '../runtime/link.ts';
import { createLinkLog } from '../runtime/link-log.ts';
import { toLinkStatus } from '../runtime/link-status.ts';
import type { Log } from '../runtime/log.ts';
import { supervise } from '../runtime/supervise.ts';
import type { SpoolReader } from '../spool/spool.ts';
import { Allowance } from './allowance.ts';
import { CommandDesk } from './command-desk.ts';
import type { Hub, HubSession } from './hub.ts';
import { Pump } from './pump.ts';

/** So long must the spool have nothing to send before a stop takes it for drained. */
const DRAINED_AFTER_MS = 100;
const DRAIN_LOOK_MS = 20;
/** So long at least may the gap record of a rejected message take to get on disk. */
const REJECTION_WAIT_MS = 1_000;
const IN_ORDER: DrainPlan = { order: 'in-order' };

export interface ForwardingOptions {
  readonly hub: Hub;
  readonly reader: SpoolReader;
  /** Default: in order. */
  readonly drain?: DrainPlan;
  /** The message with its times as they are known now; called at each attempt to send. */
  readonly correct?: (message: TwinMessage) => TwinMessage;
  /** Id of the gateway. */
  readonly gateway: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
  readonly backOff?: BackOffSettings;
  /** Where the count of a daily quota is kept over restarts. */
  readonly quotaFile?: string;
  /** Called once for each message the hub has acknowledged; `bytes` of its payload. */
  readonly onAcknowledged?: (stored: Stored, bytes: number, atMs: number) => void;
  /** Called with commands that are refused before `execute`: too many are under way, or the gateway stops. */
  readonly onRefused?: (command: Command, result: CommandResult) => void;
  /** Never rejects; the signal is aborted at the stop. */
  execute(command: Command, signal: AbortSignal): Promise<CommandResult>;
}

export type ForwardingStatus = Pick<
  HubStatus,
  'endpoint' | 'link' | 'inFlight' | 'window' | 'forbidden' | 'heldBack' | 'expiries' | 'quota' | 'counters'
>;

export interface Forwarding {
  status(): ForwardingStatus;
  /** Commands off; sends what waits for `drainMs` at most if the hub is there; closes. Idempotent, never rejects. */
  stop(drainMs: number): Promise<void>;
}

/** Empties the spool into one hub for as long as it runs, and lets commands of the hub be executed. */
export function startForwarding(options: ForwardingOptions): Forwarding {
  return new Forwarder(options);
}

class Forwarder implements Forwarding {
  readonly #options: ForwardingOptions;
  readonly #pump: Pump;
  readonly #desk: CommandDesk;
  readonly #allowance: Allowance;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  readonly #logState = createLinkLog();
  #link: LinkState = { state: 'opening', attempt: 1 };
  #session: HubSession | undefined;
  /** One session after the other reads from the spool. */
  #pumping: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(options: ForwardingOptions) {
    const { hub, clock, log, random = Math.random, backOff, quotaFile, drain = IN_ORDER } = options;
    this.#options = options;
    this.#allowance = new Allowance({ limits: hub.limits, clock, log, quotaFile });
    hub.billed.subscribe((bytes) => this.#allowance.bill(bytes));
    this.#pump = new Pump({ ...options, drain, random, allowance: this.#allowance });
    this.#desk = new CommandDesk(options);
    this.#done = supervise(hub, {
      signal: this.#stop.signal,
      clock,
      random,
      ...(backOff === undefined ? {} : { backOff }),
      onSession: (session) => this.#begin(session),
      onState: (state) => {
        this.#link = state;
        this.#logState(state, log, clock);
      },
    });
  }

  status(): ForwardingStatus {
    const { hub } = this.#options;
    const { quota } = this.#allowance;
    const { forbidden, heldBack } = this.#pump;
    return {
      endpoint: hub.endpoint,
      expiries: hub.expiries,
      link: toLinkStatus(this.#link),
      inFlight: this.#pump.inFlight,
      window: this.#pump.window,
      ...(forbidden === undefined ? {} : { forbidden }),
      ...(heldBack === 0 ? {} : { heldBack }),
      ...(quota === undefined ? {} : { quota }),
      counters: { ...this.#pump.counters(), ...this.#desk.counters() },
    };
  }

  stop(drainMs: number): Promise<void> {
    this.#stopping ??= this.#stopAfter(drainMs);
    return this.#stopping;
  }

  #begin(session: HubSession): void {
    const over = new AbortController();
    const commands: Subscription = this.#desk.serve(session);
    this.#session = session;
    const end = () => {
      if (this.#session === session) this.#session = undefined;
      commands.unsubscribe();
      over.abort();
    };
    void session.lost.then(end);
    const signal = AbortSignal.any([over.signal, this.#stop.signal]);
    this.#pumping = this.#pumping.then(() => this.#pump.run(session, signal));
  }

  async #stopAfter(drainMs: number): Promise<void> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + drainMs;
    this.#desk.close();
    await this.#drain(deadlineMs);
    await this.#desk.finish(Math.max(0, deadlineMs - clock.monotonicMs()));
    this.#stop.abort();
    await this.#done;
    // What is not recorded by then is rejected again after the next start.
    await atMost(Math.max(REJECTION_WAIT_MS, deadlineMs - clock.monotonicMs()), this.#pumping, clock);
    await this.#allowance.save();
  }

  async #drain(deadlineMs: number): Promise<void> {
    const { clock } = this.#options;
    let idleSinceMs = clock.monotonicMs();
    for (;;) {
      const nowMs = clock.monotonicMs();
      if (this.#session === undefined || nowMs >= deadlineMs) return;
      if (!this.#pump.isIdle) idleSinceMs = nowMs;
      else if (nowMs - idleSinceMs >= DRAINED_AFTER_MS) return;
      await clock.sleep(Math.min(DRAIN_LOOK_MS, deadlineMs - nowMs));
    }
  }
}
