import type { ConnectionPlan, DevicePlan } from '../model/plan.ts';
import type { Acquisition } from '../southbound/acquisition.ts';
import type { Connector } from '../southbound/connector.ts';
import type { RunningDevice } from './device.ts';
import type { ResolvingDevice } from './patterns.ts';
import type { RunningConnection } from './status.ts';

/** A device whose plan may become another one while it runs: what is under way is sent, and its pipeline begins anew. */
export class ReplaceableDevice implements ResolvingDevice {
  readonly #start: (device: DevicePlan) => ResolvingDevice;
  #current: ResolvingDevice;
  /** They only have to finish. */
  readonly #past = new Set<ResolvingDevice>();
  readonly #ended = { messages: 0, failures: 0 };
  #endedUnmeasured: Unmeasured = {};

  constructor(device: DevicePlan, start: (device: DevicePlan) => ResolvingDevice) {
    this.#start = start;
    this.#current = start(device);
  }

  replace(device: DevicePlan): void {
    const before = this.#current;
    this.#past.add(before);
    const completed = before.complete();
    this.#current = this.#start(device);
    void completed.then(() => {
      this.#past.delete(before);
      this.#ended.messages += before.messages();
      this.#ended.failures += before.failures();
      this.#endedUnmeasured = addUnmeasured(this.#endedUnmeasured, before.unmeasured());
    });
  }

  take(batch: Parameters<RunningDevice['take']>[0]): void {
    this.#current.take(batch);
  }

  tell(event: Parameters<RunningDevice['tell']>[0]): void {
    this.#current.tell(event);
  }

  declare(gap: Parameters<RunningDevice['declare']>[0]): void {
    this.#current.declare(gap);
  }

  flush(): void {
    this.#current.flush();
  }

  resolve(device: DevicePlan): void {
    this.#current.resolve(device);
  }

  unmeasured(): Unmeasured {
    return [...this.#past, this.#current].map((device) => device.unmeasured()).reduce(addUnmeasured, this.#endedUnmeasured);
  }

  messages(): number {
    return this.#sum('messages');
  }

  failures(): number {
    return this.#sum('failures');
  }

  async complete(): Promise<void> {
    await Promise.all([...this.#past, this.#current].map((device) => device.complete()));
  }

  #sum(what: 'messages' | 'failures'): number {
    return [...this.#past, this.#current].reduce((sum, device) => sum + device[what](), this.#ended[what]);
  }
}

type Unmeasured = ReturnType<RunningDevice['unmeasured']>;

function addUnmeasured(sum: Unmeasured, more: Unmeasured): Unmeasured {
  const entries = Object.entries(more).map(([reason, { records, readings }]) => {
    const before = sum[reason as keyof Unmeasured] ?? { records: 0, readings: 0 };
    return [reason, { records: before.records + records, readings: before.readings + readings }] as const;
  });
  return { ...sum, ...Object.fromEntries(entries) };
}

export interface ReplaceableParts {
  readonly connector: Connector;
  acquire(connector: Connector, plan: ConnectionPlan, over: AbortSignal): Acquisition;
  create(plan: ConnectionPlan): Promise<Connector>;
}

/** A connection whose plan may become another one: it is closed and opened anew; what is due in that pause is told as missed. */
export class ReplaceableConnection implements RunningConnection {
  readonly #parts: ReplaceableParts;
  #plan: ConnectionPlan;
  #connector: Connector;
  #acquisition: Acquisition;
  #over = new AbortController();
  #replacing: Promise<void> = Promise.resolve();

  constructor(plan: ConnectionPlan, parts: ReplaceableParts) {
    this.#parts = parts;
    this.#plan = plan;
    this.#connector = parts.connector;
    this.#acquisition = parts.acquire(parts.connector, plan, this.#over.signal);
  }

  get plan(): ConnectionPlan {
    return this.#plan;
  }

  get connector(): Connector {
    return this.#connector;
  }

  get acquisition(): Acquisition {
    return this.#acquisition;
  }

  /** The connection itself goes on where `isPaceChanged` is false: then only what is done with the readings is another. */
  async replaceDevice(device: DevicePlan, isPaceChanged: boolean): Promise<void> {
    const devices = this.#plan.devices.map((each) => (each.twin === device.twin ? device : each));
    this.#plan = { ...this.#plan, devices };
    if (!isPaceChanged) return;
    const reopened = this.#replacing.then(() => this.#reopen());
    this.#replacing = reopened.catch(() => {});
    await reopened;
  }

  async #reopen(): Promise<void> {
    const plan = this.#plan;
    const connector = await this.#parts.create(plan);
    connector.begin?.();
    this.#over.abort();
    await this.#acquisition.done;
    this.#connector = connector;
    this.#over = new AbortController();
    this.#acquisition = this.#parts.acquire(this.#connector, plan, this.#over.signal);
  }
}
