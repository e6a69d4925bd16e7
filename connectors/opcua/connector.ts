import type { DeviceGap } from '../../src/model/device-gap.ts';
import { GatewayError } from '../../src/model/error.ts';
import type { ConnectionPlan } from '../../src/model/plan.ts';
import type { Point } from '../../src/model/point.ts';
import { Expiries } from '../../src/runtime/expiries.ts';
import type {
  Connector,
  ConnectorContext,
  ConnectorSession,
  ConnectorStatus,
  CreateConnector,
} from '../../src/southbound/connector.ts';
import { connect, type OpenClient } from './connection/client.ts';
import { openBest } from './connection/servers.ts';
import { describeSession } from './details.ts';
import type { OpcuaPlan } from './mapping/check.ts';
import type { OpcuaPoint } from './mapping/settings.ts';
import { findNodes } from './nodes/nodes.ts';
import { Patterns } from './nodes/patterns.ts';
import { createCounters } from './protocol/counters.ts';
import { within } from './protocol/deadline.ts';
import { toLinkError } from './protocol/errors.ts';
import { hardenDecoder } from './protocol/hardened-decoder.ts';
import { quietLibrary } from './protocol/quiet.ts';
import { readServerFacts } from './protocol/requests.ts';
import { shareTimeStamps } from './protocol/time-stamps.ts';
import { trustFolders } from './security/trust.ts';
import { OpcuaSession, type SessionOptions } from './session.ts';
import { learntTypes, lendTypes, runOf } from './values/type-descriptions.ts';
import { createMemory, forget, type Memory } from './watching/memory.ts';
import { Missing } from './watching/missing.ts';
import { tellSpan } from './watching/span.ts';

export const createConnector: CreateConnector = (plan, context) => new OpcuaConnector(toOpcuaPlan(plan), context);

/** The settings were parsed by this connector's own schemas. */
function toOpcuaPlan(plan: ConnectionPlan): OpcuaPlan {
  return plan as OpcuaPlan;
}

class OpcuaConnector implements Connector {
  readonly name: string;
  readonly #plan: OpcuaPlan;
  readonly #context: ConnectorContext;
  readonly #counters = createCounters();
  readonly #memory: Memory;
  readonly #patterns: Patterns;
  readonly #expiries: Expiries;
  #session: OpcuaSession | undefined;
  #error: GatewayError | undefined;
  #opened = 0;
  #lastUrl: string | undefined;

  constructor(plan: OpcuaPlan, context: ConnectorContext) {
    this.name = plan.name;
    this.#plan = plan;
    this.#context = context;
    this.#memory = createMemory(new Missing(plan, context.clock));
    this.#expiries = new Expiries(context.log);
    this.#patterns = new Patterns(plan.devices, context.log);
  }

  /** Those of the mapping that have a node. */
  #points(): readonly Point<OpcuaPoint>[] {
    const points = this.#plan.devices.flatMap((device) => device.points.map(({ point }) => point));
    return points.filter(({ address }) => address !== undefined);
  }

  begin(): void {
    const { clock } = this.#context;
    this.#memory.missing.begin(clock.monotonicMs(), clock.nowMs());
  }

  async open(signal: AbortSignal): Promise<ConnectorSession> {
    quietLibrary(this.#context.log);
    hardenDecoder();
    shareTimeStamps();
    const { clock } = this.#context;
    const [attemptedMs, attemptedTimeMs] = [clock.monotonicMs(), clock.nowMs()];
    try {
      const session = await this.#open(signal);
      this.#session = session;
      this.#error = undefined;
      this.#opened += 1;
      if (this.#opened > 1) this.#counters.rebuilds += 1;
      return session;
    } catch (error) {
      this.#error = toLinkError(error, this.name, 'opening');
      this.#memory.missing.begin(attemptedMs, attemptedTimeMs);
      throw this.#error;
    }
  }

  async #open(signal: AbortSignal): Promise<OpcuaSession> {
    const { settings } = this.#plan;
    const { clock, log } = this.#context;
    const openOne = (url: string, oneSignal: AbortSignal) => this.#connect(url, oneSignal);
    const server = await openBest(settings.url, openOne, signal, this.name);
    const { open, url } = server;
    if (this.#lastUrl !== undefined && this.#lastUrl !== url) this.#counters.failovers += 1;
    this.#lastUrl = url;
    try {
      const { facts, nodes } = await within(
        this.#look(open, url),
        30 * settings.timeout,
        signal,
        this.name,
        'looking for the nodes',
      );
      const options: SessionOptions = {
        name: this.name,
        settings,
        server,
        openOne,
        facts,
        memory: this.#memory,
        devices: this.#plan.devices,
        patterns: this.#patterns,
        counters: this.#counters,
        clock,
        log,
        onEnd: (error) => {
          this.#session = undefined;
          this.#error = error;
        },
      };
      return new OpcuaSession(options, nodes);
    } catch (error) {
      const closing = open.close(signal.aborted ? 0 : 1_000);
      if (!signal.aborted) await closing;
      throw error;
    }
  }

  async #connect(url: string, signal: AbortSignal): Promise<OpenClient> {
    const { stateDirectory, gatewayId, log } = this.#context;
    const settings = { ...this.#plan.settings, url };
    const connecting = connect({
      name: this.name,
      settings,
      folders: trustFolders(stateDirectory),
      gatewayId,
      signal,
      log,
      expiries: this.#expiries,
    });
    // Once to ask for endpoints, once for the session; a third time to be known by another certificate.
    const patienceMs = 3 * (settings.reverseConnect?.patience ?? 0);
    return within(connecting, 3 * settings.timeout + patienceMs, signal, this.name, 'opening').catch((error) => {
      connecting.then((late) => late.close(0)).catch(() => {});
      throw error;
    });
  }

  async #look({ client, session }: OpenClient, url: string) {
    const broken = new Promise<never>((_, reject) => {
      client.once('connection_lost', () =>
        reject(new GatewayError('LINK_CLOSED', this.name, 'the connection broke while opening')),
      );
    });
    broken.catch(() => {});
    const look = async () => {
      const facts = await readServerFacts(session);
      const run = runOf(url, facts);
      lendTypes(session, run, this.#memory.types);
      const change = await this.#patterns.resolve(session, facts);
      forget(this.#memory, change?.gone ?? []);
      const points = [...this.#points(), ...this.#patterns.points()];
      const nodes = await findNodes(session, points, facts, this.#memory.fingerprints);
      this.#memory.types = learntTypes(session, run);
      return { facts, nodes };
    };
    return Promise.race([look(), broken]);
  }

  /** What the history of the server may still fill is told as missing all the same: nobody knows when there will be a session. */
  missed(untilMs: number): readonly DeviceGap[] {
    const { missing, spans } = this.#memory;
    return [...missing.take(untilMs), ...spans.flatMap((span) => tellSpan(span))];
  }

  status(): ConnectorStatus {
    const state = this.#session === undefined ? 'down' : this.#session.isAway ? 'waiting' : 'up';
    const error = this.#error;
    const device = { state, ...(error === undefined ? {} : { error }) } as const;
    return {
      counters: { ...this.#counters },
      devices: Object.fromEntries(this.#plan.devices.map(({ twin }) => [twin, device])),
      expiries: this.#expiries.validToMs,
      details: {
        certificates: this.#expiries.describe(),
        ...(this.#patterns.present.length === 0 ? {} : { patterns: this.#patterns.counts }),
        ...(this.#session === undefined ? {} : describeSession(this.#session)),
      },
    };
  }
}
