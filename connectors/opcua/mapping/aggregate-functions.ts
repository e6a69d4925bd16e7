/** The functions of OPC UA Part 13 §5.4 that give a value of one window, by their node ids (Part 6, NodeIds.csv). */
export const AGGREGATE_FUNCTIONS = {
  average: 2342,
  timeAverage: 2343,
  total: 2344,
  minimum: 2346,
  maximum: 2347,
  range: 2350,
  count: 2352,
  start: 2357,
  end: 2358,
  delta: 2359,
  interpolative: 2341,
  durationGood: 2360,
  durationBad: 2361,
  percentGood: 2362,
  percentBad: 2363,
  standardDeviation: 11426,
  variance: 11428,
} as const;

export type AggregateName = keyof typeof AGGREGATE_FUNCTIONS;

export const AGGREGATE_NAMES = Object.keys(AGGREGATE_FUNCTIONS) as [AggregateName, ...AggregateName[]];

export interface Refusal {
  readonly status: string;
  readonly hint: string;
}

const HERE = 'or let the gateway compute: drop `serverAggregate`, and use `aggregate`';

/** What a person can do about it. */
export function refusalOf(status: string): Refusal {
  if (/^BadAggregate/.test(status))
    return { status, hint: `the server does not compute this function of this node: take another one, ${HERE}` };
  if (/^Bad(?:HistoryOperation|Service|Not(?:Supported|Implemented|Readable))/.test(status))
    return { status, hint: `the server computes nothing from a history of this node: switch its history on, ${HERE}` };
  if (status === 'BadUserAccessDenied') return { status, hint: `give the user the right to read the history, ${HERE}` };
  return { status, hint: `look for the status in the log of the server, ${HERE}` };
}
