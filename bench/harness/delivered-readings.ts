import { connectAsync, type MqttClient } from 'mqtt';

/** Counts the readings that a broker hands on: what is counted here went all the way. */
export class DeliveredReadings {
  readonly #client: MqttClient;
  #count = 0;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (_topic, payload) => {
      const { values = {} } = JSON.parse(payload.toString()) as {
        readonly values?: Readonly<Record<string, readonly unknown[]>>;
      };
      for (const timed of Object.values(values)) this.#count += timed.length;
    });
  }

  static async of(port: number): Promise<DeliveredReadings> {
    const client = await connectAsync({ host: '127.0.0.1', port, reconnectPeriod: 0 });
    const delivered = new DeliveredReadings(client);
    await client.subscribeAsync('#', { qos: 0 });
    return delivered;
  }

  get count(): number {
    return this.#count;
  }

  async end(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
