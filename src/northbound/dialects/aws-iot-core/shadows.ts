import type { Command, CommandResult } from '../../../model/command.ts';
import { GatewayError } from '../../../model/error.ts';
import type { Stored } from '../../../model/twin-message.ts';
import type { Value } from '../../../model/value.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Line, Packet } from '../../dialect.ts';
import { invalid, isMap, type JsonMap, mapAt, readJson, writeJson } from './read-json.ts';
import { afterReport, isReported, knownOf, reportOf } from './reported.ts';
import type { Answer, Requests } from './requests.ts';
import { hold, inTurn, type Shadow, shadowOf } from './shadow.ts';
import { shadowFault } from './shadow-fault.ts';
import { RETRY_AFTER_MS, type Wishes } from './wishes.ts';

/** Of a shadow document; an account may have it raised, AWS then judges. */
const MAX_REPORT_BYTES = 30 * 1_024;
const NOT_FOUND = 404;
const CONFLICT = 409;
const CONFLICTS_AT_MOST = 3;

function isVersion(version: unknown): version is number {
  return Number.isSafeInteger(version);
}

/** Hands a command on; the answer comes once. False where there is no room for it. */
export type Take = (command: Command, answer: (result: CommandResult) => Promise<void>) => boolean;

export interface ShadowOptions {
  readonly line: Line;
  readonly log: Log;
  readonly requests: Requests;
  readonly thing: string;
  /** By twin. */
  readonly wishes: ReadonlyMap<string, Wishes>;
  /** Twins of which something may be desired. */
  readonly writable: ReadonlySet<string>;
  readonly take: Take;
  /** Unique over sessions. */
  readonly nextId: () => string;
}

/** One named shadow of the gateway's thing for each twin: reported from properties, desired as commands. */
export class Shadows {
  readonly subscriptions: readonly string[];
  readonly #options: ShadowOptions;
  readonly #prefix: string;
  readonly #byTwin: ReadonlyMap<string, Shadow>;
  readonly #byName: ReadonlyMap<string, Shadow>;

  constructor(options: ShadowOptions) {
    this.#options = options;
    this.#prefix = `$aws/things/${options.thing}/shadow/name/`;
    const all = [...options.wishes].map(([twin, wishes]) => shadowOf(twin, wishes));
    this.#byTwin = new Map(all.map((shadow) => [shadow.twin, shadow]));
    this.#byName = new Map(all.map((shadow) => [shadow.name, shadow]));
    const answers = ['get/accepted', 'get/rejected', 'update/accepted', 'update/rejected', 'update/delta'];
    this.subscriptions = all.length === 0 ? [] : answers.map((answer) => `${this.#prefix}+/${answer}`);
  }

  /** Looks for what is desired, one shadow after the other, while messages flow already. */
  async start(): Promise<void> {
    for (const shadow of this.#byTwin.values()) {
      if (!this.#options.writable.has(shadow.twin)) continue;
      if (this.#options.line.over.aborted) return;
      await this.#sync(shadow).catch((error: unknown) => this.#logFault(shadow, error));
    }
  }

  /** Resolves with the bytes of the payload when the shadow holds the state of this message. */
  report(stored: Stored): Promise<number> | undefined {
    const shadow = this.#byTwin.get(stored.message.twin);
    if (shadow === undefined) return undefined;
    return inTurn(shadow, async () => {
      if (shadow.held !== undefined) throw shadow.held;
      try {
        return await this.#report(stored, shadow);
      } catch (error) {
        if (!(error instanceof GatewayError) || error.code !== 'HUB_MESSAGE_REJECTED') hold(shadow, error);
        this.#loseIfUnauthorized(error);
        throw error;
      }
    });
  }

  async #report(stored: Stored, shadow: Shadow): Promise<number> {
    await this.#sync(shadow);
    if (isReported(stored, shadow.known)) return 0;
    const report = reportOf(stored, shadow.known);
    const bytes = await this.#update(shadow, report);
    shadow.known = afterReport(stored, report, shadow.known);
    return bytes;
  }

  /** False: not for shadows. Throws COMMAND_INVALID. */
  receive({ topic, payload }: Packet): boolean {
    if (!topic.startsWith(this.#prefix)) return false;
    const [name = '', verb, outcome] = topic.slice(this.#prefix.length).split('/');
    const body = readJson(payload, name);
    const shadow = this.#byName.get(name);
    if (verb === 'update' && outcome === 'delta') {
      if (shadow === undefined) throw invalid(name, 'there is no such twin');
      if (!this.#receiveDelta(shadow, body)) this.#options.line.heard();
      return true;
    }
    this.#options.requests.receive(topic, body);
    this.#options.line.heard();
    return true;
  }

  /** Whether something is wished anew by it. */
  #receiveDelta(shadow: Shadow, body: JsonMap): boolean {
    const { version } = body;
    if (!isVersion(version)) throw invalid(shadow.name, 'a delta without a version');
    if (version <= shadow.deltaVersion) return false;
    const delta = mapAt(body, 'state');
    const fresh = shadow.wishes.fresh(delta, mapAt(body, 'metadata'), this.#options.line.clock.monotonicMs());
    // Of a map the delta holds only what differs: the whole has to be fetched.
    if (fresh.some((point) => isMap(delta[point]))) {
      this.#look(shadow);
      return false;
    }
    shadow.deltaVersion = version;
    if (fresh.length > 0) this.#wish(shadow, fresh, delta, mapAt(body, 'metadata'));
    return fresh.length > 0;
  }

  #sync(shadow: Shadow): Promise<void> {
    shadow.synced ??= this.#get(shadow).catch((error: unknown) => {
      shadow.synced = undefined;
      throw error;
    });
    return shadow.synced;
  }

  /** Gets the shadow anew, for whoever needs no answer; however often it is told meanwhile, only once more. */
  #look(shadow: Shadow): void {
    if (shadow.isToLook) return;
    shadow.isToLook = true;
    const before = shadow.synced ?? Promise.resolve();
    void before.then(
      () => this.#lookNow(shadow),
      () => this.#lookNow(shadow),
    );
  }

  #lookNow(shadow: Shadow): void {
    shadow.isToLook = false;
    shadow.synced = undefined;
    this.#sync(shadow).catch((error: unknown) => this.#logFault(shadow, error));
  }

  async #get(shadow: Shadow): Promise<void> {
    const { isAccepted, body } = await this.#send(shadow, 'get', {});
    if (isAccepted) this.#take(shadow, body);
    else if (body.code !== NOT_FOUND) throw shadowFault(this.#options.line.subject, shadow.name, body);
    await this.#tellWishes(shadow);
  }

  #take(shadow: Shadow, body: JsonMap): void {
    const state = mapAt(body, 'state');
    const { version } = body;
    const known = knownOf(mapAt(state, 'reported'));
    // A report of this session may have overtaken the answer.
    if (shadow.known.epoch === undefined) shadow.known = known;
    if (!isVersion(version) || version < shadow.deltaVersion) return;
    shadow.deltaVersion = version;
    const desired = mapAt(state, 'desired');
    const metadata = mapAt(mapAt(body, 'metadata'), 'desired');
    const differing = Object.fromEntries(Object.keys(mapAt(state, 'delta')).map((point) => [point, desired[point]]));
    const fresh = shadow.wishes.fresh(differing, metadata, this.#options.line.clock.monotonicMs());
    if (fresh.length > 0) this.#wish(shadow, fresh, desired, metadata);
  }

  #wish(shadow: Shadow, points: readonly string[], desired: JsonMap, metadata: JsonMap): void {
    const { take, nextId } = this.#options;
    const values = Object.fromEntries(points.map((point) => [point, desired[point] as Value]));
    shadow.wishes.begin(points, desired, metadata);
    const id = `shadow-${shadow.name}-${shadow.deltaVersion}-${nextId()}`;
    const command = { id, device: shadow.twin, desired: values };
    if (!take(command, (result) => this.#settle(shadow, points, result))) shadow.wishes.forget(points);
  }

  async #settle(shadow: Shadow, points: readonly string[], result: CommandResult): Promise<void> {
    const { clock, over } = this.#options.line;
    if (shadow.wishes.settle(points, result, clock.monotonicMs())) {
      clock.sleep(RETRY_AFTER_MS, over).then(
        () => this.#look(shadow),
        () => {},
      );
    }
    await this.#tellWishes(shadow);
  }

  /** What could not be told is kept for the next session. */
  async #tellWishes(shadow: Shadow): Promise<void> {
    const report = shadow.wishes.take();
    if (report === undefined) return;
    try {
      await this.#update(shadow, report);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'HUB_MESSAGE_REJECTED') shadow.wishes.putBack(report);
      throw error;
    }
  }

  /** Resolves with the bytes of the payload. */
  async #update(shadow: Shadow, reported: JsonMap): Promise<number> {
    const { subject } = this.#options.line;
    const body = { state: { reported } };
    if (Buffer.byteLength(writeJson(body)) > MAX_REPORT_BYTES)
      throw new GatewayError('HUB_MESSAGE_REJECTED', subject, `a report of ${shadow.twin} is larger than any shadow may be`);
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#send(shadow, 'update', body);
      if (answer.isAccepted) return answer.bytes;
      if (answer.body.code !== CONFLICT || attempt === CONFLICTS_AT_MOST) throw shadowFault(subject, shadow.name, answer.body);
    }
  }

  #send(shadow: Shadow, verb: 'get' | 'update', body: JsonMap): Promise<Answer & { readonly bytes: number }> {
    return this.#options.requests.send(`${this.#prefix}${shadow.name}/${verb}`, body);
  }

  #logFault(shadow: Shadow, error: unknown): void {
    const { line, log } = this.#options;
    if (line.over.aborted) return;
    log.warn('shadow not read', { twin: shadow.twin, error });
    this.#loseIfUnauthorized(error);
  }

  /** A person has to act; until then everything waits, and the connection is tried now and then. */
  #loseIfUnauthorized(error: unknown): void {
    if (error instanceof GatewayError && error.code === 'HUB_UNAUTHORIZED') this.#options.line.lose(error);
  }
}
