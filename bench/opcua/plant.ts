import { findLoadServer, type LoadOptions, OpcuaLoadServer } from '../../test/support/opcua-load-server.ts';
import { startChild } from '../harness/child.ts';

export interface BenchPlant {
  readonly name: string;
  readonly url: string;
  readonly namespaceIndex: number;
  stop(): Promise<void>;
}

/** An OPC UA server in a process of its own: the one on gopcua where it was built, else one that is saturated near 19 000 changes/s. */
export async function startPlant(options: LoadOptions): Promise<BenchPlant> {
  const program = findLoadServer();
  if (program !== undefined) {
    const server = await OpcuaLoadServer.start(program, options);
    const { url, namespaceIndex } = server;
    return { name: 'a server on gopcua', url, namespaceIndex, stop: () => server.stop() };
  }
  const child = await startChild<{ url: string; namespaceIndex: number }>(import.meta.url, './server.ts', [
    String(options.variables),
  ]);
  const name = 'a node-opcua server, saturated near 19 000 changes/s: run scripts/install-test-peers/gopcua.sh';
  return { name, ...child.ready, stop: () => child.stop() };
}
