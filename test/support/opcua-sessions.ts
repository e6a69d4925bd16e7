import type { Variant } from 'node-opcua';
import type { TestServer } from './opcua-server.ts';

export interface ServerSubscription {
  readonly monitoredItems: ReadonlyMap<number, { _enqueue_event(fields: readonly Variant[]): void }>;
  terminate(): void;
  _stop_timer(): void;
  readonly _sequence_number_generator: { next(): number };
}

interface ServerSession {
  readonly publishEngine: {
    readonly pendingPublishRequestCount: number;
    _send_response(subscription: unknown, response: unknown): void;
    readonly subscriptions: readonly ServerSubscription[];
  };
}

/** The library's own view of its clients. */
export function sessionsOf({ server }: TestServer): Readonly<Record<string, ServerSession>> {
  return (server.engine as unknown as { _sessions: Record<string, ServerSession> })._sessions;
}
