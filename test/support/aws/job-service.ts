import type { Told } from './shadow-service.ts';

type Json = Record<string, unknown>;

export interface Job {
  readonly jobId: string;
  readonly document: Json;
  status: 'QUEUED' | 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'REJECTED' | 'CANCELED';
  statusDetails: Json;
  version: number;
  readonly queuedAtS: number;
}

const OPEN = new Set(['QUEUED', 'IN_PROGRESS']);
const DETAIL_KEY = /^[a-zA-Z0-9:_-]{1,128}$/;
const DETAIL_VALUE = /^[^\p{C}]{1,1024}$/u;

/** Jobs service for one thing. */
export class JobService {
  readonly jobs: Job[] = [];
  nowS: () => number = () => Math.floor(Date.now() / 1_000);
  /** Changes of state, in order: `job-1 IN_PROGRESS`. */
  readonly history: string[] = [];

  create(jobId: string, document: Json): void {
    this.jobs.push({ jobId, document, status: 'QUEUED', statusDetails: {}, version: 1, queuedAtS: this.nowS() });
  }

  cancel(jobId: string): void {
    const job = this.jobs.find((one) => one.jobId === jobId);
    if (job !== undefined && OPEN.has(job.status)) this.#set(job, 'CANCELED');
  }

  get next(): Job | undefined {
    return this.jobs.find(({ status }) => status === 'IN_PROGRESS') ?? this.jobs.find(({ status }) => status === 'QUEUED');
  }

  notification(thing: string): Told {
    const { next } = this;
    return {
      topic: `$aws/things/${thing}/jobs/notify-next`,
      body: { timestamp: 0, ...(next === undefined ? {} : { execution: this.#show(next) }) },
    };
  }

  /** `rest` of the topic after `jobs/`. */
  handle(thing: string, rest: string, payload: Buffer): readonly Told[] {
    const topic = `$aws/things/${thing}/jobs/${rest}`;
    const rejected = (code: string, clientToken?: unknown): readonly Told[] => [
      { topic: `${topic}/rejected`, body: { code, message: code, timestamp: 0, clientToken } },
    ];
    let body: Json;
    try {
      body = payload.length === 0 ? {} : JSON.parse(payload.toString());
    } catch {
      return rejected('InvalidJson');
    }
    const { clientToken } = body;
    if (rest === '$next/get') {
      const { next } = this;
      const execution = next === undefined ? {} : { execution: this.#show(next) };
      return [{ topic: `${topic}/accepted`, body: { clientToken, timestamp: 0, ...execution } }];
    }
    const [jobId, verb] = rest.split('/');
    const job = this.jobs.find((one) => one.jobId === jobId);
    if (verb !== 'update') return rejected('InvalidTopic', clientToken);
    if (job === undefined) return rejected('ResourceNotFound', clientToken);
    return this.#update(thing, job, body, topic, rejected);
  }

  #update(
    thing: string,
    job: Job,
    body: Json,
    topic: string,
    rejected: (code: string, clientToken?: unknown) => readonly Told[],
  ): readonly Told[] {
    const { clientToken, status, statusDetails = {}, expectedVersion } = body;
    const details = Object.entries(statusDetails as Json);
    const areDetailsValid =
      details.length <= 10 &&
      details.every(([key, value]) => DETAIL_KEY.test(key) && typeof value === 'string' && DETAIL_VALUE.test(value));
    if (!areDetailsValid) return rejected('InvalidRequest', clientToken);
    if (!OPEN.has(job.status)) return rejected('TerminalStateReached', clientToken);
    if (expectedVersion !== undefined && expectedVersion !== String(job.version)) return rejected('VersionMismatch', clientToken);
    if (!['IN_PROGRESS', 'SUCCEEDED', 'FAILED', 'REJECTED'].includes(String(status)))
      return rejected('InvalidStateTransition', clientToken);
    const before = this.next;
    if (Object.keys(statusDetails as Json).length > 0) job.statusDetails = statusDetails as Json;
    this.#set(job, status as Job['status']);
    return [
      { topic: `${topic}/accepted`, body: { clientToken, timestamp: 0 } },
      ...(this.next === before ? [] : [this.notification(thing)]),
    ];
  }

  #set(job: Job, status: Job['status']): void {
    job.status = status;
    job.version += 1;
    this.history.push(`${job.jobId} ${status}`);
  }

  #show({ jobId, document, status, version, statusDetails, queuedAtS }: Job): Json {
    return {
      jobId,
      status,
      statusDetails,
      versionNumber: version,
      executionNumber: 1,
      jobDocument: document,
      queuedAt: queuedAtS,
    };
  }
}
