import type { TransferResult } from 'node-opcua-client';
import { statusNameOf } from '../protocol/errors.ts';
import type { RawSession } from '../protocol/raw-session.ts';
import { qualityOf } from '../protocol/status-code.ts';
import type { Subscription, SubscriptionContext } from './subscription.ts';

/** A service that some servers do not have, or not for everybody; the subscriptions are then made anew. */
const IS_REFUSED =
  /Bad(?:ServiceUnsupported|Not(?:Implemented|Supported)|UserAccessDenied|SubscriptionIdInvalid|(?:Internal|Unexpected)Error)/;

/** Takes over what a former session left with the server (Part 4 §5.14.7); gives those that the server still had. */
export async function transfer(
  session: RawSession,
  left: readonly Subscription[],
  context: SubscriptionContext,
): Promise<readonly Subscription[]> {
  if (left.length === 0) return [];
  const results = await request(session, left);
  const isGood = (at: number) => qualityOf(results[at]?.statusCode.value ?? 0x8000_0000) === 'good';
  const taken = left.filter((_, at) => isGood(at));
  context.counters.transfers += taken.length;
  return taken.map((subscription) => subscription.adoptedBy(context));
}

function request(session: RawSession, left: readonly Subscription[]): Promise<readonly (TransferResult | null)[]> {
  // A value that still stands is read later: it then has the time of now, and what was queued keeps its place.
  const options = { subscriptionIds: left.map(({ id }) => id), sendInitialValues: false };
  return new Promise((resolve, reject) => {
    session.transferSubscriptions(options, (error, response) => {
      if (error === null) resolve(response?.results ?? []);
      else if (IS_REFUSED.test(statusNameOf(error) ?? '')) resolve([]);
      else reject(error);
    });
  });
}
