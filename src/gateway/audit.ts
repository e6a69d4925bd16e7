import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { AuditPlace, Fields } from '../audit/audit-line.ts';
import { type AuditLog, type AuditStatus, openAuditLog } from '../audit/audit-log.ts';
import { FloodGate } from '../audit/flood-gate.ts';
import { FLAPS, LinkAttempts } from '../audit/link-attempts.ts';
import { toGatewayError } from '../model/error.ts';
import type { ConnectionPlan, GatewayPlan } from '../model/plan.ts';
import type { Hub } from '../northbound/hub.ts';
import { atMost } from '../runtime/at-most.ts';
import type { Clock } from '../runtime/clock.ts';
import type { LinkState } from '../runtime/link.ts';
import type { Log } from '../runtime/log.ts';
import type { RefusedRequest } from '../runtime/operations-server.ts';

export interface GatewayAudit {
  /**
   * What became of a command. Resolves with its place in the chain, or without when that takes long; `undefined`: one of a flood of
   * refused ones, which is only counted.
   */
  answered(status: string, fields: Fields): Promise<AuditPlace | undefined> | undefined;
  tell(kind: string, fields: Fields): void;
  /** The same hub, with every connection attempt and every packet that is no command told. */
  watchHub(hub: Hub): Hub;
  /** To be told every state of the link to the devices of a connection. */
  watchConnection(plan: Pick<ConnectionPlan, 'name' | 'endpoint'>): (state: LinkState) => void;
  readonly requestRefused: (refused: RefusedRequest) => void;
  status(): AuditStatus;
  /** The last entry is written; a disk that refuses is waited for so long. */
  close(waitMs: number): Promise<void>;
}

export interface GatewayAuditOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly version: string;
  readonly stateDirectory: string;
}

const COMMAND_LINE = 'command-line';

/** Beside the state of the connectors. */
export function auditDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'audit');
}

/** What was done at the command line: a chain of its own, within the directory of the gateway's. */
export function commandLineAuditDirectory(stateDirectory: string): string {
  return join(auditDirectory(stateDirectory), COMMAND_LINE);
}

/** The chains that lie in the directory of an audit log, or of a copy. */
export function auditChains(directory: string): readonly string[] {
  return [directory, join(directory, COMMAND_LINE)];
}

/** Everybody may send nonsense, and who may send commands may send too many. */
const FROM_ANYBODY = { burst: 1_000, perSecond: 1 };
const REFUSED_COMMANDS = { burst: 10_000, perSecond: 10 };
/** The cloud learns of a command soon, whatever the disk does. */
const PLACE_WAIT_MS = 1_000;

export async function createGatewayAudit(plan: GatewayPlan, options: GatewayAuditOptions): Promise<GatewayAudit> {
  const { log, clock, version, stateDirectory } = options;
  const chain = await openAuditLog({
    directory: auditDirectory(stateDirectory),
    nowMs: () => clock.nowMs(),
    onFailure: (error) => log.error('audit degraded', { error }),
    ...plan.audit,
  });
  const configuration = configurationDigest(plan);
  const before = chain.lastStart?.configuration;
  const changed = before === undefined ? {} : { configurationChanged: before !== configuration };
  void chain.append('start', { gateway: plan.gateway.id, version, configuration, ...changed });
  return new Auditor(chain, clock);
}

class Auditor implements GatewayAudit {
  readonly #chain: AuditLog;
  readonly #clock: Clock;
  readonly #anybody: FloodGate;
  readonly #refused: FloodGate;
  readonly #flaps: FloodGate;

  constructor(chain: AuditLog, clock: Clock) {
    this.#chain = chain;
    this.#clock = clock;
    this.#anybody = new FloodGate(FROM_ANYBODY, () => clock.monotonicMs());
    this.#refused = new FloodGate(REFUSED_COMMANDS, () => clock.monotonicMs());
    this.#flaps = new FloodGate(FLAPS, () => clock.monotonicMs());
  }

  answered(status: string, fields: Fields): Promise<AuditPlace | undefined> | undefined {
    const heldBack = status === 'refused' ? this.#refused.pass('command') : 0;
    if (heldBack === undefined) return undefined;
    return this.#soon(this.#chain.append('command', { ...fields, ...untold(heldBack) }));
  }

  tell(kind: string, fields: Fields): void {
    void this.#chain.append(kind, fields);
  }

  readonly requestRefused = (refused: RefusedRequest): void => {
    this.#tellFew('request', { ...refused });
  };

  watchHub(hub: Hub): Hub {
    const attempts = this.#attemptsOf('hub', hub.name, () => hub.endpoint);
    return {
      name: hub.name,
      limits: hub.limits,
      billed: hub.billed,
      get endpoint() {
        return hub.endpoint;
      },
      get expiries() {
        return hub.expiries;
      },
      open: async (signal) => {
        try {
          const session = await hub.open(signal);
          attempts.succeeded();
          void session.lost.then((error) => attempts.failed('lost', error));
          session.refusals?.subscribe(({ code, message }) => this.#tellFew('packet', { hub: hub.name, code, reason: message }));
          session.obeyed?.subscribe((asked) => this.#tellFew('session', { hub: hub.name, asked }));
          return session;
        } catch (error) {
          if (!signal.aborted) attempts.failed('refused', toGatewayError(error, hub.name));
          throw error;
        }
      },
    };
  }

  watchConnection({ name, endpoint }: Pick<ConnectionPlan, 'name' | 'endpoint'>): (state: LinkState) => void {
    const attempts = this.#attemptsOf('connection', name, () => endpoint);
    let wasUp = false;
    return (state) => {
      if (state.state === 'up') attempts.succeeded();
      if (state.state === 'waiting') attempts.failed(wasUp ? 'lost' : 'refused', state.error);
      wasUp = state.state === 'up';
    };
  }

  status(): AuditStatus {
    return this.#chain.status();
  }

  async close(waitMs: number): Promise<void> {
    const untoldKinds = [...this.#anybody.takeHeldBack(), ...this.#refused.takeHeldBack(), ...this.#flaps.takeHeldBack()];
    for (const [key, count] of untoldKinds) this.tell('flood', { of: key, notWritten: count });
    this.tell('stop', {});
    await atMost(waitMs, this.#chain.close(), this.#clock);
  }

  #attemptsOf(kind: 'hub' | 'connection', name: string, endpoint: () => string): LinkAttempts {
    const monotonicMs = () => this.#clock.monotonicMs();
    const tell = (of: string, fields: Fields) => this.tell(of, fields);
    return new LinkAttempts({ kind, name, endpoint, flaps: this.#flaps, monotonicMs, tell });
  }

  #tellFew(kind: string, fields: Fields): void {
    const heldBack = this.#anybody.pass(kind);
    if (heldBack !== undefined) this.tell(kind, { ...fields, ...untold(heldBack) });
  }

  async #soon(place: Promise<AuditPlace | undefined>): Promise<AuditPlace | undefined> {
    const done = new AbortController();
    const late = this.#clock.sleep(PLACE_WAIT_MS, done.signal).then(
      () => undefined,
      () => undefined,
    );
    const first = await Promise.race([place, late]);
    done.abort();
    return first;
  }
}

function untold(heldBack: number): Fields {
  return heldBack === 0 ? {} : { notWrittenBefore: heldBack };
}

/** The same for the same configuration, however it is written; secrets are not in it. */
function configurationDigest({ devices, connections, stateDirectory: _, ...rest }: GatewayPlan): string {
  const hash = createHash('sha256');
  const add = (part: unknown) =>
    hash.update(JSON.stringify(part, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)));
  add(rest);
  for (const device of devices) add(device);
  for (const { devices: _, ...connection } of connections) add(connection);
  return hash.digest('hex');
}
