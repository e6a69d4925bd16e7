import { AttributeIds, type ClientSession, makeNodeId } from 'node-opcua-client';
import { GatewayError } from '../../src/model/error.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Log } from '../../src/runtime/log.ts';
import { within } from './protocol/deadline.ts';
import { toLinkError } from './protocol/errors.ts';
import type { Publisher } from './watching/publisher.ts';
import { MAX_SILENT_KEEP_ALIVES } from './watching/subscription.ts';

export interface WatchOptions {
  readonly name: string;
  readonly session: ClientSession;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly keepAliveMs: number;
  /** While the network is away its own deadline runs. */
  readonly isAway: () => boolean;
  readonly publisher: Publisher;
  readonly onLost: (error: GatewayError) => void;
  /** Called whenever the server was asked for its state. */
  readonly onServerState: (state: string) => void;
}

/** OPC UA Part 6, NodeIds.csv; Part 5 §12.6. */
const SERVER_STATE = 2259;
const SERVER_STATES = [
  'Running',
  'Failed',
  'NoConfiguration',
  'Suspended',
  'Shutdown',
  'Test',
  'CommunicationFault',
  'Unknown',
] as const;
const DAY_MS = 86_400_000;

/** Subscriptions that fall silent while all else goes on: the server may have dropped them without a word. */
export async function watchSubscriptions(options: WatchOptions): Promise<void> {
  const { clock, signal, name, onLost } = options;
  while (!signal.aborted) {
    await clock.sleep(options.keepAliveMs / 2, signal).catch(() => {});
    if (signal.aborted || options.isAway()) continue;
    const { subscriptions, isBusy } = options.publisher;
    if (isBusy) for (const subscription of subscriptions) subscription.hear();
    const silent = subscriptions.find((subscription) => subscription.isSilent(clock.monotonicMs()));
    if (silent === undefined) continue;
    onLost(new GatewayError('LINK_TIMEOUT', name, `no word of subscription ${silent.id} for ${silent.maxSilenceMs} ms`));
  }
}

/** A session may live for years; what expires meanwhile would stop the next one. */
export async function watchExpiry(clock: Clock, signal: AbortSignal, look: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(DAY_MS, signal).catch(() => {});
    if (!signal.aborted) await look().catch(() => {});
  }
}

/** Asks the server for its state, so that a frozen one is noticed though nothing is subscribed, and the session does not expire. */
export async function watchServer(options: WatchOptions): Promise<void> {
  const { session, clock, signal, name, keepAliveMs, onLost } = options;
  const node = { nodeId: makeNodeId(SERVER_STATE), attributeId: AttributeIds.Value };
  while (!signal.aborted) {
    await clock.sleep(keepAliveMs, signal).catch(() => {});
    if (signal.aborted || options.isAway()) continue;
    try {
      const state = await within(
        session.read(node),
        MAX_SILENT_KEEP_ALIVES * keepAliveMs,
        signal,
        name,
        'asking for the server state',
      );
      const serverState = SERVER_STATES[Number(state.value.value)] ?? 'Unknown';
      options.onServerState(serverState);
      if (serverState === 'Shutdown') onLost(new GatewayError('LINK_CLOSED', name, 'the server is shutting down'));
    } catch (error) {
      if (!options.isAway() && !signal.aborted) onLost(toLinkError(error, name, 'asking for the server state'));
    }
  }
}

/** In any state but Running, values may stand still or be substitutes. */
export function tellServerState(state: string, before: string | undefined, log: Log): void {
  if (state === (before ?? 'Running')) return;
  if (state === 'Running') log.info('opcua server running again');
  else log.warn('opcua server not running', { state });
}
