import type { ClientSecureChannelLayer, OPCUAClient } from 'node-opcua-client';

/** Secure channels of one client, so that a socket can be cut that the library would wait for. */
export class Channels {
  readonly #channels = new Set<ClientSecureChannelLayer>();

  watch(client: OPCUAClient): void {
    client.on('secure_channel_created', (channel) => {
      // Each break of the network leaves one behind, and a session may live for years.
      for (const old of this.#channels) if (!old.isValid()) this.#channels.delete(old);
      this.#channels.add(channel);
    });
  }

  get count(): number {
    return this.#channels.size;
  }

  cut(): void {
    for (const channel of this.#channels) {
      channel.forceConnectionBreak();
      channel.dispose();
    }
    this.#channels.clear();
  }
}
