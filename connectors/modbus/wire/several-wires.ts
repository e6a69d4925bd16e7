import type { GatewayError } from '../../../src/model/error.ts';
import type { Request } from '../protocol/request.ts';
import type { Port } from './byte-port.ts';
import type { MbapWire } from './mbap-wire.ts';
import type { Wire } from './wire.ts';

/** Several connections to one device, used as one: each request goes where the fewest are under way. */
export class SeveralWires implements Wire {
  readonly capacity: number;
  readonly #wires: readonly MbapWire[];

  constructor(wires: readonly MbapWire[]) {
    this.#wires = wires;
    this.capacity = wires.reduce((sum, { capacity }) => sum + capacity, 0);
  }

  exchange(request: Request, timeoutMs?: number): Promise<Buffer> {
    const idlest = this.#wires.reduce((best, wire) => (wire.underWay < best.underWay ? wire : best));
    return idlest.exchange(request, timeoutMs);
  }

  fail(error: GatewayError): void {
    for (const wire of this.#wires) wire.fail(error);
  }
}

/** The connections are lost together: the device that ended one is asked anew by all. */
export function asOnePort(ports: readonly Port[]): Port {
  const fail = (error: GatewayError) => {
    for (const port of ports) port.fail(error);
  };
  const lost = Promise.race(ports.map((port) => port.lost));
  void lost.then(fail);
  return {
    lost,
    fail,
    close: async () => {
      for (const port of ports) await port.close();
    },
  };
}
