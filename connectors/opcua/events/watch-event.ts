import { AttributeIds, MonitoringMode, type NodeId, TimestampsToReturn } from 'node-opcua-client';
import type { EventPlan } from '../../../src/model/plan.ts';
import type { OpcuaEvent } from '../mapping/features.ts';
import { resolveNodeId } from '../nodes/nodes.ts';
import { statusNameOf } from '../protocol/errors.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import type { ServerFacts } from '../protocol/requests.ts';
import { qualityOf, statusName } from '../protocol/status-code.ts';
import { type EventWish, eventFilter } from '../watching/event-filter.ts';
import type { EventItem } from '../watching/event-item.ts';
import { wantedFields } from './event-fields.ts';

/** An alarm shower is longer than a queue of values. */
const QUEUE_SIZE = 1_000;

/** A server that knows nothing of events may answer the whole request so. It is no reason to go without its values. */
const IS_REFUSED =
  /Bad(?:ServiceUnsupported|Not(?:Implemented|Supported)|UserAccessDenied|.*Filter|Decoding|(?:Internal|Unexpected)Error)/;

interface Watcher {
  readonly session: RawSession;
  readonly facts: ServerFacts;
  readonly subscriptionId: number;
}

/** Asks the server to watch for one entry of `events`; what it refuses is told by `problem`. */
export async function watchEvent(
  watcher: Watcher,
  device: string,
  { name, settings }: EventPlan<OpcuaEvent>,
  handle: number,
): Promise<EventItem> {
  const { session, facts } = watcher;
  const { severityAtLeast } = settings;
  const nodeId = resolveNodeId(settings.source, facts.namespaces);
  const typeId = settings.type && resolveNodeId(settings.type, facts.namespaces);
  const limit = severityAtLeast === undefined ? {} : { severityAtLeast };
  const isLost = nodeId === undefined || (settings.type !== undefined && typeId === undefined);
  const fields = isLost ? [] : await wantedFields(session, typeId, settings.fields);
  const item: EventItem = { device, name, handle, fields, ...limit };
  if (isLost) return { ...item, problem: 'BadNodeIdUnknown' };
  const wish = { fields, ...limit, ...(typeId === undefined ? {} : { typeId }) };
  const refused = await create(watcher, nodeId, handle, wish);
  if (refused === undefined || !refused.includes('Filter')) return refused === undefined ? item : { ...item, problem: refused };
  // Of a type only the server knows the subtypes; a severity can be compared here.
  const { severityAtLeast: _, ...simpler } = wish;
  const refusedAgain = await create(watcher, nodeId, handle, simpler);
  return refusedAgain === undefined ? { ...item, isFilteredHere: true } : { ...item, problem: refusedAgain };
}

/** `undefined` when the server watches it, else the name of its refusal. */
async function create({ session, subscriptionId }: Watcher, nodeId: NodeId, clientHandle: number, wish: EventWish) {
  const asked = session.createMonitoredItems({
    subscriptionId,
    timestampsToReturn: TimestampsToReturn.Both,
    itemsToCreate: [
      {
        itemToMonitor: { nodeId, attributeId: AttributeIds.EventNotifier },
        monitoringMode: MonitoringMode.Reporting,
        requestedParameters: {
          clientHandle,
          samplingInterval: 0,
          queueSize: QUEUE_SIZE,
          discardOldest: true,
          filter: eventFilter(wish),
        },
      },
    ],
  });
  const answer = await asked.catch((error) => {
    const refusal = statusNameOf(error) ?? '';
    if (!IS_REFUSED.test(refusal)) throw error;
    return refusal;
  });
  if (typeof answer === 'string') return answer;
  const status = answer.results?.[0]?.statusCode;
  if (status === undefined) return 'BadUnexpectedError';
  return qualityOf(status.value) === 'bad' ? statusName(status.value) : undefined;
}
