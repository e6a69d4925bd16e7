import { Aedes } from 'aedes';
import { Recorder } from './recorder.ts';
import { startTcpServer } from './tcp-server.ts';

export interface BrokerMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly retain: boolean;
}

/** An MQTT 3.1.1 broker on 127.0.0.1 that writes down what it took. */
export interface SimulatedBroker {
  readonly url: string;
  readonly port: number;
  readonly connections: number;
  /** Fed before a publish is acknowledged: what was acknowledged was recorded. */
  readonly recorder: Recorder;
  /** To whoever has subscribed to the topic. */
  publish(topic: string, payload: string | Buffer): Promise<void>;
  /** What clients publish; returns what ends it. */
  listen(onMessage: (message: BrokerMessage) => void): () => void;
  /** Connections are reset, new ones refused. Retained messages and subscriptions of lasting sessions are kept. */
  down(): Promise<void>;
  up(): Promise<void>;
  close(): Promise<void>;
}

/** `port` 0: any that is free. */
export async function startBroker({ port }: { readonly port: number }): Promise<SimulatedBroker> {
  await using opened = new AsyncDisposableStack();
  const broker = opened.adopt(await Aedes.createBroker(), (one) => new Promise<void>((resolve) => one.close(() => resolve())));
  const server = opened.adopt(await startTcpServer(port, (socket) => broker.handle(socket)), (one) => one.close());
  const recorder = new Recorder();
  const listeners = new Set<(message: BrokerMessage) => void>();
  broker.on('publish', ({ topic, payload, retain }, client) => {
    if (client === null) return;
    const message = { topic, payload: Buffer.from(payload), retain };
    recorder.record(message.payload);
    for (const listener of listeners) listener(message);
  });
  // From here on the caller closes; had the port been taken, the broker would be closed already.
  const owned = opened.move();
  return {
    url: `mqtt://127.0.0.1:${server.port}`,
    port: server.port,
    get connections() {
      return server.connections;
    },
    recorder,
    publish: (topic, payload) =>
      new Promise((resolve, reject) => {
        const packet = { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false } as const;
        broker.publish(packet, (error) => (error ? reject(error) : resolve()));
      }),
    listen: (onMessage) => {
      listeners.add(onMessage);
      return () => listeners.delete(onMessage);
    },
    down: server.down,
    up: server.up,
    close: () => owned.disposeAsync(),
  };
}
