import type { DevicePlan } from '../../../model/plan.ts';
import type { DialectContext } from '../../dialect.ts';
import { BirthCounter } from './birth-counter.ts';
import { DeviceBook } from './device-book.ts';
import { PrimaryHost } from './primary-host.ts';
import type { SparkplugSettings } from './settings.ts';
import { TemplateNames } from './template-names.ts';
import { type Topics, topicsOf } from './topics.ts';

/** What is the same from session to session: who the edge node is, its metrics and their aliases. */
export class EdgeNode {
  readonly settings: SparkplugSettings;
  readonly context: DialectContext;
  readonly topics: Topics;
  readonly births: BirthCounter;
  readonly host: PrimaryHost | undefined;
  readonly templates = new TemplateNames();
  readonly #hub: string;
  readonly #devices = new Map<string, DeviceBook>();
  readonly #aliases = new Map<string, bigint>();
  /** By twin, the names under which it sends something now. */
  readonly #sent = new Map<string, ReadonlySet<string>>();
  #nextAlias = 1n;

  constructor(hub: string, settings: SparkplugSettings, context: DialectContext) {
    const { gateway, devices, stateDirectory, log } = context;
    this.settings = settings;
    this.context = context;
    this.topics = topicsOf(settings.group, settings.edgeNode ?? gateway.id);
    this.births = new BirthCounter(stateDirectory, hub, log);
    this.host = settings.primaryHost === undefined ? undefined : new PrimaryHost(settings.primaryHost);
    this.#hub = hub;
    for (const device of devices) this.#describe(device);
    context.resolved.subscribe((device) => this.#describe(device));
    for (const { twin, hubs } of devices) if (Object.values(hubs).some((names) => names.includes(hub))) this.device(twin);
  }

  get devices(): readonly DeviceBook[] {
    return [...this.#devices.values()];
  }

  /** Made where it is new. */
  device(twin: string): DeviceBook {
    const known = this.#devices.get(twin);
    if (known !== undefined) return known;
    const { devices, latest } = this.context;
    const plan = devices.find((device) => device.twin === twin);
    const isSent = (name: string) => this.#sent.get(twin)?.has(name) === true;
    const book = new DeviceBook({ twin, plan, hub: this.#hub, latest, isSent, nextAlias: () => this.#nextAlias++ });
    this.#devices.set(twin, book);
    return book;
  }

  #describe(device: DevicePlan): void {
    this.#sent.set(device.twin, new Set(this.context.describe(device).map(({ name }) => name)));
  }

  /** Of a metric of the node itself. */
  aliasOf(name: string): bigint {
    const alias = this.#aliases.get(name) ?? this.#nextAlias++;
    this.#aliases.set(name, alias);
    return alias;
  }
}
