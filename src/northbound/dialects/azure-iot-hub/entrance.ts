import { join } from 'node:path';
import { z } from 'zod';
import { type GatewayError, toGatewayError } from '../../../model/error.ts';
import { Secret } from '../../../model/secret.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Attempt, Endpoint, Prepared, WireSettings } from '../../dialect.ts';
import { readState, writeState } from '../../state-file.ts';
import { type Credential, credentialOf } from './credential.ts';
import { type Assignment, PROVISIONING_ANSWERS, provision } from './provision.ts';
import { sasToken } from './sas-token.ts';
import type { AzureSettings } from './settings.ts';

/** So many attempts in a row may fail before the provisioning service is asked whether the hub has moved. */
const FAILURES_BEFORE_PROVISIONING = 10;
/** Milliseconds over which gateways spread that start together, or whose hub has gone: the service takes 1 000 registrations a minute. */
const SPREAD_MS = { first: 10_000, again: 60_000 };
const API_VERSION = '2021-04-12';
const PROVISIONING_API_VERSION = '2019-03-31';
const PROVISIONING_TOKEN_LIFE_MS = 600_000;

export interface EntranceOptions {
  readonly settings: AzureSettings;
  /** Device id, unless the provisioning service says otherwise. */
  readonly deviceId: string;
  /** For files of each twin. */
  readonly twin: string;
  readonly modelId: string | undefined;
  readonly wire: WireSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** Where an assignment is kept. */
  readonly stateDirectory: string;
  readonly fileName: string;
  readonly random?: () => number;
}

const keptSchema = z.object({ idScope: z.string(), registrationId: z.string(), host: z.string(), deviceId: z.string() });

/** How one device gets to its hub: which one that is, and with what it shows who it is. */
export class Entrance {
  readonly #options: EntranceOptions;
  #deviceId: string;
  #assignment: Assignment | undefined;
  #keyTurn = 0;
  #failures = 0;
  #hasServiceFailed = false;
  /** The service and the hub may know different keys. */
  #serviceKeyTurn = 0;

  constructor(options: EntranceOptions) {
    this.#options = options;
    this.#deviceId = options.deviceId;
  }

  /** Of the last preparation. */
  get deviceId(): string {
    return this.#deviceId;
  }

  /** The hub has let us in. */
  opened(): void {
    this.#failures = 0;
  }

  async prepare(attempt: Attempt): Promise<Prepared> {
    const { settings, twin, wire, clock } = this.#options;
    const { previous } = attempt;
    if (previous !== undefined) this.#failures += 1;
    if (previous?.code === 'HUB_UNAUTHORIZED' && !this.#hasServiceFailed) this.#keyTurn += 1;
    const credential = await credentialOf(settings.auth, this.#registrationId, twin);
    const { host, deviceId } = await this.#whereTo(attempt, credential);
    this.#deviceId = deviceId;
    const endpoint: Endpoint = { ...attempt.endpoint, host };
    const pins = settings.pin === undefined ? {} : { pins: settings.pin };
    const identity = { ...wire, ...pins, clientId: deviceId, username: this.#username(host, deviceId) };
    if (credential.kind === 'certificate') return { endpoint, settings: { ...identity, ...credential.shown } };
    const expiresTimeMs = clock.nowMs() + settings.tokenLife;
    const password = this.#token(credential, `${host}/devices/${deviceId}`, expiresTimeMs);
    return {
      endpoint,
      settings: { ...identity, password },
      renewAtMs: clock.nowMs() + settings.tokenLife * this.#renewalShare(),
    };
  }

  /** Not all gateways of a fleet at once. */
  async #spread(withinMs: number, signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    await clock.sleep(withinMs * random(), signal);
  }

  get #registrationId(): string {
    return this.#options.settings.provisioning?.registrationId ?? this.#options.deviceId;
  }

  /** Not all gateways of a plant at once. */
  #renewalShare(): number {
    const { random = Math.random } = this.#options;
    return 0.8 + 0.1 * random();
  }

  #username(host: string, deviceId: string): string {
    const { modelId } = this.#options;
    return `${host}/${deviceId}/?api-version=${API_VERSION}${modelId === undefined ? '' : `&model-id=${modelId}`}`;
  }

  #token({ keys }: Credential & { readonly kind: 'key' }, resource: string, expiresTimeMs: number, policy?: string): Secret {
    const turn = policy === undefined ? this.#keyTurn : this.#serviceKeyTurn;
    const key = keys[turn % keys.length] ?? keys[0];
    const token = sasToken({ resource, key, expiresTimeMs, ...(policy === undefined ? {} : { policy }) });
    return new Secret('token', Buffer.from(token));
  }

  async #whereTo(attempt: Attempt, credential: Credential): Promise<Assignment> {
    const { settings, deviceId } = this.#options;
    if (settings.host !== undefined) return { host: settings.host, deviceId };
    const known = this.#assignment ?? (await this.#kept());
    const isServiceNext = this.#isServiceNext(attempt.previous);
    this.#hasServiceFailed = false;
    if (known !== undefined && !isServiceNext) return known;
    try {
      return await this.#register(attempt, credential, known);
    } catch (error) {
      this.#hasServiceFailed = true;
      this.#serviceKeyTurn += 1;
      // The hub may be there when the service is not.
      const { code } = toGatewayError(error, settings.provisioning?.host ?? '');
      if (known !== undefined && (code === 'HUB_REFUSED' || code === 'HUB_TIMEOUT')) return known;
      throw error;
    }
  }

  /** The hub is doubtful; but where the service has just refused, the hub that is known is asked once more. */
  #isServiceNext(previous: GatewayError | undefined): boolean {
    if (this.#hasServiceFailed) return false;
    return previous?.code === 'HUB_UNAUTHORIZED' || this.#failures >= FAILURES_BEFORE_PROVISIONING;
  }

  async #register(attempt: Attempt, credential: Credential, before: Assignment | undefined): Promise<Assignment> {
    const { settings, modelId, wire, clock, log } = this.#options;
    const { idScope = '', host = '', payload } = settings.provisioning ?? {};
    const registrationId = this.#registrationId;
    const username = `${idScope}/registrations/${registrationId}/api-version=${PROVISIONING_API_VERSION}`;
    const { will: _, ...asking } = { ...wire, clientId: registrationId, username };
    const resource = `${idScope}/registrations/${registrationId}`;
    const shown =
      credential.kind === 'key'
        ? { password: this.#token(credential, resource, clock.nowMs() + PROVISIONING_TOKEN_LIFE_MS, 'registration') }
        : credential.shown;
    const told = { ...payload, ...(modelId === undefined ? {} : { modelId }) };
    const registration = { registrationId, ...(Object.keys(told).length === 0 ? {} : { payload: told }) };
    await this.#spread(before === undefined ? SPREAD_MS.first : SPREAD_MS.again, attempt.signal);
    const endpoint = { ...attempt.endpoint, host };
    const assignment = await attempt.ask({
      endpoint,
      settings: { ...asking, ...shown },
      subscriptions: [PROVISIONING_ANSWERS],
      talk: (line) => provision(registration, line, host),
    });
    if (before?.host !== assignment.host) log.info('hub assigned', { host: assignment.host, device: assignment.deviceId });
    this.#failures = 0;
    await this.#keep(assignment);
    return assignment;
  }

  get #file(): string {
    return join(this.#options.stateDirectory, this.#options.fileName);
  }

  async #kept(): Promise<Assignment | undefined> {
    const kept = await readState(this.#file, keptSchema);
    const { idScope } = this.#options.settings.provisioning ?? {};
    if (kept?.idScope !== idScope || kept?.registrationId !== this.#registrationId) return undefined;
    this.#assignment = { host: kept.host, deviceId: kept.deviceId };
    return this.#assignment;
  }

  async #keep(assignment: Assignment): Promise<void> {
    this.#assignment = assignment;
    const { idScope } = this.#options.settings.provisioning ?? {};
    try {
      await writeState(this.#file, { idScope, registrationId: this.#registrationId, ...assignment });
    } catch (error) {
      this.#options.log.warn('assignment not kept', { file: this.#file, error });
    }
  }
}
