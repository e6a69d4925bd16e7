import type { ClientSecureChannelLayer, OPCUAClient } from 'node-opcua-client';

/** Secure channels of one client, so that a socket can be cut that the library would wait for. */
export class Channels {
  readonly #channels = new Set<ClientSecureChannelLayer>();

  watch(client: OPCUAClient): void {
    client.on('secure_channel_created', (channel) => this.#channels.add(channel));
  }

  cut(): void {
    for (const channel of this.#channels) {
      channel.forceConnectionBreak();
      channel.dispose();
    }
    this.#channels.clear();
  }
}
