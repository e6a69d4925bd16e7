import { type GatewayError, toGatewayError } from '../../../src/model/error.ts';
import { devicePoints, type ModbusPlan } from '../mapping/plan.ts';
import { placePoint, toItem } from '../planning/read-items.ts';
import { toBlock } from '../planning/read-plan.ts';
import type { Count } from '../protocol/counters.ts';
import type { ReadRequest } from '../protocol/request.ts';
import type { Units } from './units.ts';
import { allSilent, type Wire } from './wire.ts';

/** Many units may be off for the night: they are asked in turn, some at each attempt. */
const MOST_ASKED = 3;

/**
 * Waits for an answer, be it an exception, on a connection that took the place of one on which nobody answered: a device that takes
 * connections and says nothing, or drops them, is not back. Rejects with a LINK error. What it reads is thrown away, so it is not for
 * connections that were of use until they were lost.
 */
export class FirstAnswer {
  readonly #plan: ModbusPlan;
  readonly #count: Count;
  readonly #requests: readonly ReadRequest[];
  #next = 0;

  constructor(plan: ModbusPlan, count: Count) {
    this.#plan = plan;
    this.#count = count;
    const byUnit = new Map(plan.devices.flatMap((device) => readOf(device)).map((request) => [request.unit, request]));
    this.#requests = [...byUnit.values()];
  }

  /** Who was heard last is most likely there. */
  async await(wire: Wire, units: Pick<Units, 'lastHeard' | 'lateMs'>): Promise<void> {
    const { settings, name } = this.#plan;
    const most = 'maxTimeouts' in settings ? Math.min(settings.maxTimeouts, MOST_ASKED) : 0;
    const likely = this.#requests.filter(({ unit }) => unit === units.lastHeard);
    let error: GatewayError | undefined;
    for (let asked = 0; asked < most; asked += 1) {
      const request = likely.shift() ?? this.#inTurn();
      if (request === undefined) return;
      this.#count('requests');
      error = await wire.exchange(request).then(() => undefined, toError);
      if (error === undefined) this.#count('responses');
      if (error === undefined || error.code === 'DEVICE_BAD_FRAME') return;
      if (error.code !== 'DEVICE_TIMEOUT') throw error;
    }
    if (error !== undefined) throw allSilent(name, most, units, error);
  }

  #inTurn(): ReadRequest | undefined {
    const request = this.#requests[this.#next % this.#requests.length];
    this.#next += 1;
    return request;
  }
}

/** The first of its points that is read. */
function readOf(device: ModbusPlan['devices'][number]): readonly ReadRequest[] {
  const point = devicePoints(device).find(({ access }) => access !== 'write');
  return point === undefined ? [] : [toBlock([toItem([placePoint(point, device.settings)])], device.settings).request];
}

function toError(error: unknown): GatewayError {
  return toGatewayError(error, 'modbus');
}
