import { once } from 'node:events';
import { createServer as createWebServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer, type PeerCertificate, type Server, TLSSocket, type TlsOptions } from 'node:tls';
import { parser as createParser, generate, type Packet } from 'mqtt-packet';
import { createWebSocketStream, WebSocketServer } from 'ws';

const WEB_SOCKET_PATH = '/$iothub/websocket';

/** One client at a listener. */
export interface Peer {
  readonly stream: Duplex;
  /** What the client showed in the handshake; absent: none. */
  readonly certificate: PeerCertificate | undefined;
  readonly isWebSocket: boolean;
  send(packet: Packet): void;
}

export interface ListenerEvents {
  onPeer(peer: Peer): void;
  onPacket(peer: Peer, packet: Packet): void;
  onClose(peer: Peer): void;
  onUnreadable(peer: Peer, error: Error): void;
}

export interface ListenerOptions {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly tls: TlsOptions;
}

/** MQTT 3.1.1 over TLS at one port, over WebSocket at another; asks for a client certificate, and leaves it to others to judge it. */
export class MqttListener {
  port = 0;
  webSocketPort = 0;
  readonly #servers: Server[] = [];
  readonly #peers = new Set<Peer>();
  readonly #options: ListenerOptions;
  readonly #events: ListenerEvents;

  constructor(options: ListenerOptions, events: ListenerEvents) {
    this.#options = options;
    this.#events = events;
    this.port = options.port;
  }

  get peers(): ReadonlySet<Peer> {
    return this.#peers;
  }

  async start(): Promise<void> {
    const tls: TlsOptions = { ...this.#options.tls, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' };
    const server = createServer(tls, (socket) => this.#take(socket, socket, false));
    const webServer = createWebServer(tls);
    const webSockets = new WebSocketServer({
      server: webServer,
      path: WEB_SOCKET_PATH,
      handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
    });
    webSockets.on('connection', (socket, request) =>
      this.#take(createWebSocketStream(socket), request.socket as TLSSocket, true),
    );
    this.port = await listen(server, this.port, this.#options.address);
    this.webSocketPort = await listen(webServer, this.webSocketPort, this.#options.address);
    this.#servers.splice(0, 2, server, webServer);
  }

  /** Nobody listens any more; every connection is torn. */
  async stop(): Promise<void> {
    this.cut();
    for (const server of this.#servers.splice(0)) {
      const closed = once(server, 'close');
      server.close();
      await closed;
    }
  }

  cut(): void {
    for (const { stream } of this.#peers) stream.destroy();
  }

  #take(stream: Duplex, socket: TLSSocket, isWebSocket: boolean): void {
    const shown = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
    const peer: Peer = {
      stream,
      certificate: shown?.raw === undefined ? undefined : shown,
      isWebSocket,
      send(packet) {
        if (stream.writable) stream.write(generate(packet));
      },
    };
    this.#peers.add(peer);
    stream.on('error', () => {});
    socket.on('error', () => {});
    let isGone = false;
    const gone = () => {
      if (isGone) return;
      isGone = true;
      this.#peers.delete(peer);
      stream.destroy();
      this.#events.onClose(peer);
    };
    stream.on('close', gone);
    socket.on('close', gone);
    const parser = createParser();
    parser.on('packet', (packet: Packet) => this.#events.onPacket(peer, packet));
    parser.on('error', (error: Error) => this.#events.onUnreadable(peer, error));
    stream.on('data', (chunk: Buffer) => parser.parse(chunk));
    this.#events.onPeer(peer);
  }
}

async function listen(server: Server, port: number, address: string): Promise<number> {
  server.on('tlsClientError', () => {});
  server.listen(port, address);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
