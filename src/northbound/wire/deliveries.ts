import type { GatewayError } from '../../model/error.ts';
import type { Packet } from '../dialect.ts';

/** A packet that somebody waits for. */
export interface Delivery {
  readonly packet: Packet;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: GatewayError) => void;
  /** Monotonic; infinite while it waits for its turn. */
  sentMs: number;
  /** Of the packet in QoS 1, once it is sent. */
  id?: number;
  isSettled: boolean;
}

/**
 * What is not answered yet, in the order of the calls. No `Set` and no `Map`: V8 links their tables as one replaces the other, and under
 * load the old ones would hold every message until a full garbage collection.
 */
export class Deliveries {
  #waiting: Delivery[] = [];

  /** Since when the longest waiting one is under way. */
  get oldestSentMs(): number {
    return this.#waiting[0]?.sentMs ?? Number.POSITIVE_INFINITY;
  }

  add(packet: Packet, bytes: number, settle: Pick<Delivery, 'resolve' | 'reject'>): Delivery {
    const delivery = { packet, bytes, ...settle, sentMs: Number.POSITIVE_INFINITY, isSettled: false };
    this.#waiting.push(delivery);
    return delivery;
  }

  /** Answers mostly come in order: the first is looked at first. */
  withId(id: number | undefined): Delivery | undefined {
    return this.#waiting.find((delivery) => delivery.id === id && !delivery.isSettled);
  }

  /** False where it was settled before. */
  settle(delivery: Delivery): boolean {
    if (delivery.isSettled) return false;
    delivery.isSettled = true;
    while (this.#waiting[0]?.isSettled === true) this.#waiting.shift();
    return true;
  }

  rejectAll(error: GatewayError): void {
    for (const delivery of [...this.#waiting]) if (this.settle(delivery)) delivery.reject(error);
  }
}
