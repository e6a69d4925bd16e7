import { connectAsync, type MqttClient } from 'mqtt';
import { TcpCable } from './tcp-cable.ts';

/** What the observer understands of the packets of a gateway. */
export interface Reader {
  readonly messages: readonly Record<string, unknown>[];
  readonly violations: readonly string[];
  readonly wills: number;
  hear(topic: string, payload: Buffer, flags: { readonly qos: number; readonly retain: boolean }): void;
}

/** A real broker, reached over a cable that can be cut, and another client of it that listens to everything and sends commands. */
export class ObservedBroker {
  readonly #cable: TcpCable;
  readonly #observer: MqttClient;
  readonly #reader: Reader;
  readonly #end: () => Promise<void>;
  #isOver = false;

  private constructor(cable: TcpCable, observer: MqttClient, reader: Reader, end: () => Promise<void>) {
    this.#cable = cable;
    this.#observer = observer;
    this.#reader = reader;
    this.#end = end;
    observer.on('message', (topic, payload, { qos, retain }) => reader.hear(topic, payload, { qos, retain }));
  }

  /** `end` stops the broker itself. */
  static async attach(port: number, end: () => Promise<void>, reader: Reader): Promise<ObservedBroker> {
    const cable = new TcpCable(port);
    await cable.plug();
    const observer = await connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: 'observer', reconnectPeriod: 0 });
    const broker = new ObservedBroker(cable, observer, reader, end);
    await observer.subscribeAsync('#', { qos: 1 });
    return broker;
  }

  /** For the gateway: over the cable. */
  get url(): string {
    return `mqtt://127.0.0.1:${this.#cable.port}`;
  }

  get messages(): Record<string, unknown>[] {
    return [...this.#reader.messages];
  }

  get violations(): string[] {
    return [...this.#reader.violations];
  }

  get wills(): number {
    return this.#reader.wills;
  }

  send(topic: string, payload: string | Buffer): void {
    this.#observer.publish(topic, payload, { qos: 1 });
  }

  cut(): void {
    this.#cable.cut();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#cable.pull();
    await this.#observer.endAsync(true);
    await this.#end();
  }
}

/** Of the dialect `mqtt`, in the shape `twin`. */
export function jsonReader(): Reader {
  const messages: Record<string, unknown>[] = [];
  let wills = 0;
  return {
    messages,
    violations: [],
    get wills() {
      return wills;
    },
    hear(topic, payload) {
      if (topic.endsWith('/command')) return;
      const body = JSON.parse(payload.toString()) as Record<string, unknown>;
      if (topic.endsWith('/status')) wills += body.reason === 'connection lost' ? 1 : 0;
      else messages.push(body);
    },
  };
}
