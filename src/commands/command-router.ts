import { type Command, type CommandResult, isCall, type WriteCommand } from '../model/command.ts';
import type { DevicePlan } from '../model/plan.ts';
import type { Reading } from '../model/reading.ts';
import type { ConnectorSession } from '../southbound/connector.ts';
import { AnswerMemory } from './answer-memory.ts';
import type { AuditEntry } from './audit.ts';
import { type Finding, finding, toFinding } from './finding.ts';
import { Interlocks } from './interlocks.ts';
import { type Invert, prepareWrites } from './prepare.ts';
import { RateGuard } from './rate-guard.ts';
import { ReplayGuard } from './replay-guard.ts';
import { conclude, refuse, refusePoints } from './results.ts';
import { Turns } from './turns.ts';
import { type PreparedWrite, type ToEngineering, writeAndVerify } from './write-and-verify.ts';

export interface CommandRouterOptions {
  readonly devices: readonly DevicePlan[];
  /** Undoes the operators of a point for a value to be written; throws GatewayError. */
  readonly invert: Invert;
  /** The operators of a point for one value read now. */
  readonly engineering: ToEngineering;
  /** The last engineering reading; asked for derived points, which no device holds. */
  readonly latest: (pointId: string) => Reading | undefined;
  /** The open session of the device's connection; `undefined` while that is down. */
  readonly session: (device: string) => ConnectorSession | undefined;
  readonly clock: { nowMs(): number; monotonicMs(): number };
  /** Called once for each command, after its end. */
  readonly audit: (entry: AuditEntry) => void;
}

export interface CommandRouter {
  /** Checks, writes, reads back, answers; refused commands too. Never rejects, never retries, never stores. */
  execute(command: Command, signal: AbortSignal): Promise<CommandResult>;
}

export function createCommandRouter(options: CommandRouterOptions): CommandRouter {
  return new Router(options);
}

class Router implements CommandRouter {
  readonly #options: CommandRouterOptions;
  readonly #devices: ReadonlyMap<string, DevicePlan>;
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

  /** Nothing is written before every check has passed for every point. */
  async #run(device: DevicePlan, command: Command, signal: AbortSignal): Promise<CommandResult> {
    if (isCall(command)) return refuse(command, finding('COMMAND_UNKNOWN', `${device.twin} has no method ${command.method}`));
    if (Object.keys(command.desired).length === 0)
      return refuse(command, finding('COMMAND_INVALID', 'the command names no point'));
    const { writes, findings } = prepareWrites(device, command, this.#options.invert);
    if (Object.keys(findings).length > 0) return refusePoints(command, findings);
    const refused = this.#checkExpiry(command) ?? this.#replays.admit(command, this.#options.clock.nowMs());
    if (refused !== undefined) return refuse(command, refused);
    const result = await this.#runOnce(device, command, writes, signal);
    this.#answers.keep(command, result);
    return result;
  }

  async #runOnce(
    device: DevicePlan,
    command: WriteCommand,
    writes: readonly PreparedWrite[],
    signal: AbortSignal,
  ): Promise<CommandResult> {
    const tooOften = this.#checkRates(writes);
    if (Object.keys(tooOften).length > 0) return refusePoints(command, tooOften);
    return this.#runOnDevice(device, command, writes, signal);
  }

  async #runOnDevice(
    device: DevicePlan,
    command: WriteCommand,
    writes: readonly PreparedWrite[],
    signal: AbortSignal,
  ): Promise<CommandResult> {
    const session = this.#options.session(device.twin);
    if (session === undefined) return refuse(command, finding('LINK_DOWN', `the connection of ${device.twin} is down`));
    const held = await this.#interlocks.check(writes, session, signal).catch(toFinding);
    if (isFinding(held)) return refuse(command, held);
    if (Object.keys(held).length > 0) return refusePoints(command, held);
    const late = this.#checkExpiry(command);
    if (late !== undefined) return refuse(command, late);
    const nowMs = this.#options.clock.monotonicMs();
    for (const { target } of writes) this.#rates.attempt(target.plan, nowMs);
    return conclude(command, await writeAndVerify(session, writes, this.#options.engineering, signal));
  }

  #checkExpiry({ expiresTimeMs }: Command): Finding | undefined {
    const nowMs = this.#options.clock.nowMs();
    // Asked this way round, so that a time that is no number counts as expired.
    if (nowMs < expiresTimeMs) return undefined;
    return finding('COMMAND_EXPIRED', `the command expired at ${expiresTimeMs}, now is ${nowMs} (ms since 1970)`);
  }

  #checkRates(writes: readonly PreparedWrite[]): Readonly<Record<string, Finding>> {
    const nowMs = this.#options.clock.monotonicMs();
    const findings = writes.flatMap(({ target }) => {
      const refused = this.#rates.check(target.plan, nowMs);
      return refused === undefined ? [] : [[target.name, refused] as const];
    });
    return Object.fromEntries(findings);
  }
}

function isFinding(outcome: Finding | Readonly<Record<string, Finding>>): outcome is Finding {
  return typeof outcome.code === 'string';
}

function broken({ id, device }: Command, error: unknown): CommandResult {
  return { id, device, status: 'failed', points: {}, error: toFinding(error) };
}
