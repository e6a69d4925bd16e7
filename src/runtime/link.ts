import type { GatewayError } from '../model/error.ts';

/** An open connection: it is opened, lost, closed. */
export interface Session {
  /** Resolves (never rejects) once, with the cause, when the peer is gone. Stays pending when `close` was called first. */
  readonly lost: Promise<GatewayError>;
  /** Idempotent; resolves when every socket, port and timer of the session is released, within 5 000 ms. */
  close(): Promise<void>;
}

/** One lifecycle for connectors and hubs alike. */
export interface Link<S extends Session> {
  readonly name: string;
  /** One attempt, no retry inside. Rejects with a GatewayError; an aborted signal rejects at once and leaves nothing open. */
  open(signal: AbortSignal): Promise<S>;
}

/** `downSinceMs`: since the last session was lost, or the start; absent before the first attempt. */
export type LinkState =
  | { readonly state: 'opening'; readonly attempt: number; readonly downSinceMs?: number }
  | { readonly state: 'up'; readonly sinceMs: number }
  | { readonly state: 'waiting'; readonly error: GatewayError; readonly retryAtMs: number; readonly downSinceMs?: number }
  | { readonly state: 'stopped' };
