import { type Direction, OpcuaProxy } from '../../../support/opcua-proxy.ts';
import { startOpcuaServer } from '../../../support/opcua-server.ts';
import { Bench, Collected, FAST, makePlan, OPEN } from '../support.ts';

export const POINTS = ['Speed', 'Count', 'Name', 'Running', 'MaxUInt64', 'Blob', 'Where', 'Started'] as const;

/** The chunks of a session of the connector with a real server: opened, subscribed, read, written, closed. */
export async function recordSession(): Promise<Readonly<Record<Direction, readonly Buffer[]>>> {
  const server = await startOpcuaServer();
  const proxy = new OpcuaProxy(server.port);
  await proxy.start();
  const recorded: Record<Direction, Buffer[]> = { toServer: [], toClient: [] };
  proxy.change = (chunk, direction) => {
    recorded[direction].push(chunk);
    return chunk;
  };
  const bench = new Bench();
  await bench.begin();
  const points = Object.fromEntries(POINTS.map((name) => [name, name === 'Count' ? { access: 'read-write' as const } : {}]));
  const plan = makePlan({ url: `opc.tcp://127.0.0.1:${proxy.port}`, ...OPEN, ...FAST }, { press: points });
  const session = await bench.open(bench.connector(plan));
  const all = new Collected(session);
  for (const name of POINTS) await all.until(name);
  const asked = plan.devices.flatMap((device) => device.points.map(({ point }) => point));
  const never = new AbortController().signal;
  await session.read(asked, never);
  const [, count] = asked;
  if (count !== undefined) await session.write([{ point: count, value: 7 }], never);
  await bench.end();
  await proxy.stop();
  await server.stop();
  return recorded;
}
