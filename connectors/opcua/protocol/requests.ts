import type { ClientSession, DataValue, ReadValueIdOptions } from 'node-opcua-client';
import { AttributeIds, makeNodeId } from 'node-opcua-client';
import { statusNameOf } from './errors.ts';

/** What the server lets one request carry; `undefined` limits of the server are ours. */
export interface ServerLimits {
  readonly nodesPerRead: number;
  readonly itemsPerCall: number;
  readonly nodesPerBrowse: number;
  readonly nodesPerTranslate: number;
  readonly nodesPerRegister: number;
  readonly nodesPerHistoryRead: number;
}

/** More in one request makes long pauses in small servers; those that state what they take are asked for twice as much. */
const LARGEST_REQUEST = { stated: 1_000, unstated: 500 };

/** OPC UA Part 6, NodeIds.csv. */
const NAMESPACE_ARRAY = 2255;
const SERVER_START_TIME = 2257;
const ITEMS_PER_SUBSCRIPTION = 24104;
const LIMIT_NODES: Readonly<Record<keyof ServerLimits, number>> = {
  nodesPerRead: 11705,
  nodesPerBrowse: 11710,
  nodesPerRegister: 11711,
  nodesPerTranslate: 11712,
  itemsPerCall: 11714,
  nodesPerHistoryRead: 12165,
};
/** Few enough for a server whose limits are not known yet. */
const FIRST_READ = 10;

export interface ServerFacts {
  readonly namespaces: readonly string[];
  /** When the server was started, as it says; what it did before is forgotten. `0` where it does not say. */
  readonly startedMs: number;
  readonly limits: ServerLimits;
  /** Infinite where the server does not say; not every one that has a limit does. */
  readonly itemsPerSubscription: number;
}

export async function readServerFacts(session: ClientSession): Promise<ServerFacts> {
  const nodes = [NAMESPACE_ARRAY, SERVER_START_TIME, ITEMS_PER_SUBSCRIPTION, ...Object.values(LIMIT_NODES)].map((id) => ({
    nodeId: makeNodeId(id),
    attributeId: AttributeIds.Value,
  }));
  const values = await inChunks(nodes, FIRST_READ, (chunk) => session.read(chunk));
  const [namespaces, started, items, ...limits] = values.map(({ value }) => value.value as unknown);
  const stated = Object.keys(LIMIT_NODES).map((name, at) => [name, limit(limits[at])]);
  return {
    namespaces: Array.isArray(namespaces) ? namespaces.map(String) : [],
    startedMs: started instanceof Date ? started.getTime() : 0,
    limits: Object.fromEntries(stated) as Record<keyof ServerLimits, number>,
    itemsPerSubscription: typeof items === 'number' && items > 0 ? items : Number.POSITIVE_INFINITY,
  };
}

/** 0 or nothing means that the server states no limit. */
function limit(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, LARGEST_REQUEST.stated) : LARGEST_REQUEST.unstated;
}

/** While the server works at one request, the next is made and the answer before it is read. */
export const PIPELINED = 2;

/** Results in the order of what was asked, `inFlight` requests at a time; one that the server finds too large is halved. */
export async function inChunks<T, R>(
  all: readonly T[],
  size: number | (() => number),
  request: (chunk: T[]) => Promise<readonly R[]>,
  inFlight = 1,
): Promise<R[]> {
  const answers: (readonly R[])[] = [];
  const sizeNow = typeof size === 'number' ? () => size : size;
  let [from, chunks] = [0, 0];
  const ask = async () => {
    for (let at = from; at < all.length; at = from) {
      from += sizeNow();
      const [to, place] = [from, chunks++];
      answers[place] = await halving(all.slice(at, to), request);
    }
  };
  const giveUp = (error: unknown) => {
    from = all.length;
    throw error;
  };
  await Promise.all(Array.from({ length: inFlight }, () => ask().catch(giveUp)));
  return answers.flat();
}

async function halving<T, R>(chunk: T[], request: (chunk: T[]) => Promise<readonly R[]>): Promise<readonly R[]> {
  try {
    return await request(chunk);
  } catch (error) {
    const isTooLarge = /BadTooManyOperations|BadEncodingLimitsExceeded|Bad(Request|Response)TooLarge/.test(
      statusNameOf(error) ?? '',
    );
    if (!isTooLarge || chunk.length < 2) throw error;
    const middle = Math.ceil(chunk.length / 2);
    return [...(await halving(chunk.slice(0, middle), request)), ...(await halving(chunk.slice(middle), request))];
  }
}

export function readAll(
  session: ClientSession,
  nodes: readonly ReadValueIdOptions[],
  limits: ServerLimits,
): Promise<DataValue[]> {
  return inChunks(nodes, limits.nodesPerRead, (chunk) => session.read(chunk, 0), PIPELINED);
}

/** Bytes that an answer may have before fewer values are asked for at once. */
const LONG_ANSWER = 1 << 20;
const FIRST_VALUES = 8;

/** Values of nodes whose size nobody knows: each may be an array of a million numbers, and one message does not hold hundreds of these. */
export function readUnknown(
  session: Pick<ClientSession, 'read'>,
  nodes: readonly ReadValueIdOptions[],
  limits: ServerLimits,
): Promise<DataValue[]> {
  let size = Math.min(FIRST_VALUES, limits.nodesPerRead);
  const request = async (chunk: ReadValueIdOptions[]): Promise<DataValue[]> => {
    const answers = await session.read(chunk, 0);
    const bytes = answers.reduce((sum, { value }) => sum + bytesOf(value.value), 0);
    const wanted = bytes > LONG_ANSWER ? Math.floor((chunk.length * LONG_ANSWER) / bytes) : 2 * chunk.length;
    size = Math.max(1, Math.min(wanted, limits.nodesPerRead));
    return answers;
  };
  return inChunks(nodes, () => size, request, PIPELINED);
}

/** About. */
function bytesOf(value: unknown): number {
  const isLong = typeof value === 'string' || (typeof value === 'object' && value !== null && 'length' in value);
  return 8 * (isLong ? Number(value.length) : 1);
}
