import {
  AttributeIds,
  type ClientSession,
  type ClientSessionPublishService,
  type ClientSessionRawSubscriptionService,
  DataChangeNotification,
  MessageSecurityMode,
  MonitoringMode,
  OPCUAClient,
  PublishRequest,
  SecurityPolicy,
  TimestampsToReturn,
} from 'node-opcua-client';

type Acknowledgement = { readonly subscriptionId: number; readonly sequenceNumber: number };
type Session = ClientSession & ClientSessionRawSubscriptionService & ClientSessionPublishService;

const ITEMS_PER_CALL = 1_000;
const PUBLISHES_IN_FLIGHT = 3;

export interface BareOptions {
  readonly url: string;
  readonly namespaceIndex: number;
  readonly items: number;
  readonly intervalMs: number;
}

export interface Counting {
  add(changes: number): void;
  /** There is a session, and no item yet. */
  readonly onOpen?: () => void;
}

/** node-opcua-client alone: subscribes with its bare services and counts what comes. Resolves with what ends it. */
export async function countBare(
  { url, namespaceIndex, items, intervalMs }: BareOptions,
  counting: Counting,
): Promise<() => Promise<void>> {
  const security = { securityMode: MessageSecurityMode.None, securityPolicy: SecurityPolicy.None };
  const client = OPCUAClient.create({ ...security, endpointMustExist: false, connectionStrategy: { maxRetry: 0 } });
  await client.connect(url);
  const session = (await client.createSession()) as Session;
  counting.onOpen?.();
  const { subscriptionId } = await session.createSubscription({
    requestedPublishingInterval: intervalMs,
    requestedLifetimeCount: 600,
    requestedMaxKeepAliveCount: 50,
    maxNotificationsPerPublish: 0,
    publishingEnabled: true,
    priority: 1,
  });
  for (let at = 0; at < items; at += ITEMS_PER_CALL) {
    const handles = Array.from({ length: Math.min(ITEMS_PER_CALL, items - at) }, (_, index) => at + index);
    const itemsToCreate = handles.map((handle) => itemOf(handle, namespaceIndex, intervalMs));
    await session.createMonitoredItems({ subscriptionId, timestampsToReturn: TimestampsToReturn.Both, itemsToCreate });
  }
  for (let index = 0; index < PUBLISHES_IN_FLIGHT; index += 1) publish(session, [], counting);
  return async () => {
    await session.close(true);
    await client.disconnect();
  };
}

function itemOf(clientHandle: number, namespaceIndex: number, samplingInterval: number) {
  return {
    itemToMonitor: { nodeId: `ns=${namespaceIndex};s=v${clientHandle}`, attributeId: AttributeIds.Value },
    monitoringMode: MonitoringMode.Reporting,
    requestedParameters: { clientHandle, samplingInterval, queueSize: 3, discardOldest: true },
  };
}

function publish(session: Session, acknowledged: readonly Acknowledgement[], counting: Counting): void {
  const request = new PublishRequest({ subscriptionAcknowledgements: [...acknowledged] });
  session.publish(request, (error, response) => {
    if (error !== null || response === undefined) return;
    const { subscriptionId, notificationMessage } = response;
    const { sequenceNumber, notificationData } = notificationMessage;
    for (const data of notificationData ?? []) {
      if (data instanceof DataChangeNotification) counting.add(data.monitoredItems?.length ?? 0);
    }
    publish(session, [{ subscriptionId, sequenceNumber }], counting);
  });
}
