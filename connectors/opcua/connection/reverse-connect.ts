import { ClientReverseConnect, type OPCUAClient } from 'node-opcua-client';
import { GatewayError } from '../../../src/model/error.ts';
import type { ServerSettings } from '../mapping/settings.ts';
import { textOf } from '../protocol/errors.ts';

/**
 * Part 6 §7.1.3: the server opens the TCP connection and says in a ReverseHello who it is and under which URL it offers its endpoints.
 * Both must be what the mapping says, else the connection is left for another, and closed. Everything after is as ever.
 */
export interface Way {
  /** Connects the client: to the server, or to the connection that the server opens. */
  connect(client: OPCUAClient): Promise<void>;
  /** How long the server may take to call, beside what it takes to answer. */
  readonly patienceMs: number;
  /** For messages. */
  readonly doing: string;
  /** When nothing of the way is used any more. */
  close(): Promise<void>;
}

interface Listener {
  readonly library: ClientReverseConnect;
  readonly listening: Promise<void>;
  users: number;
}

/** One for each address; connections share it. */
const listeners = new Map<string, Listener>();

export async function findWay(settings: ServerSettings, name: string): Promise<Way> {
  const { reverseConnect, url } = settings;
  if (reverseConnect === undefined) {
    return { connect: (client) => client.connect(url), patienceMs: 0, doing: 'connecting', close: async () => {} };
  }
  const { listen, serverUri, patience } = reverseConnect;
  const { library } = await join(listen, name);
  let left: Promise<void> | undefined;
  return {
    connect: (client) => client.connectReverse(library, { serverUri, endpointUrl: url }),
    patienceMs: patience,
    doing: `waiting at ${listen} for ${serverUri} to connect with ${url}`,
    close: () => {
      left ??= leave(listen);
      return left;
    },
  };
}

async function join(listen: string, name: string): Promise<Listener> {
  const listener = listeners.get(listen) ?? start(listen);
  listeners.set(listen, listener);
  listener.users += 1;
  try {
    await listener.listening;
    return listener;
  } catch (cause) {
    await leave(listen);
    throw new GatewayError('LINK_REFUSED', name, `cannot listen at ${listen}: ${textOf(cause)}`, { cause });
  }
}

function start(listen: string): Listener {
  const library = new ClientReverseConnect(`opc.tcp://${listen}`);
  return { library, listening: library.start(), users: 0 };
}

async function leave(listen: string): Promise<void> {
  const listener = listeners.get(listen);
  if (listener === undefined) return;
  listener.users -= 1;
  if (listener.users > 0) return;
  listeners.delete(listen);
  await listener.library.stop();
}
