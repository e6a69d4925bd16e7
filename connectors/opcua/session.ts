import { concat, defer, Observable, Subject } from 'rxjs';
import type { DeviceEvent } from '../../src/model/device-event.ts';
import type { DeviceGap } from '../../src/model/device-gap.ts';
import { GatewayError } from '../../src/model/error.ts';
import type { DevicePlan } from '../../src/model/plan.ts';
import type { Point } from '../../src/model/point.ts';
import type { Batch, Reading } from '../../src/model/reading.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import type { ConnectorSession, MethodCall, MethodResult, OneShot, Write, WriteResult } from '../../src/southbound/connector.ts';
import type { OpenOne, OpenServer } from './connection/servers.ts';
import { Diagnostics } from './diagnostics.ts';
import { EventAcquisition } from './events/events.ts';
import type { OpcuaSettings } from './mapping/settings.ts';
import type { FoundNode } from './nodes/nodes.ts';
import { PatternWatch } from './nodes/pattern-watch.ts';
import { type Patterns, pacesOf } from './nodes/patterns.ts';
import type { Counters } from './protocol/counters.ts';
import { toLinkError } from './protocol/errors.ts';
import type { ServerFacts } from './protocol/requests.ts';
import { Requests } from './session-requests.ts';
import { watchSession } from './session-watch.ts';
import { tellServerState } from './watch.ts';
import type { Memory } from './watching/memory.ts';
import { PointAcquisition } from './watching/point-acquisition.ts';
import { tellRevisions } from './watching/revisions.ts';
import { MAX_SILENT_KEEP_ALIVES } from './watching/subscription.ts';

export interface SessionOptions {
  readonly name: string;
  readonly settings: OpcuaSettings;
  readonly server: OpenServer;
  /** Opens a session with another of the redundant servers. */
  readonly openOne: OpenOne;
  readonly facts: ServerFacts;
  readonly memory: Memory;
  readonly devices: readonly DevicePlan[];
  /** Resolved with this server. */
  readonly patterns: Patterns;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once, when the session is lost or closed. */
  readonly onEnd: (error?: GatewayError) => void;
}

/** A peer that is gone does not answer a goodbye. */
const CLOSE_TIMEOUT_MS = { open: 3_000, lost: 500, away: 0 };

/**
 * One OPC UA session. A short break of the network is let to the library, which brings back the same session with all that the
 * server kept for it; anything else, and any break longer than 2.5 keep-alives, is a loss: `supervise` then builds all anew.
 */
export class OpcuaSession implements ConnectorSession {
  readonly lost: Promise<GatewayError>;
  readonly batches: Observable<Batch>;
  readonly events: Observable<DeviceEvent>;
  readonly gaps: Observable<DeviceGap>;
  readonly resolved: Observable<DevicePlan>;
  readonly acquisition: PointAcquisition;
  readonly eventAcquisition: EventAcquisition;
  /** As the server says; `undefined` until it was asked. */
  serverState: string | undefined;
  /** Of its server, as last seen. */
  serviceLevel: number;
  readonly #options: SessionOptions;
  readonly #subject = new Subject<Batch>();
  readonly #eventSubject = new Subject<DeviceEvent>();
  readonly #gapSubject = new Subject<DeviceGap>();
  readonly #resolvedSubject = new Subject<DevicePlan>();
  readonly #end = new AbortController();
  readonly #requests: Requests;
  readonly diagnostics = new Diagnostics();
  readonly #token: string;
  #resolveLost: (error: GatewayError) => void = () => {};
  #isAway = false;
  #isSilent = false;
  #isLeaving = false;
  #awayTimer: NodeJS.Timeout | undefined;
  #isStarted = false;
  #closing: Promise<void> | undefined;

  constructor(options: SessionOptions, nodes: readonly FoundNode[]) {
    this.#options = options;
    this.serviceLevel = options.server.level;
    this.lost = new Promise((resolve) => {
      this.#resolveLost = resolve;
    });
    this.gaps = this.#gapSubject;
    this.batches = this.#startingWith(this.#subject);
    this.events = this.#startingWith(this.#eventSubject);
    const { patterns } = options;
    this.resolved = defer(() => concat(patterns.present, this.#resolvedSubject));
    const patternWatch = new PatternWatch({
      ...options,
      session: options.server.open.session,
      everyMs: options.settings.browseEvery,
    });
    this.acquisition = new PointAcquisition(
      {
        ...options,
        url: options.server.url,
        session: options.server.open.session,
        signal: this.#end.signal,
        isAway: () => this.#isAway,
        patternWatch,
        ...pacesOf(options.devices),
        onResolved: (device) => this.#resolvedSubject.next(device),
        onReadings: (readings) => this.#emit(readings),
        onEvents: (subscription, list) => this.eventAcquisition.take(subscription, list),
        onEventsLost: (subscription, sinceTimeMs) => this.eventAcquisition.lose(subscription, sinceTimeMs),
        refusedEvents: () => this.eventAcquisition.refused,
        onHistory: (readings) => this.#emit(readings, { isHistory: true }),
        onGap: (gap) => this.#gapSubject.next(gap),
        onFailure: (error) => this.#lose(toLinkError(error, options.name, 'reading')),
      },
      nodes,
    );
    this.eventAcquisition = new EventAcquisition(options.devices, {
      ...options,
      session: options.server.open.session,
      signal: this.#end.signal,
      subscribe: () => this.acquisition.watching.eventSubscription(),
      onEvent: (event) => this.#eventSubject.next(event),
      onGap: (gap) => this.#gapSubject.next(gap),
      onModelChange: () => patternWatch.doubt(),
    });
    this.#requests = new Requests({
      ...options,
      session: options.server.open.session,
      end: this.#end.signal,
      node: (point) => this.acquisition.node(point),
    });
    this.#token = this.#currentToken();
    this.#listen();
    this.#watch();
  }

  /** What the first subscriber of either starts. */
  #startingWith<T>(subject: Subject<T>): Observable<T> {
    return new Observable((subscriber) => {
      const subscription = subject.subscribe(subscriber);
      this.#start();
      return subscription;
    });
  }

  get url(): string {
    return this.#options.server.url;
  }

  get isAway(): boolean {
    return this.#isAway;
  }

  read(points: readonly Point[], signal: AbortSignal): Promise<readonly OneShot[]> {
    return this.#requests.read(points, signal);
  }

  write(writes: readonly Write[], signal: AbortSignal): Promise<readonly WriteResult[]> {
    return this.#requests.write(writes, signal);
  }

  call(call: MethodCall, signal: AbortSignal): Promise<MethodResult> {
    return this.#requests.call(call, signal);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const isLost = this.#end.signal.aborted;
    const state = this.#isAway ? 'away' : isLost ? 'lost' : 'open';
    if (!isLost) this.#options.memory.missing.lose(this.#completeTimeMs(), this.#options.patterns.points());
    this.#stop(new GatewayError('LINK_CLOSED', this.#options.name, 'closed'));
    if (!isLost) this.acquisition.stop();
    if (!isLost) this.#options.onEnd();
    this.#subject.complete();
    this.#eventSubject.complete();
    this.#gapSubject.complete();
    this.#resolvedSubject.complete();
    await this.#options.server.open.close(CLOSE_TIMEOUT_MS[state], {
      keepsSubscriptions: this.#options.memory.left !== undefined,
    });
  }

  #start(): void {
    if (this.#isStarted || this.#end.signal.aborted) return;
    this.#isStarted = true;
    const starting = this.acquisition.start().then(() => {
      const { memory, log } = this.#options;
      tellRevisions(this.acquisition.watching.items, memory, log);
      return this.eventAcquisition.start();
    });
    starting.catch((error) => this.#lose(toLinkError(error, this.#options.name, 'subscribing')));
  }

  #emit(readings: readonly Reading[], mark: { readonly isHistory?: true } = {}): void {
    if (this.#end.signal.aborted) return;
    if (!this.#isOurs()) return;
    for (const [device, ofDevice] of Map.groupBy(readings, ({ point }) => point.device)) {
      this.#subject.next({ device, readings: ofDevice, ...mark });
    }
  }

  #lose(error: GatewayError): void {
    if (this.#end.signal.aborted) return;
    const { memory, patterns } = this.#options;
    memory.lostMs = this.#options.clock.nowMs();
    memory.missing.lose(this.#completeTimeMs(), patterns.points());
    memory.left = this.#isSilent || this.#isLeaving ? undefined : (this.acquisition.watching.left ?? memory.left);
    this.#stop(error);
    this.#options.onEnd(error);
    this.#resolveLost(error);
  }

  /** What the server told by itself was complete until then. */
  #completeTimeMs(): number {
    const { publisher, items } = this.acquisition.watching;
    const complete = publisher.subscriptions.map(({ completeTimeMs }) => completeTimeMs);
    const open = items.flatMap(({ gap }) => (gap?.isLost === true ? [gap.fromTimeMs] : []));
    return [...complete, ...open, ...this.eventAcquisition.awaySince].reduce(
      (earliest, timeMs) => Math.min(earliest, timeMs),
      this.#options.clock.nowMs(),
    );
  }

  #stop(reason: GatewayError): void {
    clearTimeout(this.#awayTimer);
    this.#end.abort(reason);
  }

  #listen(): void {
    const { name } = this.#options;
    const { open } = this.#options.server;
    const closed = (what: string) => this.#lose(new GatewayError('LINK_CLOSED', name, what));
    open.client.on('connection_lost', () => this.#goAway());
    open.client.on('connection_reestablished', () => this.#comeBack());
    open.client.on('close', () => closed('the connection was closed'));
    open.session.on('session_closed', () => closed('the server closed the session'));
  }

  #watch(): void {
    const { log } = this.#options;
    watchSession({
      ...this.#options,
      signal: this.#end.signal,
      isAway: () => this.#isAway,
      publisher: this.acquisition.watching.publisher,
      diagnostics: this.diagnostics,
      onLost: (error, why) => {
        // What has fallen silent may stay so: it is made anew.
        this.#isSilent ||= why === 'silent';
        this.#isLeaving ||= why === 'leaving';
        this.#lose(error);
      },
      onServerState: (state) => {
        tellServerState(state, this.serverState, log);
        this.serverState = state;
      },
      onLevel: (level) => {
        this.serviceLevel = level;
      },
    });
  }

  #goAway(): void {
    if (this.#isAway || this.#end.signal.aborted) return;
    const { name, settings } = this.#options;
    this.#isAway = true;
    this.acquisition.goAway();
    const boundMs = MAX_SILENT_KEEP_ALIVES * settings.keepAlive;
    this.#awayTimer = setTimeout(
      () => this.#lose(new GatewayError('LINK_CLOSED', name, `the connection broke and did not come back within ${boundMs} ms`)),
      boundMs,
    );
  }

  #comeBack(): void {
    if (this.#end.signal.aborted) return;
    if (!this.#isOurs()) return;
    clearTimeout(this.#awayTimer);
    this.#isAway = false;
    this.#options.counters.reconnections += 1;
    this.acquisition.comeBack();
  }

  /** Names the session towards the server; a new one means that the library has put another session in its place. */
  #currentToken(): string {
    return String(this.#options.server.open.session.authenticationToken);
  }

  #isOurs(): boolean {
    if (this.#currentToken() === this.#token) return true;
    const text = 'the server does not know the session any more; it may have been restarted';
    this.#lose(new GatewayError('LINK_CLOSED', this.#options.name, text));
    return false;
  }
}
