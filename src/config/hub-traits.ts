import type { DevicePlan, HubPlan } from '../model/plan.ts';
import type { Scope } from './inspect.ts';
import type { Hub } from './load-gateway.ts';
import { locateKey } from './tree.ts';

const DEFAULT_MESSAGE_BYTES = 100_000;

type Routes = DevicePlan['hubs'];

/** What the dialects of the hubs make of the devices: hubs of which each twin has one of its own, and how large messages are. */
export class HubTraits {
  readonly #hubs: ReadonlyMap<string, Hub>;
  readonly #twins = new Map<string, string[]>();

  constructor(hubs: readonly Hub[]) {
    this.#hubs = new Map(hubs.map((hub) => [hub.name, hub]));
  }

  /** The routes of one twin, called once for each. */
  routesOf(twin: string, routes: Routes): Routes {
    const own = new Set(
      Object.values(routes)
        .flat()
        .filter((name) => this.#perTwin(name) !== undefined),
    );
    if (own.size === 0) return routes;
    for (const name of own) this.#twins.set(name, [...(this.#twins.get(name) ?? []), twin]);
    const rename = (names: readonly string[]) => names.map((name) => (own.has(name) ? ownHub(name, twin) : name));
    const { telemetry, property, event, gap, status } = routes;
    return {
      telemetry: rename(telemetry),
      property: rename(property),
      event: rename(event),
      gap: rename(gap),
      status: rename(status),
    };
  }

  /** `message.maxBytes` of a mapping that does not say it: what suits every hub it goes to. */
  messageBytes(routes: Routes): number {
    const hubs = Object.values(routes).flatMap((names) => names.flatMap((name) => this.#hubs.get(name) ?? []));
    const sizes = hubs.flatMap(({ declaration, settings }) => declaration.messageBytes?.(settings as never) ?? []);
    return Math.min(DEFAULT_MESSAGE_BYTES, ...sizes);
  }

  check(scope: Scope): void {
    for (const [name, twins] of this.#twins) {
      const hub = this.#hubs.get(name);
      const atMost = this.#perTwin(name)?.atMost ?? Number.POSITIVE_INFINITY;
      if (hub === undefined || twins.length <= atMost) continue;
      const message = `hub \`${name}\` would have ${twins.length} connections, one for each twin, ${atMost} are allowed`;
      scope.problems.add({
        at: locateKey(hub.tree, ['deviceIdentity']),
        message,
        hint: 'several gateways, or one identity for all',
      });
    }
  }

  plans(): readonly HubPlan[] {
    return [...this.#hubs.values()].flatMap(({ name, declaration, settings, drain }) => {
      const plan = { name, dialect: declaration.dialect, drain, settings };
      if (this.#perTwin(name) === undefined) return [plan];
      const twins = this.#twins.get(name) ?? [];
      return twins.map((twin) => ({ ...plan, name: ownHub(name, twin), twin, share: twins.length }));
    });
  }

  #perTwin(name: string): { readonly atMost: number } | undefined {
    const { declaration, settings } = this.#hubs.get(name) ?? {};
    return declaration?.perTwin?.(settings as never);
  }
}

/** A slash is in no name of a configuration. */
function ownHub(hub: string, twin: string): string {
  return `${hub}/${twin}`;
}
