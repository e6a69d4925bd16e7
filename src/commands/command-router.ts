import { type Command, type CommandResult, isCall, resultHead } from '../model/command.ts';
import type { DevicePlan } from '../model/plan.ts';
import type { Point } from '../model/point.ts';
import type { Reading } from '../model/reading.ts';
import type { ConnectorSession } from '../southbound/connector.ts';
import { AnswerMemory } from './answer-memory.ts';
import type { AuditEntry } from './audit.ts';
import { callJob } from './call-job.ts';
import { type Finding, finding, toFinding } from './finding.ts';
import { Interlocks } from './interlocks.ts';
import type { Guard, Job } from './job.ts';
import type { Invert } from './prepare.ts';
import { RateGuard } from './rate-guard.ts';
import { ReplayGuard } from './replay-guard.ts';
import { refuse } from './results.ts';
import { Turns } from './turns.ts';
import type { ToEngineering } from './write-and-verify.ts';
import { writeJob } from './write-job.ts';

export interface CommandRouterOptions {
  readonly devices: readonly DevicePlan[];
  /** Undoes the operators of a point for a value to be written; throws GatewayError. */
  readonly invert: Invert;
  /** The operators of a point for one value read now. */
  readonly engineering: ToEngineering;
  /** The last engineering reading; asked for derived points, which no device holds. */
  readonly latest: (point: Point) => Reading | undefined;
  /** The open session of the device's connection; `undefined` while that is down. */
  readonly session: (device: string) => ConnectorSession | undefined;
  readonly clock: { nowMs(): number; monotonicMs(): number };
  /** Called once for each command, after its end. */
  readonly audit: (entry: AuditEntry) => void;
}

export interface CommandRouter {
  /** Checks, writes and reads back or calls, answers; refused commands too. Never rejects, never retries, never stores. */
  execute(command: Command, signal: AbortSignal): Promise<CommandResult>;
  /** From now on the device has these points. */
  resolve(device: DevicePlan): void;
}

export function createCommandRouter(options: CommandRouterOptions): CommandRouter {
  return new Router(options);
}

class Router implements CommandRouter {
  readonly #options: CommandRouterOptions;
  readonly #devices: Map<string, DevicePlan>;
  readonly #interlocks: Interlocks;
  readonly #replays = new ReplayGuard();
  readonly #answers = new AnswerMemory();
  readonly #rates = new RateGuard();
  readonly #turns = new Turns();

  constructor(options: CommandRouterOptions) {
    this.#options = options;
    this.#devices = new Map(options.devices.map((device) => [device.twin, device]));
    this.#interlocks = new Interlocks(options.devices, options.engineering, options.latest);
  }

  resolve(device: DevicePlan): void {
    this.#devices.set(device.twin, device);
    this.#interlocks.resolve(device);
  }

  async execute(command: Command, signal: AbortSignal): Promise<CommandResult> {
    const { clock, audit } = this.#options;
    const timeMs = clock.nowMs();
    const startedMs = clock.monotonicMs();
    const answer = await this.#answer(command, signal).catch((error: unknown) => ({ result: broken(command, error) }));
    audit({ timeMs, durationMs: clock.monotonicMs() - startedMs, command, ...answer });
    return answer.result;
  }

  async #answer(command: Command, signal: AbortSignal): Promise<Pick<AuditEntry, 'result' | 'isRepeated'>> {
    const device = this.#devices.get(command.device);
    if (device === undefined)
      return { result: refuse(command, finding('COMMAND_UNKNOWN', `there is no twin ${command.device}`)) };
    const turn = this.#turns.take(device.twin, async () => {
      const before = this.#answers.of(command);
      return before === undefined
        ? { result: await this.#run(device, command, signal) }
        : { result: before, isRepeated: true as const };
    });
    return turn ?? { result: refuse(command, finding('COMMAND_TOO_OFTEN', `too many commands wait for ${device.twin}`)) };
  }

  async #run(device: DevicePlan, command: Command, signal: AbortSignal): Promise<CommandResult> {
    const job = isCall(command) ? callJob(device, command) : writeJob(device, command, this.#options);
    if ('status' in job) return job;
    const refused = this.#checkExpiry(command) ?? this.#replays.admit(command, this.#options.clock.nowMs());
    if (refused !== undefined) return refuse(command, refused);
    const tooOften = this.#checkRates(job.guards);
    const result = isEmpty(tooOften) ? await this.#runOnDevice(device, command, job, signal) : job.refuse(tooOften);
    this.#answers.keep(command, result);
    return result;
  }

  async #runOnDevice(device: DevicePlan, command: Command, job: Job, signal: AbortSignal): Promise<CommandResult> {
    const session = this.#options.session(device.twin);
    if (session === undefined) return refuse(command, finding('LINK_DOWN', `the connection of ${device.twin} is down`));
    const held = await this.#interlocks.check(job.guards, session, signal).catch(toFinding);
    if (isFinding(held)) return refuse(command, held);
    if (!isEmpty(held)) return job.refuse(held);
    const late = this.#checkExpiry(command);
    if (late !== undefined) return refuse(command, late);
    const nowMs = this.#options.clock.monotonicMs();
    for (const guard of job.guards) this.#rates.attempt(guard, nowMs);
    return job.run(session, signal);
  }

  #checkExpiry({ expiresTimeMs }: Command): Finding | undefined {
    const nowMs = this.#options.clock.nowMs();
    // Asked this way round, so that a time that is no number counts as expired.
    if (nowMs < expiresTimeMs) return undefined;
    return finding('COMMAND_EXPIRED', `the command expired at ${expiresTimeMs}, now is ${nowMs} (ms since 1970)`);
  }

  #checkRates(guards: readonly Guard[]): Readonly<Record<string, Finding>> {
    const nowMs = this.#options.clock.monotonicMs();
    const findings = guards.flatMap((guard) => {
      const refused = this.#rates.check(guard, nowMs);
      return refused === undefined ? [] : [[guard.name, refused] as const];
    });
    return Object.fromEntries(findings);
  }
}

function isEmpty(findings: Readonly<Record<string, Finding>>): boolean {
  return Object.keys(findings).length === 0;
}

function isFinding(outcome: Finding | Readonly<Record<string, Finding>>): outcome is Finding {
  return typeof outcome.code === 'string';
}

function broken(command: Command, error: unknown): CommandResult {
  return { ...resultHead(command), status: 'failed', points: {}, error: toFinding(error) };
}
