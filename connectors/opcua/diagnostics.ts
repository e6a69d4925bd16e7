import { AttributeIds, type ClientSession, makeNodeId } from 'node-opcua-client';
import type { Value } from '../../src/model/value.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { qualityOf } from './protocol/status-code.ts';
import { toRaw } from './values/raw-value.ts';
import { rawToValue } from './values/value.ts';

/** OPC UA Part 6, NodeIds.csv; Part 5 §12.9. */
const ENABLED_FLAG = 2294;
const SUMMARY = 2275;
const EVERY_MS = 60_000;

/** What a server counts of itself (sessions, subscriptions, rejected requests), where it does; asked for once a minute. */
export class Diagnostics {
  #summary: Value | null = null;

  get summary(): Value | null {
    return this.#summary;
  }

  async watch(session: ClientSession, clock: Clock, signal: AbortSignal, isAway: () => boolean): Promise<void> {
    while (!signal.aborted) {
      if (!isAway()) this.#summary = await read(session).catch(() => null);
      await clock.sleep(EVERY_MS, signal).catch(() => {});
    }
  }
}

async function read(session: ClientSession): Promise<Value | null> {
  const nodes = [ENABLED_FLAG, SUMMARY].map((id) => ({ nodeId: makeNodeId(id), attributeId: AttributeIds.Value }));
  const [flag, summary] = await session.read(nodes);
  if (flag?.value.value !== true || summary === undefined || qualityOf(summary.statusCode.value) !== 'good') return null;
  return rawToValue(toRaw(summary.value)) ?? null;
}
