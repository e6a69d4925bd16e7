import {
  type Approval,
  type CallCommand,
  type Command,
  type CommandResult,
  resultHead,
  type SettingCommand,
  type SettingResult,
  type WriteCommand,
} from '../model/command.ts';
import type { DevicePlan } from '../model/plan.ts';
import type { ConnectorSession } from '../southbound/connector.ts';
import { AnswerMemory } from './answer-memory.ts';
import type { AuditEntry } from './audit.ts';
import { callJob } from './call-job.ts';
import { type Finding, finding, toFinding } from './finding.ts';
import { Holds } from './holds.ts';
import { type InterlockOptions, Interlocks } from './interlocks.ts';
import type { Guard, Job } from './job.ts';
import { checkLifetime, expiryOf } from './lifetime.ts';
import type { Invert } from './prepare.ts';
import { RateGuard } from './rate-guard.ts';
import { ReplayGuard, type ReplayGuardOptions } from './replay-guard.ts';
import { refuse } from './results.ts';
import { checkSettings, type SettingChanges, type SettingRules } from './settings.ts';
import { Turns } from './turns.ts';
import type { VerifyOptions } from './write-and-verify.ts';
import { writeJob } from './write-job.ts';

/** `engineering`: the operators of a point for one value read now. */
export interface CommandRouterOptions extends InterlockOptions, VerifyOptions {
  readonly devices: readonly DevicePlan[];
  /** Undoes the operators of a point for a value to be written; throws GatewayError. */
  readonly invert: Invert;
  /** The open session of the device's connection; `undefined` while that is down. */
  readonly session: (device: string) => ConnectorSession | undefined;
  readonly clock: InterlockOptions['clock'] & VerifyOptions['clock'];
  /** What the cloud may set of the gateway; absent: nothing. */
  readonly settings?: SettingRules & {
    /** Resolves when they hold. */
    apply(changes: SettingChanges): Promise<void>;
  };
  /** Against replay over restarts; absent: commands are remembered in memory only. */
  readonly replay?: Omit<ReplayGuardOptions, 'startedTimeMs'>;
  /** Called once for each command, after its end, and once more when nobody approved a held one. */
  readonly audit: (entry: AuditEntry) => void;
}

export interface CommandRouter {
  /** Checks, writes and reads back or calls, answers; refused commands too. Never rejects, never retries, never stores. */
  execute(command: Command, signal: AbortSignal): Promise<CommandResult>;
  /**
   * Values that the gateway itself writes, through every check but rate, lifetime, replay and approval, if they are still wanted when
   * everything before them is done; written down by the caller. Never rejects.
   */
  writeOwn(command: WriteCommand, until: Pick<Undertaking, 'signal' | 'isWanted'>): Promise<CommandResult>;
  /** From now on the device has these points. */
  resolve(device: DevicePlan): void;
  /** What waits for approval is forgotten. */
  close(): void;
}

export function createCommandRouter(options: CommandRouterOptions): CommandRouter {
  return new Router(options);
}

type Answer = Pick<AuditEntry, 'result' | 'isRepeated' | 'requestedBy'>;

/** A command on its way. */
interface Undertaking {
  readonly device: DevicePlan;
  readonly command: WriteCommand | CallCommand;
  readonly job: Job;
  readonly expiresTimeMs: number;
  readonly signal: AbortSignal;
  /** Asked last; absent: it is. */
  readonly isWanted?: () => boolean;
}

type Act = (session: ConnectorSession) => Promise<CommandResult>;

class Router implements CommandRouter {
  readonly #options: CommandRouterOptions;
  readonly #devices: Map<string, DevicePlan>;
  readonly #interlocks: Interlocks;
  readonly #replays: ReplayGuard;
  readonly #answers = new AnswerMemory();
  readonly #rates = new RateGuard();
  readonly #turns = new Turns();
  readonly #holds: Holds;

  constructor(options: CommandRouterOptions) {
    this.#options = options;
    this.#devices = new Map(options.devices.map((device) => [device.twin, device]));
    this.#replays = new ReplayGuard({ ...options.replay, startedTimeMs: options.clock.nowMs() });
    this.#interlocks = new Interlocks(options.devices, options);
    this.#holds = new Holds({ clock: options.clock, onExpired: (command) => this.#endHold(command) });
  }

  resolve(device: DevicePlan): void {
    this.#devices.set(device.twin, device);
    this.#interlocks.resolve(device);
  }

  async writeOwn(command: WriteCommand, until: Pick<Undertaking, 'signal' | 'isWanted'>): Promise<CommandResult> {
    try {
      return await this.#inTurn(command, async (device) => {
        const job = this.#jobOf(device, command);
        if ('status' in job) return job;
        const undertaking = { device, command, job, expiresTimeMs: Number.POSITIVE_INFINITY, ...until };
        return this.#onDevice(undertaking, (session) => job.run(session, until.signal));
      });
    } catch (error) {
      return broken(command, error);
    }
  }

  close(): void {
    this.#holds.close();
  }

  async execute(command: Command, signal: AbortSignal): Promise<CommandResult> {
    const { clock, audit } = this.#options;
    const timeMs = clock.nowMs();
    const startedMs = clock.monotonicMs();
    const answer = await this.#answer(command, timeMs, signal).catch((error: unknown) => ({ result: broken(command, error) }));
    audit({ timeMs, durationMs: clock.monotonicMs() - startedMs, command, ...answer });
    return answer.result;
  }

  async #answer(command: Command, arrivedTimeMs: number, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#inTurn(command, async (device): Promise<Answer> => {
      const before = this.#answers.of(command);
      if (before !== undefined) return { result: before, isRepeated: true };
      if ('approves' in command) return this.#approve(device, command, signal);
      if ('settings' in command) return { result: await this.#set(device, command, arrivedTimeMs) };
      return { result: await this.#run(device, command, arrivedTimeMs, signal) };
    });
    return 'result' in answer ? answer : { result: answer };
  }

  /** With the device as it is then: what came before may have changed it. The refusal of a command that can have no turn. */
  #inTurn<T>(command: Command, work: (device: DevicePlan) => Promise<T>): Promise<T> | CommandResult {
    const known = this.#devices.get(command.device);
    if (known === undefined) return refuse(command, finding('COMMAND_UNKNOWN', `there is no twin ${command.device}`));
    const turn = this.#turns.take(known.twin, () => work(this.#devices.get(known.twin) ?? known));
    return turn ?? refuse(command, finding('COMMAND_TOO_OFTEN', `too many commands wait for ${known.twin}`));
  }

  async #run(
    device: DevicePlan,
    command: WriteCommand | CallCommand,
    arrivedTimeMs: number,
    signal: AbortSignal,
  ): Promise<CommandResult> {
    const job = this.#jobOf(device, command);
    if ('status' in job) return job;
    const expiresTimeMs = expiryOf(command, job.guards, arrivedTimeMs);
    const late = this.#checkLifetime(command, expiresTimeMs);
    if (late !== undefined) return refuse(command, late);
    const undertaking = { device, command, job, expiresTimeMs, signal };
    if (command.isDryRun === true) return this.#whenAllowed(undertaking, async () => job.tryOut());
    const seen = this.#replays.admit(command, expiresTimeMs, this.#options.clock.nowMs());
    if (seen !== undefined) return refuse(command, seen);
    const result = this.#hold(undertaking) ?? (await this.#whenAllowed(undertaking, (session) => this.#do(undertaking, session)));
    this.#answers.keep(command, result);
    return result;
  }

  async #set(device: DevicePlan, command: SettingCommand, arrivedTimeMs: number): Promise<CommandResult> {
    const { settings } = this.#options;
    if (settings === undefined) return refuse(command, finding('COMMAND_READ_ONLY', 'no setting may be changed'));
    const { changes, results, isRefused } = checkSettings(command, device, settings);
    if (isRefused) return settingsResult(command, 'refused', results);
    const expiresTimeMs = expiryOf(command, [], arrivedTimeMs);
    const late = this.#checkLifetime(command, expiresTimeMs);
    if (late !== undefined) return refuse(command, late);
    if (command.isDryRun === true) return settingsResult(command, 'checked', results);
    const seen = this.#replays.admit(command, expiresTimeMs, this.#options.clock.nowMs());
    if (seen !== undefined) return refuse(command, seen);
    await settings.apply(changes);
    const result = settingsResult(command, 'done', results);
    this.#answers.keep(command, result);
    return result;
  }

  #jobOf(device: DevicePlan, command: WriteCommand | CallCommand): Job | CommandResult {
    return 'method' in command ? callJob(device, command) : writeJob(device, command, this.#options);
  }

  /** Everything that needs time or device, then the act. */
  async #whenAllowed(undertaking: Undertaking, act: Act): Promise<CommandResult> {
    const tooOften = this.#checkRates(undertaking.job.guards);
    return isEmpty(tooOften) ? this.#onDevice(undertaking, act) : undertaking.job.refuse(tooOften);
  }

  async #onDevice({ device, command, job, expiresTimeMs, signal, isWanted }: Undertaking, act: Act): Promise<CommandResult> {
    const session = this.#options.session(device.twin);
    if (session === undefined) return refuse(command, finding('LINK_DOWN', `the connection of ${device.twin} is down`));
    const held = await this.#interlocks.check(job.guards, session, signal).catch(toFinding);
    if (isFinding(held)) return refuse(command, held);
    if (!isEmpty(held)) return job.refuse(held);
    const late = this.#checkLifetime(command, expiresTimeMs);
    if (late !== undefined) return refuse(command, late);
    const isGivenUp = signal.aborted || isWanted?.() === false;
    return isGivenUp ? refuse(command, finding('COMMAND_FAILED', 'it was given up before its turn')) : act(session);
  }

  #do({ job, signal }: Undertaking, session: ConnectorSession): Promise<CommandResult> {
    const nowMs = this.#options.clock.monotonicMs();
    for (const guard of job.guards) this.#rates.attempt(guard, nowMs);
    return job.run(session, signal);
  }

  /** `undefined`: no second person is needed. */
  #hold({ command, job }: Undertaking): CommandResult | undefined {
    const waits = job.guards.flatMap(({ approveWithinMs }) => approveWithinMs ?? []);
    if (waits.length === 0) return undefined;
    const nowMs = this.#options.clock.nowMs();
    const forMs = Math.min(...waits, (command.expiresTimeMs ?? Number.POSITIVE_INFINITY) - nowMs);
    const refused = this.#holds.hold(command, forMs);
    if (refused !== undefined) return refuse(command, refused);
    return { ...resultHead(command), status: 'held', points: {}, heldUntilTimeMs: Math.round(nowMs + forMs) };
  }

  async #approve(device: DevicePlan, approval: Approval, signal: AbortSignal): Promise<Answer> {
    const late = this.#checkLifetime(approval, approval.expiresTimeMs ?? Number.POSITIVE_INFINITY);
    if (late !== undefined) return { result: refuse(approval, late) };
    const command = this.#holds.release(approval);
    if ('code' in command) return { result: refuse(approval, command) };
    const job = this.#jobOf(device, command);
    const expiresTimeMs = command.expiresTimeMs ?? Number.POSITIVE_INFINITY;
    const undertaking = (ready: Job) => ({ device, command, job: ready, expiresTimeMs, signal });
    const result =
      'status' in job ? job : await this.#whenAllowed(undertaking(job), (session) => this.#do(undertaking(job), session));
    this.#answers.keep(command, result);
    this.#answers.keep(approval, result);
    return { result, ...(command.by === undefined ? {} : { requestedBy: command.by }) };
  }

  #endHold(command: WriteCommand | CallCommand): void {
    const result = refuse(command, finding('COMMAND_NOT_APPROVED', 'nobody approved it in time'));
    this.#answers.keep(command, result);
    this.#options.audit({ timeMs: this.#options.clock.nowMs(), durationMs: 0, command, result });
  }

  #checkLifetime(command: Command, expiresTimeMs: number): Finding | undefined {
    return checkLifetime(command, expiresTimeMs, this.#options.clock.nowMs());
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

function settingsResult(
  command: SettingCommand,
  status: 'done' | 'refused' | 'checked',
  results: Readonly<Record<string, SettingResult>>,
): CommandResult {
  const settings = Object.entries(results).map(([name, result]): [string, SettingResult] => {
    if (status === 'done' || result.status === 'refused') return [name, result];
    return [name, { status }];
  });
  return { ...resultHead(command), status, points: {}, settings: Object.fromEntries(settings) };
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
