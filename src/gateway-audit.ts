import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { AuditPlace, Fields } from './audit/audit-line.ts';
import { type AuditLog, type AuditStatus, openAuditLog } from './audit/audit-log.ts';
import { FloodGate } from './audit/flood-gate.ts';
import { type GatewayError, toGatewayError } from './model/error.ts';
import type { GatewayPlan } from './model/plan.ts';
import type { Hub } from './northbound/hub.ts';
import { atMost } from './runtime/at-most.ts';
import type { Clock } from './runtime/clock.ts';
import type { Log } from './runtime/log.ts';
import type { RefusedRequest } from './runtime/operations-server.ts';

export interface GatewayAudit {
  /**
   * What became of a command. Resolves with its place in the chain, or without when that takes long; `undefined`: one of a flood of
   * refused ones, which is only counted.
   */
  answered(status: string, fields: Fields): Promise<AuditPlace | undefined> | undefined;
  tell(kind: string, fields: Fields): void;
  /** The same hub, with every connection attempt and every packet that is no command told. */
  watchHub(hub: Hub): Hub;
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

/** Beside the state of the connectors. */
export function auditDirectory(stateDirectory: string): string {
  return join(stateDirectory, 'audit');
}

/** Everybody may send nonsense, and who may send commands may send too many. */
const FROM_ANYBODY = { burst: 1_000, perSecond: 1 };
const REFUSED_COMMANDS = { burst: 10_000, perSecond: 10 };
/** The cloud learns of a command soon, whatever the disk does. */
const PLACE_WAIT_MS = 1_000;
/** A hub that stays away is told again so often. */
const REMIND_MS = 3_600_000;

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

  constructor(chain: AuditLog, clock: Clock) {
    this.#chain = chain;
    this.#clock = clock;
    this.#anybody = new FloodGate(FROM_ANYBODY, () => clock.monotonicMs());
    this.#refused = new FloodGate(REFUSED_COMMANDS, () => clock.monotonicMs());
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
    const attempts = new HubAttempts(hub, this.#clock, (kind, fields) => this.tell(kind, fields));
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

  status(): AuditStatus {
    return this.#chain.status();
  }

  async close(waitMs: number): Promise<void> {
    const untoldKinds = [...this.#anybody.takeHeldBack(), ...this.#refused.takeHeldBack()];
    for (const [key, count] of untoldKinds) this.tell('flood', { of: key, notWritten: count });
    this.tell('stop', {});
    await atMost(waitMs, this.#chain.close(), this.#clock);
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

/** Each change is told; the same failure again and again is counted, and told now and then. */
class HubAttempts {
  readonly #hub: Hub;
  readonly #clock: Clock;
  readonly #tell: GatewayAudit['tell'];
  #told = '';
  #toldMs = 0;
  #attempts = 0;

  constructor(hub: Hub, clock: Clock, tell: GatewayAudit['tell']) {
    this.#hub = hub;
    this.#clock = clock;
    this.#tell = tell;
  }

  succeeded(): void {
    this.#write('hub', 'up', {});
  }

  failed(state: 'lost' | 'refused', { code, message }: GatewayError): void {
    this.#attempts += 1;
    const nowMs = this.#clock.monotonicMs();
    if (this.#told === `${state} ${code}` && nowMs - this.#toldMs < REMIND_MS) return;
    this.#write(code === 'HUB_UNAUTHORIZED' ? 'authentication' : 'hub', state, { code, reason: message });
    this.#told = `${state} ${code}`;
    this.#toldMs = nowMs;
  }

  #write(kind: string, state: string, fields: Fields): void {
    const { name: hub, endpoint } = this.#hub;
    this.#tell(kind, { hub, endpoint, state, ...fields, ...(this.#attempts > 1 ? { attempts: this.#attempts } : {}) });
    this.#told = '';
    this.#attempts = 0;
  }
}

/** The same for the same configuration, however it is written; secrets are not in it. */
function configurationDigest({ devices, connections, ...rest }: GatewayPlan): string {
  const hash = createHash('sha256');
  const add = (part: unknown) =>
    hash.update(JSON.stringify(part, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)));
  add(rest);
  for (const device of devices) add(device);
  for (const { devices: _, ...connection } of connections) add(connection);
  return hash.digest('hex');
}
