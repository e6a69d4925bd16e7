import { AttributeIds, type ClientSession, makeNodeId } from 'node-opcua-client';
import { qualityOf } from '../protocol/status-code.ts';

/** OPC UA Part 6, NodeIds.csv. */
const SERVICE_LEVEL = 2267;
/** Part 4 §6.6.2.4.2: 0 is maintenance, 1 no data, from 200 on the server is healthy. */
const HEALTHY = 200;
const NO_DATA = 1;
const FULL = 255;

/** A server that does not say is as good as one can be. */
export async function readServiceLevel(session: ClientSession): Promise<number> {
  const { statusCode, value } = await session.read({ nodeId: makeNodeId(SERVICE_LEVEL), attributeId: AttributeIds.Value });
  return qualityOf(statusCode.value) === 'good' && typeof value.value === 'number' ? value.value : FULL;
}

/** When to leave a server for a better one: at once where it has no data, soon where it is ill, and else only for what stays better. */
export class Preference {
  readonly #holdMs: number;
  readonly #sinceMs: number;
  #betterSinceMs: number | undefined;

  /** `holdMs`: a server is kept at least so long, and the other must have been better for so long. */
  constructor(holdMs: number, nowMs: number) {
    this.#holdMs = holdMs;
    this.#sinceMs = nowMs;
  }

  isToLeave(own: number, best: number, nowMs: number): boolean {
    if (best <= own) this.#betterSinceMs = undefined;
    else this.#betterSinceMs ??= nowMs;
    if (best <= own) return false;
    if (own <= NO_DATA) return true;
    if (nowMs - this.#sinceMs < this.#holdMs) return false;
    const isIll = own < HEALTHY && best >= HEALTHY;
    return isIll || nowMs - (this.#betterSinceMs ?? nowMs) >= this.#holdMs;
  }

  /** Worth a look at the others before their time. */
  static isIll(level: number): boolean {
    return level < HEALTHY;
  }
}
