import type { CommandResult } from '../model/command.ts';
import type { DeadManPlan, DevicePlan } from '../model/plan.ts';

/** What the rule did, to be told. */
export interface DeadManReport {
  readonly device: string;
  /** `written`: once, whatever came of it. `refused`: nothing was written, it will be tried again. `ended`: the cloud is back. */
  readonly state: 'written' | 'refused' | 'ended';
  readonly hubs: readonly string[];
  /** How long they are away, or were. */
  readonly awayMs: number;
  readonly result?: CommandResult;
}

export interface DeadManOptions {
  readonly devices: readonly DevicePlan[];
  readonly isUp: (hub: string) => boolean;
  /** Writes through every check but the rate, if it is still wanted when everything before it is done. Never rejects. */
  readonly write: (
    device: string,
    desired: DeadManPlan['write'],
    until: { readonly signal: AbortSignal; readonly isWanted: () => boolean },
  ) => Promise<CommandResult>;
  readonly tell: (report: DeadManReport) => void;
  readonly clock: { monotonicMs(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> };
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

const LOOK_MS = 250;
/** What was refused may be possible later: the connection is up again, the interlock gives way. */
const RETRY_MS = 5_000;

/** Writes configured safe values once when every hub that counts has been away for too long; also when none ever came. */
export function watchDeadMan(options: DeadManOptions): Promise<void> {
  const rules = options.devices.flatMap((device) =>
    device.deadMan === undefined ? [] : [new DeadManRule(device.twin, device.deadMan, options)],
  );
  return rules.length === 0 ? Promise.resolve() : watch(rules, options);
}

async function watch(rules: readonly DeadManRule[], { clock, signal }: DeadManOptions): Promise<void> {
  while (!signal.aborted) {
    for (const rule of rules) rule.look();
    await clock.sleep(LOOK_MS, signal).catch(() => {});
  }
}

class DeadManRule {
  readonly #device: string;
  readonly #plan: DeadManPlan;
  readonly #options: DeadManOptions;
  #awaySinceMs: number;
  #state: 'waiting' | 'writing' | 'refused' | 'written' = 'waiting';
  #retryMs = 0;
  #told: string | undefined;

  constructor(device: string, plan: DeadManPlan, options: DeadManOptions) {
    this.#device = device;
    this.#plan = plan;
    this.#options = options;
    this.#awaySinceMs = options.clock.monotonicMs();
  }

  look(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#state === 'writing') return;
    if (this.#isCloudThere) this.#end(nowMs);
    else if (this.#isDue(nowMs)) void this.#write(nowMs);
  }

  get #isCloudThere(): boolean {
    return this.#plan.hubs.some(this.#options.isUp);
  }

  #isDue(nowMs: number): boolean {
    if (this.#state === 'waiting') return nowMs - this.#awaySinceMs >= this.#plan.afterMs;
    return this.#state === 'refused' && nowMs >= this.#retryMs;
  }

  #end(nowMs: number): void {
    if (this.#state !== 'waiting') this.#tell('ended', nowMs);
    this.#state = 'waiting';
    this.#told = undefined;
    this.#awaySinceMs = nowMs;
  }

  async #write(nowMs: number): Promise<void> {
    this.#state = 'writing';
    const until = { signal: this.#options.signal, isWanted: () => !this.#isCloudThere };
    const result = await this.#options.write(this.#device, this.#plan.write, until);
    this.#state = result.status === 'refused' ? 'refused' : 'written';
    this.#retryMs = nowMs + RETRY_MS;
    const reason = JSON.stringify([result.status, result.error?.code, result.points]);
    if (reason !== this.#told) this.#tell(this.#state, nowMs, result);
    this.#told = reason;
  }

  #tell(state: DeadManReport['state'], nowMs: number, result?: CommandResult): void {
    const { hubs } = this.#plan;
    const awayMs = Math.round(nowMs - this.#awaySinceMs);
    this.#options.tell({ device: this.#device, state, hubs, awayMs, ...(result === undefined ? {} : { result }) });
  }
}
