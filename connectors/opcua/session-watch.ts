import type { GatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { type OpenOne, type OpenServer, watchRivals } from './connection/servers.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { OpcuaSettings } from './mapping/settings.ts';
import { watchExpiry, watchServer, watchSubscriptions } from './watch.ts';
import type { Publisher } from './watching/publisher.ts';

export interface SessionWatchOptions {
  readonly name: string;
  readonly settings: OpcuaSettings;
  readonly server: OpenServer;
  readonly openOne: OpenOne;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly isAway: () => boolean;
  readonly publisher: Publisher;
  readonly diagnostics: Diagnostics;
  /** `silent`: a subscription says nothing while the server answers; `leaving`: another server is better. */
  readonly onLost: (error: GatewayError, why?: 'silent' | 'leaving') => void;
  readonly onServerState: (state: string) => void;
  readonly onLevel: (level: number) => void;
}

/** Starts all that looks after a session until the signal aborts. */
export function watchSession(options: SessionWatchOptions): void {
  const { settings, server, openOne, clock, signal, isAway, onLost } = options;
  const { open } = server;
  const watch = { ...options, session: open.session, keepAliveMs: settings.keepAlive };
  void watchSubscriptions({ ...watch, onLost: (error) => onLost(error, 'silent') });
  void watchServer(watch);
  void watchRivals({ ...watch, current: server, urls: settings.url, openOne, onBetter: (error) => onLost(error, 'leaving') });
  void options.diagnostics.watch(open.session, clock, signal, isAway);
  void watchExpiry(clock, signal, () => open.lookAtCertificates(signal));
}
