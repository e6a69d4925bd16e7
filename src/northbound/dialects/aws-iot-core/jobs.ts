import { GatewayError } from '../../../model/error.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Line, Packet } from '../../dialect.ts';
import { type Execution, executionOf } from './execution.ts';
import type { JobBook, JobOutcome } from './job-book.ts';
import { commandOfJob, FORGOTTEN_JOB, outcomeOf, refusedJob } from './job-document.ts';
import { type JsonMap, readJson } from './read-json.ts';
import type { Requests } from './requests.ts';
import type { Take } from './shadows.ts';

const LOOK_AGAIN_MS = 5_000;

export interface JobOptions {
  readonly line: Line;
  readonly log: Log;
  readonly requests: Requests;
  readonly thing: string;
  readonly twins: ReadonlySet<string>;
  readonly book: JobBook;
  readonly take: Take;
}

/**
 * Jobs of the thing as commands, one at a time: the next is looked at, claimed by its version, executed, and its outcome told. A job found
 * under way is never executed: either this process knows what became of it, or nobody does.
 */
export class Jobs {
  readonly subscriptions: readonly string[];
  readonly #options: JobOptions;
  readonly #prefix: string;
  #looking: Promise<void> | undefined;
  #isToLookAgain = false;

  constructor(options: JobOptions) {
    this.#options = options;
    this.#prefix = `$aws/things/${options.thing}/jobs/`;
    const answers = ['notify-next', '$next/get/accepted', '$next/get/rejected', '+/update/accepted', '+/update/rejected'];
    this.subscriptions = answers.map((answer) => this.#prefix + answer);
  }

  start(): void {
    this.#options.book.onSettled = () => this.#look();
    this.#look();
  }

  /** False: not for jobs. Throws COMMAND_INVALID. */
  receive({ topic, payload }: Packet): boolean {
    if (!topic.startsWith(this.#prefix)) return false;
    const rest = topic.slice(this.#prefix.length);
    const body = readJson(payload, rest);
    if (rest === 'notify-next') this.#look();
    else this.#options.requests.receive(topic, body);
    this.#options.line.heard();
    return true;
  }

  /** One look at a time; what happens meanwhile is looked at afterwards. */
  #look(): void {
    this.#isToLookAgain = true;
    this.#looking ??= this.#lookWhileNew().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookWhileNew(): Promise<void> {
    const { clock, over } = this.#options.line;
    while (this.#isToLookAgain && !over.aborted) {
      this.#isToLookAgain = false;
      try {
        await this.#next();
      } catch (error) {
        if (over.aborted) return;
        this.#options.log.warn('job not taken', { error });
        this.#isToLookAgain = true;
        await clock.sleep(LOOK_AGAIN_MS, over).catch(() => {});
      }
    }
  }

  async #next(): Promise<void> {
    const { requests, book } = this.#options;
    const { isAccepted, body } = await requests.send(`${this.#prefix}$next/get`, { includeJobDocument: true });
    if (!isAccepted) throw this.#fault('the next job', body);
    const execution = executionOf(body);
    if (execution === undefined) return;
    const told = book.get(execution.key);
    if (told === 'under way') return;
    if (told !== undefined) await this.#tell(execution, told);
    else if (execution.status !== 'QUEUED') await this.#tell(execution, FORGOTTEN_JOB);
    else await this.#claim(execution);
  }

  async #claim(execution: Execution): Promise<void> {
    const { line, book, take, twins } = this.#options;
    const { key, version } = execution;
    if (!(await this.#update(execution, { status: 'IN_PROGRESS', expectedVersion: String(version) }))) return;
    book.begin(key);
    try {
      const command = commandOfJob(execution, twins);
      const isTaken = take(command, async (result) => book.settle(key, outcomeOf(result)));
      if (!isTaken) book.settle(key, refusedJob('COMMAND_TOO_OFTEN', 'too many commands are under way'));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      line.refused(error);
      book.settle(key, refusedJob(error.code, error.message));
    }
  }

  async #tell(execution: Execution, outcome: JobOutcome): Promise<void> {
    if (await this.#update(execution, { ...outcome })) this.#isToLookAgain = true;
  }

  /** False where the job is not as it was thought to be: cancelled, or taken by another. */
  async #update({ jobId }: Execution, body: JsonMap): Promise<boolean> {
    const answer = await this.#options.requests.send(`${this.#prefix}${jobId}/update`, body);
    if (answer.isAccepted) return true;
    const { code } = answer.body;
    if (code === 'RequestThrottled' || code === 'InternalError') throw this.#fault(`the job ${jobId}`, answer.body);
    this.#options.log.warn('job update refused', { job: jobId, status: body.status, code });
    if (code === 'VersionMismatch') this.#isToLookAgain = true;
    return false;
  }

  #fault(what: string, { code, message }: JsonMap): GatewayError {
    const text = `AWS refuses ${what}: ${String(code)} ${String(message ?? '').slice(0, 200)}`;
    return new GatewayError('HUB_REFUSED', this.#options.line.subject, text);
  }
}
