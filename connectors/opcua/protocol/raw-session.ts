import type { ClientSession, ClientSessionPublishService, ClientSessionRawSubscriptionService } from 'node-opcua-client';

/**
 * The library's session with the bare subscription services. Subscriptions are ours from the first request to the last: the
 * library's own, when it makes them anew behind a reconnect, uses old namespace indices and tells nobody what failed.
 */
export type RawSession = ClientSession & ClientSessionRawSubscriptionService & ClientSessionPublishService;
